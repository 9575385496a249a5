internal import KuraFormat
public import KuraIO
internal import KuraReplicas
public import KuraStore
public import SystemPackage

/// What one step of the benchmark did, beside what the machine could do at most.
public struct BenchmarkStep: Sendable {
    public enum Kind: String, Sendable, CaseIterable {
        case first
        case unchanged
        case scattered
        case restore
        case verifyPacks = "verify_packs"
        case verifyChunks = "verify_chunks"
    }

    public var kind: Kind
    public var seconds: Double
    /// Bytes that the step's speed counts: of chunks for backups and restores, of files for
    /// `verifyPacks`, of unique chunks for `verifyChunks`.
    public var bytes: UInt64
    public var limit: SpeedLimit
    /// Where the workers' time went, of the last round.
    public var stages: [StageTime]

    public var bytesPerSecond: Double { Double(bytes) / seconds }
    /// Nil where there was nothing to do.
    public var limitBytesPerSecond: Double? {
        limit.seconds > 0 ? Double(bytes) / limit.seconds : nil
    }
    /// 1: as fast as the limit.
    public var ratio: Double { limit.seconds / seconds }

    /// Step by step, the round whose time is the median: of an even count, the slower of the two in
    /// the middle. All rounds have the same steps.
    public static func medians(_ rounds: [[BenchmarkStep]]) -> [BenchmarkStep] {
        guard let first = rounds.first else { return [] }
        return first.indices.map { step in
            rounds.map { $0[step] }.sorted { $0.seconds < $1.seconds }[rounds.count / 2]
        }
    }
}

/// Backs an image up, re-reads it, restores and verifies it, and compares each with the limit of
/// this machine for the same bytes.
///
/// Images and copies are read once before each step, so that the page cache holds them where memory
/// suffices. The vault must be empty; nothing else may use it.
public struct BackupBenchmark: Sendable {
    private let image: FilePath
    private let vault: Vault
    private let folder: ScratchFolder
    private let limits: MachineLimits
    private let level: Int
    private let threads: Int
    private let cancellation: Cancellation
    private static let item = "bench"

    /// Of the image's 4 KiB blocks with data, the share that is overwritten for `scattered`.
    public static let changedShare = 0.01

    public init(
        _ image: FilePath, in vault: Vault, scratch folder: ScratchFolder, limits: MachineLimits,
        level: Int, threads: Int, cancellation: Cancellation
    ) {
        self.image = image
        self.vault = vault
        self.folder = folder
        self.limits = limits
        self.level = level
        self.threads = threads
        self.cancellation = cancellation
    }

    /// Room that all of it takes at most, in bytes: packs of all copies, of which changes may take
    /// half as much again, and one more image, first the changed one and then the restored one.
    public static func roomNeeded(
        for image: FileSource, copies: Int
    ) throws(KuraError) -> UInt64 {
        let data = try image.dataRanges().reduce(0) { $0 + UInt64($1.count) }
        return data * UInt64(copies) * 3 / 2 + data + LimitBenchmark.roomNeeded(copies: copies)
    }

    /// - Parameter done: called with each step when it is done.
    public func run(_ done: (BenchmarkStep) -> Void) throws(KuraError) {
        let first = try backup(.first, image, parent: nil)
        done(first.step)
        done(try backup(.unchanged, image, parent: first.report).step)
        let copy = folder.path.appending("changed.img")
        try withKuraErrors {
            try ScatteredCopy.make(of: image, at: copy, share: Self.changedShare)
        }
        let scattered = try backup(.scattered, copy, parent: first.report)
        try withKuraErrors { try LocalFileSystem().remove(copy) }
        done(scattered.step)
        try warmCopies()
        done(try restore(first.report))
        let unique = first.report.point.counts.newBytes + scattered.report.point.counts.newBytes
        done(try verify(.packs, unique: nil))
        done(try verify(.chunks, unique: unique))
    }

    // MARK: Steps

    private func backup(
        _ kind: BenchmarkStep.Kind, _ path: FilePath, parent: BackupReport?
    ) throws(KuraError) -> (step: BenchmarkStep, report: BackupReport) {
        let source = try open(path)
        let read = try source.dataRanges()
        try warm(source, read)
        let disk = BackupRequest.Disk(name: "disk", source: source)
        let report = try vault.backup(
            BackupRequest(item: Self.item, disks: [disk], level: level, threads: threads),
            cancellation: cancellation)
        guard report.warnings.isEmpty else {
            throw KuraError(.io, "the backup had warnings: \(report.warnings[0])")
        }
        let counts = report.point.counts
        let readBytes = read.reduce(0) { $0 + UInt64($1.count) }
        // What is neither new nor first is where it was: no other disk is in the vault.
        let unchanged = parent == nil ? 0 : counts.dataBytes - counts.newBytes
        var work = SpeedLimit.Backup(
            read: readBytes, data: counts.dataBytes, unchanged: unchanged, new: counts.newBytes,
            stored: report.point.storedBytes, copies: Int(vault.record.copies),
            readsDevice: !fitsInMemory(readBytes))
        work.proven = unchanged / UInt64(Tuning.proofRounds)
        let limit = SpeedLimit.backup(work, limits.rates)
        let step = BenchmarkStep(
            kind: kind, seconds: report.seconds, bytes: counts.dataBytes, limit: limit,
            stages: report.stages.list + [
                StageTime("replica threads", nanoseconds: report.replicaNanoseconds, isBeside: true)
            ])
        return (step, report)
    }

