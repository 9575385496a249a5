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
    public var warnings: [Warning]
}

extension Subscription {
    /// Restores the disks of a machine into a folder, with a vm.json that makes it a machine of its
    /// own. Never overwrites: the folder is made, or it is empty of what is written.
    /// - Parameters:
    ///   - point: an id, a prefix of it; nil for the newest.
    ///   - newName: the name of the restored machine, a folder of its own in `folder`; nil for
    ///     `folder` itself.
    ///   - choice: disks that are restored, or left out; nil for all. The system disk has -1.
    public func restoreMachine(
        _ name: String, cloudService: String? = nil, point reference: String? = nil,
        to folder: FilePath, newName: String? = nil, disks choice: ItemState.DiskChoice? = nil,
        vault: String? = nil,
        progress: Progress = Progress(), cancellation: Cancellation = Cancellation()
    ) throws(KuraError) -> MachineRestoreReport {
        let found = try registered(name, cloudService: cloudService, vault: vault)
        guard found.state.status != .softDeleted else {
            throw KuraError(
                .refused, "the backup data of \(found.item) is deleted",
                remedy: .machine(.undelete(found.item)))
        }
        let point = try recoveryPoint(
            reference ?? "\(found.item)@latest", in: found.place.name)
        guard point.point.item == found.item else {
            throw KuraError(
                .invalidInput, "recovery point \(point.id.short) is one of \(point.point.item)",
                remedy: .point(.list(item: found.item)))
        }
        if let newName { try Name.check(newName, what: "a virtual machine") }
        let folder = newName.map { folder.appending($0) } ?? folder
        let done = try runJob(
            .restore, vault: found.place.name, item: found.item, progress: progress,
            cancellation: cancellation
        ) { run throws(KuraError) in
            run.begin(task: 0)
            run.keep(recoveryPoint: point.id.hex)
            let outputs: [(disk: String, path: FilePath, report: RestoreReport)]
            do throws(KuraError) {
                outputs = try write(point, choice, folder, found.state, run)
            } catch {
                recordFailure("Restore", found, error, run)
                throw error
            }
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

    /// One disk of a restore: what, where to, and its logical unit number where that is known.
    private struct Part {
        var disk: DiskRecord
        var path: FilePath
        var lun: Int?
    }

    /// Writes the disks, then vm.json. After an error nothing of it is left.
    private func write(
        _ located: LocatedPoint, _ choice: ItemState.DiskChoice?, _ folder: FilePath,
        _ state: ItemState, _ run: JobRun
    ) throws(KuraError) -> [(disk: String, path: FilePath, report: RestoreReport)] {
        let parts = try parts(located, choice, folder, state)
        let description = folder.appending("vm.json")
        let fileSystem = LocalFileSystem()
        do throws(IOError) {
            try fileSystem.makeDirectories(folder)
            // Looked at first: the last one would come after everything was written.
            for path in parts.map(\.path) + [description] where try fileSystem.exists(path) {
                throw IOError("write", path, .fileExists)
            }
        } catch {
            guard error.errno == .fileExists else { throw KuraError(io: error) }
            throw KuraError(
                .exists, "\(error.place) exists already, and nothing is overwritten",
                remedy: .machine(.restoreElsewhere))
        }
        var outputs: [(disk: String, path: FilePath, report: RestoreReport)] = []
        do throws(KuraError) {
            for part in parts {
                let report = try located.vault.restore(
                    part.disk, to: SinkPath(part.path, followsLink: false),
                    progress: run.progress, cancellation: run.cancellation)
                outputs.append((part.disk.name, part.path, report))
            }
            try describe(parts, description)
        } catch {
            for path in outputs.map(\.path) {
                do throws(IOError) {
                    try fileSystem.remove(path)
                } catch {
                    run.warn("\(path) was left behind: \(error)")
                }
            }
            throw error
        }
        return outputs
    }

    private func parts(
        _ located: LocatedPoint, _ choice: ItemState.DiskChoice?, _ folder: FilePath,
        _ state: ItemState
    ) throws(KuraError) -> [Part] {
        let known = try catalog().machines().first { $0.key == state.key }
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

    /// The image's own name. Names come from the vault: none of them may lead out of the folder.
    private static func fileName(of disk: DiskRecord) throws(KuraError) -> String {
        let name = FilePath(disk.source).lastComponent?.string ?? "\(disk.name).img"
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

    /// Writes the vm.json of a machine that is off: whoever starts it says so. A disk whose number
    /// is not known gets the next one that is free.
    private func describe(_ parts: [Part], _ path: FilePath) throws(KuraError) {
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
            let bytes = Array(try encoder.encode(RestoredMachine(disks: disks)))
            // Made to be changed by its owner, unlike the files of a region.
            let file = try FileDescriptor.open(
                path, .writeOnly, options: [.create, .exclusiveCreate],
                permissions: .ownerReadWrite)
            try file.closeAfter { _ = try file.writeAll(bytes + [UInt8(ascii: "\n")]) }
        } catch let error as Errno {
            throw KuraError(io: IOError("write", path, error))
        } catch {
            throw KuraError(error)
        }
    }
}
