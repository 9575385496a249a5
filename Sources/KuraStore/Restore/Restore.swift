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
        let lease = ReaderLease(self)
        defer { lease.end() }
        let restore = Restore(
            disk, target, try ChunkIndex.open(self), progress, cancellation, threads: threads)
        return try restore.run()
    }
}

/// One restore of one disk: workers take extents, decode each frame once per extent and put the
/// extent together; writers put it into the target.
final class Restore: Sendable {
    let disk: DiskRecord
    let target: RestoreTarget
    let index: ChunkIndex
    let packs: PackReader
    let progress: Progress
    private let turnstile = Turnstile()
    private let workerCount: Int
    private let buffers: Pool<AlignedBuffer>
    /// While a worker decodes, they wait for the device.
    private let writers: [SerialWorker]
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
        _ cancellation: Cancellation, threads: Int
    ) {
        self.disk = disk
        self.target = target
        self.index = index
        self.progress = progress
        self.cancellation = cancellation
        packs = PackReader(index.vault)
        workerCount = min(threads, Tuning.restoreWorkersMax)
        // One for each worker, so that none that has its turn waits for those that wait for it.
        buffers = Pool(
            (0..<(workerCount + Tuning.restoreWriters)).map { _ in
                AlignedBuffer(byteCount: Limits.extentBytes)
            })
        writers = (0..<Tuning.restoreWriters).map { _ in SerialWorker() }
        let extent = UInt64(Limits.extentBytes)
        state = Mutex(
            State(nodes: Array(repeating: nil, count: Int((disk.byteCount + extent - 1) / extent))))
    }

    func run() throws(StoreError) -> RestoreReport {
        defer { for writer in writers { writer.stop() } }
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
        Threads.run(workerCount) { [self] _ in
            let worker = RestoreWorker(self)
            worker.run()
            state.withLock { $0.trace += worker.trace }
        }
        for writer in writers { writer.drain() }
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

    /// Memory for one extent; waits while all of it is on its way to the target.
    func takeBuffer() -> AlignedBuffer { buffers.take() }

    func giveBack(_ buffer: AlignedBuffer) { buffers.give(buffer) }

    /// Lets a writer put an extent into the file.
    func submit(_ extent: AssembledExtent, to file: TargetFile) {
        writers[extent.number % writers.count].submit { [self] in
            let start = Clock.steady()
            do throws(IOError) {
                if state.withLock({ $0.error == nil }) { try extent.write(to: file) }
            } catch {
                fail(StoreError(io: error))
            }
            finish(extent, writing: Clock.steady() - start)
        }
    }

    /// Writes an extent when all before it are written.
    func writeInOrder(_ extent: AssembledExtent, to stream: OutputStream) throws(StoreError) {
        turnstile.wait(for: extent.number)
        do throws(IOError) {
            try extent.write(to: stream)
        } catch {
            throw StoreError(io: error)
        }
        turnstile.pass()
        finish(extent, writing: 0)
    }

    /// - Parameter writing: nanoseconds that a writer needed.
    private func finish(_ extent: AssembledExtent, writing: Int64) {
        buffers.give(extent.buffer)
        state.withLock { state in
            state.dataBytes += extent.dataBytes
            state.trace[.write] += writing
        }
        progress.update { progress in
            progress.doneBytes += UInt64(extent.byteCount)
            progress.dataBytes += extent.dataBytes
        }
    }

    func fail(_ error: StoreError) {
        state.withLock { $0.error = $0.error ?? error }
        turnstile.giveUp()
    }
}
