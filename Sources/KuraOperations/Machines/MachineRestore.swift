internal import FoundationEssentials
public import KuraFormat
public import KuraIO
internal import KuraImages
internal import KuraMachines
public import KuraVault
public import SystemPackage

/// A machine whose disks are restored into a folder.
public struct MachineRestore: Sendable {
    /// Its item, its name, or CLOUD-SERVICE/NAME.
    public var name: String
    public var cloudService: String?
    public var vault: String?
    /// An id or a prefix of it; nil for the newest point.
    public var point: String?
    public var folder: FilePath
    /// The name of the restored machine, a folder of its own in `folder`; nil for `folder` itself.
    public var newName: String?
    /// Disks that are restored, or left out; nil for all. The system disk has -1.
    public var disks: ItemState.DiskChoice?
    /// See `PointRestore.outputUser`.
    public var outputUser: String?

    public init(
        _ name: String, cloudService: String? = nil, vault: String? = nil, point: String? = nil,
        to folder: FilePath, newName: String? = nil, disks: ItemState.DiskChoice? = nil
    ) {
        self.name = name
        self.cloudService = cloudService
        self.vault = vault
        self.point = point
        self.folder = folder
        self.newName = newName
        self.disks = disks
    }
}

/// What a restore of a machine wrote.
public struct MachineRestoreReport: Sendable {
    public var item: String
    public var point: RecoveryPointID
    public var outputs: [(disk: String, path: FilePath, report: RestoredBytes)]
    public var job: String
    /// What was met damaged on the way, each healed or with the reason why not.
    public var damage: [FoundDamage]
    /// Everything that the user should know, damage included.
    public var warnings: [Warning]
}

extension Operations {
    /// Restores the disks of a machine into a folder, with a vm.json that makes it a machine of its
    /// own: `restore` with the names of the machine's images.
    ///
    /// Never overwrites: the folder is made, or it is empty of what is written. After an error
    /// nothing of the disks is left.
    public func restoreMachine(
        _ request: MachineRestore
    ) throws(KuraError) -> MachineRestoreReport {
        let found = try subscription.registered(
            request.name, cloudService: request.cloudService, vault: request.vault)
        guard found.state.status != .softDeleted else {
            throw KuraError(
                .refused, "the backup data of \(found.item) is deleted",
                remedy: .machine(.undelete(found.item)))
        }
        let point = try subscription.recoveryPoint(
            request.point ?? "\(found.item)@latest", in: found.place.name)
        guard point.point.item == found.item else {
            throw KuraError(
                .invalidInput, "recovery point \(point.id.short) is one of \(point.point.item)",
                remedy: .point(.list(item: found.item)))
        }
        if let name = request.newName { try Name.check(name, what: "a virtual machine") }
        let folder = request.newName.map { request.folder.appending($0) } ?? request.folder
        let description = folder.appending("vm.json")
        let fileSystem = try Self.outputFileSystem(as: request.outputUser)
        let chosen = Guarded<[Part]>([])
        var restore = PointRestore(point) { _ throws(KuraError) in
            let parts = try parts(
                of: point, choosing: request.disks, in: folder, found.state)
            chosen.update { $0 = parts }
            try refuseForeignDirectories(description, as: request.outputUser)
            try makeRoom(folder, for: parts.map(\.path) + [description], on: fileSystem)
            return parts.map { PointRestore.File($0.disk, to: $0.path) }
        }
        restore.isAllOrNothing = true
        restore.outputUser = request.outputUser
        restore.written = { _ throws(KuraError) in
            try describe(chosen.read(), description, on: fileSystem)
        }
        let report = try self.restore(restore)
        return MachineRestoreReport(
            item: found.item, point: point.id,
            outputs: zip(chosen.read(), report.disks).map { ($0.disk.name, $0.path, $1.report) },
            job: report.job, damage: report.damage, warnings: report.warnings)
    }

    /// One disk of a restore: what, where to, and its logical unit number where that is known.
    private struct Part: Sendable {
        var disk: DiskRecord
        var path: FilePath
        var lun: Int?
    }

