internal import FoundationEssentials
internal import KuraFormat
public import KuraIO
internal import KuraMachines
public import KuraStore
public import SystemPackage

/// What a restore of a machine wrote.
public struct MachineRestoreReport: Sendable {
    public var item: String
    public var point: LocatedPoint
    public var outputs: [(disk: String, path: FilePath, report: RestoreReport)]
    public var job: String
    public var warnings: [String]
}

extension Subscription {
    /// Restores the disks of a machine into a folder, with a vm.json that makes it a machine of its
    /// own. Never overwrites: the folder is made, or it is empty of what is written.
    /// - Parameters:
    ///   - point: an id, a prefix of it; nil for the newest.
    ///   - newName: the name of the restored machine, a folder of its own in `folder`; nil for
    ///     `folder` itself.
    ///   - luns: disks that are restored; nil for all. The system disk has -1.
    public func restoreMachine(
        _ name: String, cloudService: String? = nil, point reference: String? = nil,
        to folder: FilePath, newName: String? = nil, luns: Set<Int>? = nil, vault: String? = nil,
        progress: Progress = Progress(), cancellation: Cancellation = Cancellation()
    ) throws(StoreError) -> MachineRestoreReport {
        let found = try registered(name, cloudService: cloudService, vault: vault)
        guard found.state.status != .softDeleted else {
            throw StoreError(
                .refused, "the backup data of \(found.item) is deleted",
                remedy: "bring it back first: kura vm undelete \(found.item)")
        }
        let point = try recoveryPoint(
            reference ?? "\(found.item)@latest", in: found.place.name)
        guard point.point.item == found.item else {
            throw StoreError(
                .invalidInput, "recovery point \(point.id.short) is one of \(point.point.item)",
                remedy: "run: kura list --item \(found.item)")
        }
        if let newName { try Name.check(newName, what: "a virtual machine") }
        let folder = newName.map { folder.appending($0) } ?? folder
        let done = try runJob(
            .restore, vault: found.place.name, item: found.item, progress: progress,
            cancellation: cancellation
        ) { run throws(StoreError) in
            run.begin(task: 0)
            run.keep(recoveryPoint: point.id.hex)
            let outputs = try write(point, luns, folder, found.state, run)
            try describe(outputs.map(\.disk), outputs.map(\.path), folder)
            if found.place.isActiveReachable, !found.place.isContested {
                try record(
                    "Restore", "\(found.item), recovery point \(point.id.hex), job \(run.id)",
                    in: found.place.writing())
            }
            return outputs
        }
        return MachineRestoreReport(
            item: found.item, point: point, outputs: done.value, job: done.id,
            warnings: done.warnings)
    }

    private func write(
        _ located: LocatedPoint, _ luns: Set<Int>?, _ folder: FilePath, _ state: ItemState,
        _ run: JobRun
    ) throws(StoreError) -> [(disk: String, path: FilePath, report: RestoreReport)] {
        let known = try catalog().machines().first { $0.key == state.key }
        var disks: [DiskRecord] = []
        for disk in located.point.disks {
            guard let luns else {
                disks.append(disk)
                continue
            }
            guard let lun = known?.disks.first(where: { $0.name == disk.name })?.lun else {
                throw StoreError(
                    .notFound, "the lun of disk \(disk.name) is not known any more",
                    remedy: "restore it by its name: kura restore \(located.id.short) --disk "
                        + disk.name)
            }
            if luns.contains(lun) { disks.append(disk) }
        }
        guard !disks.isEmpty else {
            throw StoreError(.notFound, "the recovery point has none of these disks")
        }
        do throws(IOError) {
            try LocalFileSystem().makeDirectories(folder)
        } catch {
            throw StoreError(io: error)
        }
        var outputs: [(disk: String, path: FilePath, report: RestoreReport)] = []
        for disk in disks {
            let path = folder.appending(try Self.fileName(of: disk))
            let report = try Self.restore(disk, to: path, located.vault, run)
            outputs.append((disk.name, path, report))
        }
        return outputs
    }

    /// The image's own name. Names come from the vault: none of them may lead out of the folder.
    private static func fileName(of disk: DiskRecord) throws(StoreError) -> String {
        let name = FilePath(disk.source).lastComponent?.string ?? "\(disk.name).img"
        try Name.check(name, what: "a restored disk")
        return name
    }

    private static func restore(
        _ disk: DiskRecord, to path: FilePath, _ vault: Vault, _ run: JobRun
    ) throws(StoreError) -> RestoreReport {
        let file: TargetFile
        do throws(TargetError) {
            file = try TargetFile(
                path, byteCount: disk.byteCount, overwrite: false, followsLink: false)
        } catch {
            throw StoreError(error)
        }
        do {
            let report = try vault.restore(
                disk, to: .file(file), progress: run.progress, cancellation: run.cancellation)
            try file.finish()
            return report
        } catch {
            file.abandon()
            throw StoreError(error)
        }
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

    /// Writes the vm.json of a machine that is off: whoever starts it says so.
    private func describe(
        _ names: [String], _ paths: [FilePath], _ folder: FilePath
    ) throws(StoreError) {
        let disks = zip(names, paths).enumerated().map { number, disk in
            RestoredMachine.Disk(
                name: disk.0, path: disk.1.lastComponent?.string ?? "",
                lun: VirtualMachine.Disk.systemLUN + number)
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        do {
            let bytes = Array(try encoder.encode(RestoredMachine(disks: disks)))
            try LocalFileSystem().publish(
                bytes, as: folder.appending("vm.json"),
                temporary: folder.appending(".vm.json.\(UniqueID.random()).new"), replacing: false)
        } catch {
            throw StoreError(error)
        }
    }
}
