public import KuraFormat
public import KuraIO
internal import KuraReplicas
public import KuraStore
public import SystemPackage

// Tests look into the directories of replicas, and damage what is there.

extension Region {
    /// Opens a region whose replicas are directories.
    public convenience init(
        id: UniqueID, name: String, replicas paths: [FilePath],
        fileSystem: any FileSystem = LocalFileSystem(), waits: WaitPolicy = WaitPolicy(),
        access: LogAccess? = nil
    ) {
        self.init(
            id: id, name: name, stores: DirectoryStore.stores(at: paths, fileSystem: fileSystem),
            waits: waits, access: access)
    }

    /// Makes the directories of a region's replicas: see `create(name:id:stores:)`.
    public static func create(
        name: String, replicas paths: [FilePath], fileSystem: any FileSystem = LocalFileSystem(),
        access: LogAccess? = nil
    ) throws(KuraError) -> Region {
        try create(
            name: name, stores: DirectoryStore.stores(at: paths, fileSystem: fileSystem),
            access: access)
    }
}

extension Replica {
    public var path: FilePath { store.directory }

    /// The directory of a vault.
    public func vaultPath(_ vault: UniqueID) -> FilePath {
        path.appending("vaults").appending(vault.hex)
    }
}
