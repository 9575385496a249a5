public import KuraFormat
public import KuraIO
internal import KuraImages
internal import KuraStore
public import KuraVault
public import SystemPackage

/// Disks of one recovery point to be restored.
public struct PointRestore: Sendable {
    /// One disk, and the path that it goes to.
    public struct File: Sendable {
        public var disk: DiskRecord
        public var path: FilePath
        /// Whether the path may be a link to what is overwritten: not where its last part is a name
        /// from a vault.
        package var followsLink = false

        public init(_ disk: DiskRecord, to path: FilePath) {
            self.disk = disk
            self.path = path
        }
    }

    public enum Output: Sendable {
        /// One disk to this path, or into it where it is a directory; several into it.
        case path(FilePath)
        /// One disk, from its first byte to its last.
        /// - Parameters:
        ///   - descriptor: stays the caller's.
        ///   - name: what messages call it.
        case stream(descriptor: Int32, name: String)
    }

    public var point: LocatedPoint
    /// Whether the caller chose the region that the point is read from; else it is a warning that
    /// this is not the active one.
    public var isRegionChosen = false
    /// Whether existing files are replaced, each when its disk is complete.
    public var overwrites = false
    /// Whether the path is a block device, and only that, which is overwritten.
    public var overwritesDevice = false
    /// What the disks become.
    public var format = RestoreFormat()
    /// The user with whose rights files are made; nil for the one of this process. Root writes to
    /// directories of other users only so.
    public var outputUser: String?
    /// Whether what no copy has is left out, as zeros, and reported, where else that is an error.
    public var skipsLost = false
    /// Whether the files that are finished already go again when a later one fails.
    package var isAllOrNothing = false
    package var target: Target
    /// Called within the job when every file is written.
    package var written: @Sendable (OperationJob) throws(KuraError) -> Void = { _ in }

    package enum Target: Sendable {
        case output(Output, disk: String?)
        /// Asked within the job, and before anything is written.
        case files(@Sendable (OperationJob) throws(KuraError) -> [File])
    }

    /// - Parameter disk: the name of the only disk that is restored; nil for all.
    public init(_ point: LocatedPoint, disk: String? = nil, to output: Output) {
        self.point = point
        target = .output(output, disk: disk)
    }

    package init(
        _ point: LocatedPoint,
        to files: @escaping @Sendable (OperationJob) throws(KuraError) -> [File]
    ) {
        self.point = point
        target = .files(files)
    }
}

/// What a restore did.
public struct PointRestoreReport: Sendable {
    public struct Disk: Sendable {
        public var disk: DiskRecord
        /// As it was asked for; nil for a stream.
        public var path: FilePath?
        public var report: RestoredBytes
    }

    public var point: RecoveryPointID
    public var disks: [Disk] = []
    public var job = ""
    /// What was met damaged on the way, each healed or with the reason why not.
    public var damage: [FoundDamage] = []
    /// Everything that the user should know, damage included.
    public var warnings: [Warning] = []

    /// Sums over all disks; `lost` counts in each disk's own bytes.
    public var total: RestoredBytes {
        disks.reduce(into: RestoredBytes()) { $0 += $1.report }
    }
}

extension Operations {
    /// Restores disks of a recovery point, every chunk checked on the way, as one job.
    ///
    /// A new file appears under its name when it is complete and durable. On return damage that was
    /// met is healed and the audit journal has its entry. Nothing is written inside the home or a
    /// replica of any region.
    public func restore(_ request: PointRestore) throws(KuraError) -> PointRestoreReport {
        let (vault, point) = (request.point.vault, request.point.point)
        let place = try subscription.place(named: vault.record.name)
        let done = try withJob(
            .restore, vault: vault.record.name, item: point.item, auditing: [place]
        ) { job throws(KuraError) in
            job.run.begin(task: 0)
            job.run.keep(recoveryPoint: request.point.id.hex)
            job.describe("recovery point \(request.point.id.hex)")
            try Self.checkFormat(request)
            prepareReading(request.point, place, isRegionChosen: request.isRegionChosen, in: job)
            var report = PointRestoreReport(point: request.point.id)
            report.disks = try write(request, job)
            for problem in vault.problems { job.warn(Warning(problem)) }
            report.damage = job.healMetDamage(vault)
            return report
        }
        var report = done.value
        report.job = done.id
        report.warnings = done.warnings
        return report
    }

