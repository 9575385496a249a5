public import KuraFormat
public import KuraIO
internal import Synchronization

/// Where a disk is restored to.
public enum RestoreTarget: Sendable {
    case file(TargetFile)
    case stream(OutputStream)
}

public struct RestoreReport: Sendable {
    /// Size of the disk.
    public var bytesWritten: UInt64 = 0
    /// Of those, bytes that came from chunks; the rest are holes.
    public var dataBytes: UInt64 = 0
    public var seconds: Double = 0
    public var stages = StageTimes()

    public init() {}
}

extension Vault {
    /// Restores one disk of a recovery point, every chunk checked against its name.
    ///
    /// Damaged or missing copies are gone around and noted in `damage`. The caller finishes or
    /// abandons the target.
    public func restore(
        _ disk: DiskRecord, to target: RestoreTarget, threads: Int = Threads.processorCount,
        progress: Progress = Progress(), cancellation: Cancellation = Cancellation()
    ) throws(StoreError) -> RestoreReport {
        let restore = Restore(
            disk, target, try ChunkIndex.open(self), progress, cancellation)
        return try restore.run(threads: threads)
    }
}

/// One restore of one disk: workers take extents, decode each frame once per extent and write.
final class Restore: Sendable {
    let disk: DiskRecord
    let target: RestoreTarget
    let index: ChunkIndex
    let packs: PackReader
    let progress: Progress
    let turnstile = Turnstile()
    private let cancellation: Cancellation
    private let state: Mutex<State>

    private struct State {
        var error: StoreError?
        var next = 0
        var nodes: [NodeID?]
        var dataBytes: UInt64 = 0
        var trace = StageTimes()
    }

    init(
        _ disk: DiskRecord, _ target: RestoreTarget, _ index: ChunkIndex, _ progress: Progress,
        _ cancellation: Cancellation
    ) {
        self.disk = disk
        self.target = target
        self.index = index
        self.progress = progress
        self.cancellation = cancellation
        packs = PackReader(index.vault)
        let extent = UInt64(Limits.extentBytes)
        state = Mutex(
            State(nodes: Array(repeating: nil, count: Int((disk.byteCount + extent - 1) / extent))))
    }

    func run(threads: Int) throws(StoreError) -> RestoreReport {
        let start = Clock.steady()
        progress.update { $0.totalBytes += disk.byteCount }
        let reader = ManifestReader(index, packs, blocks: BlockCache())
        try reader.forEachExtent(of: disk) { (number, node) throws(StoreError) in
            try state.withLock { state throws(StoreError) in
                guard number < state.nodes.count else {
                    throw StoreError(
                        format: .invalidField(.node, field: "children beyond the disk"), at: nil)
                }
                state.nodes[number] = node
            }
        }
        Threads.run(threads) { [self] _ in
            let worker = RestoreWorker(self)
            worker.run()
            state.withLock { $0.trace += worker.trace }
        }
        let (error, dataBytes, trace) = state.withLock { ($0.error, $0.dataBytes, $0.trace) }
        if let error { throw error }
        if cancellation.isCancelled {
            throw StoreError(
                .interrupted, "interrupted; the disk is not complete",
                remedy: "run the same command again")
        }
        guard dataBytes == disk.counts.dataBytes else {
            throw StoreError(
                .damaged, "disk \(disk.name) has \(dataBytes) bytes of data instead of "
                    + "\(disk.counts.dataBytes)", remedy: "run: kura verify --level chunks")
        }
        var report = RestoreReport()
        report.bytesWritten = disk.byteCount
        report.dataBytes = dataBytes
        report.seconds = Double(Clock.steady() - start) / 1e9
        report.stages = trace
        return report
    }

    // MARK: What workers call

    /// The next extent: its number, its place, its node.
    func next() -> (number: Int, range: Range<UInt64>, node: NodeID?)? {
        guard !cancellation.isCancelled else { return nil }
        return state.withLock { state in
            guard state.error == nil, state.next < state.nodes.count else { return nil }
            defer { state.next += 1 }
            let start = UInt64(state.next) * UInt64(Limits.extentBytes)
            let end = min(start + UInt64(Limits.extentBytes), disk.byteCount)
            return (state.next, start..<end, state.nodes[state.next])
        }
    }

    func finish(_ range: Range<UInt64>, dataBytes: UInt64) {
        state.withLock { $0.dataBytes += dataBytes }
        progress.update { progress in
            progress.doneBytes += range.upperBound - range.lowerBound
            progress.dataBytes += dataBytes
        }
    }

    func fail(_ error: StoreError) {
        state.withLock { $0.error = $0.error ?? error }
        turnstile.giveUp()
    }
}
