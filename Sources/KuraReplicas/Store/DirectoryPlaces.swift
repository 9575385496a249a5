public import KuraFormat
public import KuraIO
internal import SystemPackage

extension DirectoryStore {
    public func condition() throws(IOError) -> StoreCondition {
        guard try fileSystem.exists(path) else {
            let parent = path.removingLastComponent()
            return try fileSystem.exists(parent.isEmpty ? "." : parent) ? .absent : .unreachable
        }
        return .present(try names(in: .root))
    }

    public func requireTrusted() throws(KuraError) {
        try withKuraErrors {
            try owner.check(path, fileSystem)
            guard owner == .trusted else { return }
            for vault in try vaultsPresent() {
                try owner.checkDirectory(path(of: vault), fileSystem)
                for name in Layout.folders {
                    try owner.checkDirectory(path(of: vault.folder(name)), fileSystem)
                }
            }
        }
    }

    private func vaultsPresent() throws -> [StoreFolder] {
        try owner.checkDirectory(path(of: Layout.vaults), fileSystem)
        return try namesIfPresent(in: Layout.vaults).filter { UniqueID(hex: $0) != nil }
            .map { Layout.vaults.folder($0) }
    }

    /// Checks the 256 folders of packs. Only writing needs that, so `requireTrusted` leaves it out.
    private func requireTrustedPacks(_ vault: StoreFolder) throws(IOError) {
        let packs = vault.folder(Layout.packs)
        for name in Layout.fanOut {
            do {
                try owner.checkDirectory(path(of: packs.folder(name)), fileSystem)
            } catch let error as IOError {
                throw error
            } catch {
                throw IOError("write to", at: path(of: packs.folder(name)), .permissionDenied)
            }
        }
    }

    public func create() throws(IOError) {
        try fileSystem.makeDirectories(path)
        for name in try fileSystem.list(path) where Draft.isRubbish(name) {
            try fileSystem.remove(path(of: StoreName(name)))
        }
    }

    public func prepare(vault id: UniqueID) throws(IOError) {
        let vault = Layout.vault(id)
        guard try lacksFolders(vault) else { return try requireTrustedPacks(vault) }
        try fileSystem.makeDirectory(path(of: vault))
        let packs = vault.folder(Layout.packs)
        for name in Layout.topFolders { try fileSystem.makeDirectory(path(of: vault.folder(name))) }
        for name in Layout.fanOut { try fileSystem.makeDirectory(path(of: packs.folder(name))) }
        try fileSystem.flushDirectory(path(of: packs))
        try fileSystem.flushDirectory(path(of: vault))
        try fileSystem.flushDirectory(path(of: Layout.vaults))
    }

    /// Whether a folder is missing that writers rely on: the vault is new in this replica, the
    /// replica was restored from a copy that is older than the vault, or the folder was removed.
    private func lacksFolders(_ vault: StoreFolder) throws(IOError) -> Bool {
        do throws(IOError) {
            let fanOut = try fileSystem.list(path(of: vault.folder(Layout.packs)))
            return try !Set(fileSystem.list(path(of: vault))).isSuperset(of: Layout.topFolders)
                || !Set(fanOut).isSuperset(of: Layout.fanOut)
        } catch {
            if error.isNotFound { return true }
            throw error
        }
    }

    public func prepare(_ folder: StoreFolder) throws(IOError) {
        let path = path(of: folder)
        if try fileSystem.exists(path) { return }
        try fileSystem.makeDirectory(path)
        try fileSystem.flushDirectory(path.removingLastComponent())
    }

    public func isPrepared(_ folder: StoreFolder) throws(IOError) -> Bool {
        do throws(IOError) {
            return try fileSystem.status(path(of: folder)).kind == .directory
        } catch {
            if error.isNotFound { return false }
            throw error
        }
    }

    public func removeDrafts(
        in vault: UniqueID, where isGone: (UniqueID) -> Bool
    ) throws(IOError) {
        let folder = Layout.vault(vault).folder(Layout.temporary)
        let names = try namesIfPresent(in: folder)
        // Another session may remove some of them first; `delete` passes over a missing one.
        try delete(
            names.filter { Draft.owner(of: $0).map(isGone) ?? false }.map { folder.object($0) })
    }

    public func room() throws(IOError) -> StoreRoom? {
        StoreRoom(
            device: try fileSystem.status(path).device, freeBytes: try fileSystem.freeBytes(path))
    }
}