    /// What every reader of a point is told, and what makes it readable.
    func prepareReading(
        _ point: LocatedPoint, _ place: VaultPlace, isRegionChosen: Bool, in job: OperationJob
    ) {
        if !isRegionChosen, let notice = place.notice { job.warn(notice) }
        // A newer point than the one that is read may be among those that are missed.
        for absence in subscription.missingPoints(of: place) {
            job.warn(Warning(absence.error))
        }
        healLostRuns(point.vault, job)
    }

    /// A restore can do without an index run only when its packs are listed again. Where that
    /// fails, the restore says what it cannot find.
    private func healLostRuns(_ vault: Vault, _ job: OperationJob) {
        do throws(KuraError) {
            _ = try vault.healLostRuns()
        } catch {
            job.warn("lost index runs were not rebuilt: \(error.message)")
        }
    }

    private func write(
        _ request: PointRestore, _ job: OperationJob
    ) throws(KuraError) -> [PointRestoreReport.Disk] {
        let files: [PointRestore.File]
        let fileSystem = try Self.outputFileSystem(as: request.outputUser)
        switch request.target {
        case .files(let choose):
            files = try choose(job)
        case .output(.stream(let descriptor, let streamName), let name):
            let disk = try onlyDisk(request, name)
            let report = try restore(disk, for: request, in: job) { byteCount throws(KuraError) in
                StreamSink(descriptor: descriptor, name: streamName, byteCount: byteCount)
            }
            try request.written(job)
            return [PointRestoreReport.Disk(disk: disk, path: nil, report: report)]
        case .output(.path(let path), let name) where request.format.output == .ova:
            return try restoreArchive(
                of: Self.disks(of: request.point.point, named: name), to: path, on: fileSystem,
                for: request, in: job)
        case .output(.path(let path), let name):
            files = try self.files(
                for: Self.disks(of: request.point.point, named: name), to: path, of: request,
                on: fileSystem)
        }
        for file in files {
            try refuseOwnDirectories(file.path)
            try refuseForeignDirectories(file.path, as: request.outputUser)
        }
        var done: [PointRestoreReport.Disk] = []
        do throws(KuraError) {
            job.progress.update { $0.totalBytes = files.reduce(0) { $0 + $1.disk.byteCount } }
            for file in files {
                done.append(
                    PointRestoreReport.Disk(
                        disk: file.disk, path: file.path,
                        report: try write(file, on: fileSystem, for: request, in: job)))
            }
            try request.written(job)
        } catch {
            if request.isAllOrNothing { remove(done.compactMap(\.path), on: fileSystem, job) }
            throw error
        }
        return done
    }

    /// All chosen disks as one archive, which is a new file, or goes into a directory.
    private func restoreArchive(
        of disks: [DiskRecord], to path: FilePath, on fileSystem: any TargetFileSystem,
        for request: PointRestore, in job: OperationJob
    ) throws(KuraError) -> [PointRestoreReport.Disk] {
        let target = context.resolve(path)
        let isDirectory = try withKuraErrors {
            try fileSystem.exists(target) && fileSystem.status(target).kind == .directory
        }
        var shown = path
        if isDirectory {
            try Name.check(request.point.point.item, what: "a restored archive")
            shown.append(request.point.point.item + ".ova")
        }
        try refuseOwnDirectories(shown)
        try refuseForeignDirectories(shown, as: request.outputUser)
        job.progress.update { $0.totalBytes = disks.reduce(0) { $0 + $1.byteCount } }
        let place = SinkPath(
            context.resolve(shown), overwrites: request.overwrites, followsLink: !isDirectory)
        let written = try writeArchive(
            disks, to: place, on: fileSystem, for: request, in: job)
        try request.written(job)
        return zip(disks, written).map {
            PointRestoreReport.Disk(disk: $0, path: shown, report: $1)
        }
    }

    private func remove(
        _ paths: [FilePath], on fileSystem: any TargetFileSystem, _ job: OperationJob
    ) {
        for path in paths {
            do throws(IOError) {
                try fileSystem.remove(context.resolve(path))
            } catch {
                job.warn("\(path) was left behind: \(error)")
            }
        }
    }