    private func restore(_ first: BackupReport) throws(KuraError) -> BenchmarkStep {
        let path = folder.path.appending("restored.img")
        let disk = first.point.disks[0]
        let report = try vault.restore(
            disk, to: SinkPath(path).open(byteCount: disk.byteCount), threads: threads,
            cancellation: cancellation)
        try requireEqual(path, to: image)
        try withKuraErrors { try LocalFileSystem().remove(path) }
        let limit = SpeedLimit.restore(
            stored: first.point.storedBytes, unique: first.point.counts.newBytes,
            data: report.dataBytes, readsDevice: !fitsInMemory(first.point.storedBytes),
            limits.rates)
        return BenchmarkStep(
            kind: .restore, seconds: report.seconds, bytes: report.dataBytes, limit: limit,
            stages: report.stages.list)
    }

    private func verify(
        _ level: VerifyRequest.Level, unique: UInt64?
    ) throws(KuraError) -> BenchmarkStep {
        let report = try vault.verify(
            VerifyRequest(level: level, threads: threads), cancellation: cancellation)
        guard report.damaged.isEmpty else {
            throw KuraError(.damaged, "what was just stored is damaged: \(report.damaged[0].place)")
        }
        let limit = SpeedLimit.verify(
            read: report.bytes, unique: unique, readsDevice: !fitsInMemory(report.bytes),
            limits.rates)
        return BenchmarkStep(
            kind: level == .packs ? .verifyPacks : .verifyChunks, seconds: report.seconds,
            bytes: unique ?? report.bytes, limit: limit, stages: report.stages.list)
    }

    // MARK: What steps find in the page cache

    /// Half of memory, because the images beside it and the process need some, too.
    private func fitsInMemory(_ byteCount: UInt64) -> Bool { byteCount <= Process.memoryBytes / 2 }

    private func open(_ path: FilePath) throws(KuraError) -> FileSource {
        try FileSource(path)
    }

    private func warm(_ file: FileSource, _ ranges: [Range<UInt64>]) throws(KuraError) {
        let buffer = AlignedBuffer(byteCount: Tuning.windowBytes)
        for range in ranges {
            var offset = range.lowerBound
            while offset < range.upperBound {
                if cancellation.isCancelled { throw KuraError(.interrupted, "interrupted") }
                let count = Int(min(range.upperBound - offset, UInt64(buffer.byteCount)))
                let target = UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[..<count])
                _ = try file.read(at: offset, into: target)
                offset += UInt64(count)
            }
        }
    }

    private func warmCopies() throws(KuraError) {
        let packs = try ChunkIndex.open(vault).packs
        for replica in vault.replicas {
            for pack in packs {
                let name = VaultFile.pack(pack.id).name(in: vault.id)
                let file = try open(FilePath(replica.store.address(of: name)))
                try warm(file, try file.dataRanges())
            }
        }
    }

    /// Speed of wrong bytes would mean nothing.
    private func requireEqual(_ path: FilePath, to image: FilePath) throws(KuraError) {
        let (left, right) = (try open(path), try open(image))
        let buffers = [0, 1].map { _ in AlignedBuffer(byteCount: Tuning.windowBytes) }
        var isEqual = left.byteCount == right.byteCount
        var offset: UInt64 = 0
        while isEqual, offset < right.byteCount {
            if cancellation.isCancelled { throw KuraError(.interrupted, "interrupted") }
            let counts = [
                try left.read(at: offset, into: buffers[0].bytes),
                try right.read(at: offset, into: buffers[1].bytes),
            ]
            isEqual =
                counts[0] == counts[1]
                && Memory.equal(
                    UnsafeRawBufferPointer(rebasing: buffers[0].bytes[..<counts[0]]),
                    UnsafeRawBufferPointer(rebasing: buffers[1].bytes[..<counts[1]]))
            offset += UInt64(Tuning.windowBytes)
        }
        guard isEqual else {
            throw KuraError(.damaged, "the restored disk differs from \(image)")
        }
    }
}