    /// Makes the folder. Throws where one of the files is there: found at the end, it would come
    /// after everything was written.
    private func makeRoom(
        _ folder: FilePath, for files: [FilePath], on fileSystem: any TargetFileSystem
    ) throws(KuraError) {
        try refuseOwnDirectories(folder)
        do throws(IOError) {
            try fileSystem.makeDirectories(context.resolve(folder))
            for path in files where try fileSystem.exists(context.resolve(path)) {
                throw IOError("write", at: path, .fileExists)
            }
        } catch {
            guard error.errno == .fileExists else { throw KuraError(io: error) }
            throw KuraError(
                .exists, "\(error.place) exists already, and nothing is overwritten",
                remedy: .machine(.restoreElsewhere))
        }
    }

    private func parts(
        of located: LocatedPoint, choosing choice: ItemState.DiskChoice?, in folder: FilePath,
        _ state: ItemState
    ) throws(KuraError) -> [Part] {
        let known = try subscription.catalog().machines().first { $0.key == state.key }
        var luns = state.luns ?? [:]
        for disk in known?.disks ?? [] where luns[disk.name] == nil { luns[disk.name] = disk.lun }
        var parts: [Part] = []
        var names = Set<String>()
        for disk in located.point.disks {
            let lun = luns[disk.name]
            if let choice {
                guard let lun else {
                    throw KuraError(
                        .notFound, "the lun of disk \(disk.name) is not known",
                        remedy: .point(.restoreDisk(point: located.id.short, disk: disk.name)))
                }
                guard choice.luns.contains(lun) != choice.isExclusion else { continue }
            }
            var name = try Self.fileName(of: disk)
            if names.contains(name) { name = "\(disk.name)-\(name)" }
            names.insert(name)
            parts.append(Part(disk: disk, path: folder.appending(name), lun: lun))
        }
        guard !parts.isEmpty else {
            let held = located.point.disks.map { disk in
                "\(disk.name) (\(luns[disk.name].map { "lun \($0)" } ?? "no lun"))"
            }
            throw KuraError(
                .notFound, "the recovery point has none of these disks",
                remedy: .advice("it has: \(held.joined(separator: ", "))"))
        }
        return parts
    }

    /// The image's own name; what was in an image in a format is raw now. Names come from the
    /// vault: none of them may lead out of the folder.
    private static func fileName(of disk: DiskRecord) throws(KuraError) -> String {
        let origin = DiskOrigin(disk.source)
        var name = FilePath(origin.place).lastComponent?.string ?? "\(disk.name).img"
        if origin.format != .raw { name = "\(FilePath(name).stem ?? name).img" }
        try Name.check(name, what: "a restored disk")
        return name
    }

    private struct RestoredMachine: Encodable {
        struct Disk: Encodable {
            var name: String
            var path: String
            var lun: Int
        }
        var power = "stopped"
        var disks: [Disk]
    }

    /// Writes the vm.json of a machine that is off: its user starts it. A disk whose number
    /// is not known gets the next one that is free.
    private func describe(
        _ parts: [Part], _ path: FilePath, on fileSystem: any TargetFileSystem
    ) throws(KuraError) {
        var taken = Set(parts.compactMap(\.lun))
        var disks: [RestoredMachine.Disk] = []
        for part in parts {
            var lun = part.lun ?? VirtualMachine.Disk.systemLUN
            while part.lun == nil, taken.contains(lun) { lun += 1 }
            taken.insert(lun)
            disks.append(
                RestoredMachine.Disk(
                    name: part.disk.name, path: part.path.lastComponent?.string ?? "", lun: lun))
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        do {
            let document = try encoder.encode(RestoredMachine(disks: disks))
            let bytes = Array(document) + [UInt8(ascii: "\n")]
            // Made to be changed by its owner, unlike the files of a region.
            let target = context.resolve(path)
            let file = try fileSystem.create(target)
            defer { fileSystem.close(file) }
            try bytes.withUnsafeBytes { try fileSystem.write(file, target, at: 0, from: $0) }
        } catch {
            throw KuraError(error)
        }
    }
}