    // MARK: Disks and files

    /// - Parameter name: of the only disk; nil for all.
    static func disks(
        of point: RecoveryPoint, named name: String?
    ) throws(KuraError) -> [DiskRecord] {
        guard let name else { return point.disks }
        guard let found = point.disks.first(where: { $0.name == name }) else {
            let names = point.disks.map(\.name).joined(separator: ", ")
            throw KuraError(
                .notFound, "the recovery point has no disk \(name)",
                remedy: .advice("its disks: \(names)"))
        }
        return [found]
    }

    private func files(
        for disks: [DiskRecord], to path: FilePath, of request: PointRestore,
        on fileSystem: any TargetFileSystem
    ) throws(KuraError) -> [PointRestore.File] {
        let isDevice = request.overwritesDevice
        try refuseOwnDirectories(path)
        try refuseForeignDirectories(path, as: request.outputUser)
        if isDevice { try requireOne(disks, "a block device") }
        let isDirectory: Bool
        do throws(IOError) {
            let target = context.resolve(path)
            let exists = try fileSystem.exists(target)
            isDirectory = exists ? try fileSystem.status(target).kind == .directory : false
            if disks.count > 1, !exists { try fileSystem.makeDirectory(target) }
        } catch {
            throw KuraError(io: error)
        }
        // A device is named by its user, never by a vault.
        guard disks.count > 1 || isDirectory, !isDevice else {
            var file = PointRestore.File(disks[0], to: path)
            file.followsLink = true
            return [file]
        }
        // The names come from the vault: none of them may lead out of the directory.
        for disk in disks { try Name.check(disk.name, what: "a restored disk") }
        return disks.map {
            PointRestore.File($0, to: path.appending(request.format.fileName(of: $0)))
        }
    }

    // MARK: Writing

    /// The disk that a stream takes.
    private func onlyDisk(
        _ request: PointRestore, _ name: String?
    ) throws(KuraError) -> DiskRecord {
        let disks = try Self.disks(of: request.point.point, named: name)
        try requireOne(disks, "standard output")
        return disks[0]
    }

    private func requireOne(_ disks: [DiskRecord], _ output: String) throws(KuraError) {
        guard disks.count != 1 else { return }
        throw KuraError(
            .invalidInput, "\(output) takes one disk, the recovery point has \(disks.count)",
            remedy: .point(.chooseDisk))
    }

    private func write(
        _ file: PointRestore.File, on fileSystem: any TargetFileSystem,
        for request: PointRestore, in job: OperationJob
    ) throws(KuraError) -> RestoredBytes {
        let path = SinkPath(
            context.resolve(file.path), overwrites: request.overwrites,
            isDevice: request.overwritesDevice, followsLink: file.followsLink)
        guard request.format.output.isWrittenByKura else {
            return try convert(file, to: path, on: fileSystem, for: request, in: job)
        }
        return try restore(file.disk, for: request, in: job) { byteCount throws(KuraError) in
            let sink = try path.open(byteCount: byteCount, on: fileSystem)
            // The restore adds it again.
            job.progress.update { $0.totalBytes -= file.disk.byteCount }
            return sink
        }
    }

    /// - Parameter open: what the bytes go to, of as many as there are.
    private func restore(
        _ disk: DiskRecord, for request: PointRestore, in job: OperationJob,
        open: (UInt64) throws(KuraError) -> any DiskSink
    ) throws(KuraError) -> RestoredBytes {
        let isImage = request.format.output == .vhd
        var sink = try open(
            isImage ? FixedVHDSink.fileByteCount(for: disk.byteCount) : disk.byteCount)
        if isImage {
            sink = FixedVHDSink(
                sink, byteCount: disk.byteCount, created: context.clock.now())
        }
        let report = try request.point.vault.restore(
            disk, to: sink, threads: context.budget.threads, skipsLost: request.skipsLost,
            progress: job.progress, cancellation: job.cancellation)
        if !report.lost.isEmpty {
            let bytes = report.lost.reduce(0) { $0 + ($1.upperBound - $1.lowerBound) }
            job.warn("\(bytes) bytes of \(disk.name) that no copy has are zeros now")
        }
        return RestoredBytes(report)
    }
}
