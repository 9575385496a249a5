public import KuraFormat
public import KuraIO
internal import Synchronization

/// What the restore of one disk did.
public struct RestoreReport: Sendable {
    /// Size of the disk.
    public var bytesWritten: UInt64 = 0
    /// Of those, bytes that came from chunks; the rest are holes.
    public var dataBytes: UInt64 = 0
    /// Plain bytes of frames that were decoded: more than `dataBytes` where frames also hold chunks
    /// that this disk does not need, less where it has chunks several times.
    public var decodedBytes: UInt64 = 0
    /// What is in no pack and was written as zeros, in bytes from the start of the disk, ascending.
    public var lost: [Range<UInt64>] = []
    public var seconds: Double = 0
    public var stages = StageTimes()

    public init() {}
}

extension Vault {
    /// Restores one disk of a recovery point into a sink, every chunk checked against its name, and
    /// finishes the sink: on return the disk is complete and durable there. After an error the sink
    /// is abandoned.
    ///
    /// Damaged and missing copies are recorded in `damage`, and other copies are read instead.
    /// - Parameters:
    ///   - sink: of the disk's size, new. Nothing else uses it.
    ///   - threads: nil for what the vault's budget allows.
    ///   - skipsLost: whether chunks that are in no pack are written as zeros and reported; else
    ///     the first one is an error.
    /// - Throws: `damaged` where a chunk is in no pack or has no good copy; `interrupted`; the
    ///   errors of the sink.
    public func restore(
        _ disk: DiskRecord, to sink: any DiskSink, threads: Int? = nil,
        skipsLost: Bool = false,
        progress: Progress = Progress(), cancellation: Cancellation = Cancellation()
    ) throws(KuraError) -> RestoreReport {
        let start = Clock.steady()
        let lease = try lease(cancellation)
        defer { lease.end() }
        do throws(KuraError) {
            guard sink.byteCount == disk.byteCount else {
                throw KuraError(
                    .invalidInput,
                    "\(sink.name) takes \(sink.byteCount) bytes, disk "
                        + "\(disk.name) has \(disk.byteCount)")
            }
            var report = try Restore(
                disk, to: sink, index: try ChunkIndex.open(self),
                threads: threads ?? budget.threads,
                skipsLost: skipsLost, progress: progress, cancellation: cancellation
            ).run()
            try sink.finish()
            report.seconds = Double(Clock.steady() - start) / 1e9
            return report
        } catch {
            sink.abandon()
            throw error
        }
    }
}

/// One restore of one disk: workers decode frames and put the extents of a window together; writers
/// put those into the sink.
final class Restore: Sendable {
    let index: ChunkIndex
    let packs: PackReader
    private let disk: DiskRecord
    private let sink: any DiskSink
    private let planner: RestorePlanner
    private let nodes: [NodeID?]
    private let window: AssemblyWindow
    private let progress: Progress
    private let workerCount: Int
    /// Threads of their own, so that workers need not wait for the device.
    private let writers: [SerialWorker]
    private let cancellation: Cancellation
    private let state = Mutex(State())

    private struct State {
        var error: KuraError?
        var dataBytes: UInt64 = 0
        var decodedBytes: UInt64 = 0
        var lost: [Range<UInt64>] = []
        var trace = StageTimes()
        /// For a sequential sink: extents that are complete before their turn, and the number of
        /// the extent whose turn it is.
        var early: [Int: AssembledExtent] = [:]
        var turn = 0
    }

    init(
        _ disk: DiskRecord, to sink: any DiskSink, index: ChunkIndex, threads: Int,
        skipsLost: Bool, progress: Progress, cancellation: Cancellation
    ) throws(KuraError) {
        self.disk = disk
        self.sink = sink
        self.progress = progress
        self.cancellation = cancellation
        self.index = index
        packs = PackReader(index.vault)
        planner = RestorePlanner(index, packs, skipsLost: skipsLost)
        nodes = try Self.nodes(of: disk, planner)
        window = AssemblyWindow(
            extentCount: nodes.count,
            bufferCount: index.vault.budget.buffers(
                Tuning.restoreExtents, of: Limits.extentBytes, atLeast: 2))
        workerCount = min(threads, Tuning.restoreWorkersMax)
        let writerCount = sink.access == .sequential ? 1 : Tuning.restoreWriters
        writers = (0..<writerCount).map { _ in SerialWorker() }
    }

    private static func nodes(
        of disk: DiskRecord, _ planner: RestorePlanner
    ) throws(KuraError) -> [NodeID?] {
        let extent = UInt64(Limits.extentBytes)
        var nodes = [NodeID?](repeating: nil, count: Int((disk.byteCount + extent - 1) / extent))
        try planner.forEachExtent(of: disk) { (number, node) throws(KuraError) in
            guard number < nodes.count else {
                throw KuraError(
                    format: .invalidField(.node, field: "children beyond the disk"), at: nil)
            }
            nodes[number] = node
        }
        return nodes
    }

    func run() throws(KuraError) -> RestoreReport {
        progress.update {
            $0.totalBytes += disk.byteCount
            $0.totalDataBytes += disk.counts.dataBytes
        }
        Threads.run(workerCount) { [self] _ in
            let worker = RestoreWorker(self)
            worker.run()
            state.withLock { state in
                state.trace += worker.trace
                state.decodedBytes += worker.decodedBytes
            }
        }
        for writer in writers { writer.stop() }
        let (error, dataBytes, lost) = state.withLock { ($0.error, $0.dataBytes, $0.lost) }
        if let error { throw error }
        if cancellation.isCancelled {
            throw KuraError(
                .interrupted, "interrupted; the disk is not complete",
                remedy: .retry())
        }
        // That no chunk lies beyond the disk was checked with each extent.
        if lost.isEmpty { try disk.check(TreeSummary(dataBytes: dataBytes)) }
        var report = RestoreReport()
        report.bytesWritten = disk.byteCount
        report.dataBytes = dataBytes
        for range in lost.sorted(by: { $0.lowerBound < $1.lowerBound }) { report.lost.join(range) }
        (report.decodedBytes, report.stages) = state.withLock { ($0.decodedBytes, $0.trace) }
        return report
    }

    // MARK: What workers call

    /// The next step of a worker; waits while there is none.
    func next() -> AssemblyWindow.Step {
        cancellation.isCancelled ? stopped() : window.next()
    }

    private func stopped() -> AssemblyWindow.Step {
        window.stop()
        return .finished
    }

    /// Looks up the chunks of an extent and adds it to the window.
    func plan(_ number: Int, _ buffer: AlignedBuffer) throws(KuraError) {
        let start = UInt64(number) * UInt64(Limits.extentBytes)
        let end = min(start + UInt64(Limits.extentBytes), disk.byteCount)
        let plan = try planner.plan(
            extent: number, at: start..<end, node: nodes[number], buffer: buffer)
        let lost = plan.lost.map { start + UInt64($0.lowerBound)..<start + UInt64($0.upperBound) }
        if !lost.isEmpty { state.withLock { $0.lost += lost } }
        if window.add(plan.extent, plan.tasks) { submit(plan.extent) }
    }

    func complete(_ tasks: [FrameTask]) {
        for extent in window.complete(tasks) { submit(extent) }
    }

    /// Makes a writer thread write a complete extent to the sink.
    private func submit(_ extent: AssembledExtent) {
        switch sink.access {
        case .random:
            writers[extent.number % writers.count].submit { [self] in write(extent) }
        case .sequential:
            // The worker that completes the extent whose turn it is also submits those that were
            // waiting for it.
            state.withLock { state in
                state.early[extent.number] = extent
                while let extent = state.early.removeValue(forKey: state.turn) {
                    state.turn += 1
                    writers[0].submit { [self] in write(extent) }
                }
            }
        }
    }

    private func write(_ extent: AssembledExtent) {
        let start = Clock.steady()
        do throws(KuraError) {
            if state.withLock({ $0.error == nil }), !cancellation.isCancelled {
                try extent.write(to: sink)
            }
        } catch {
            fail(error)
        }
        state.withLock { state in
            state.dataBytes += extent.dataBytes
            state.trace[.write] += Clock.steady() - start
        }
        progress.update { progress in
            progress.doneBytes += UInt64(extent.byteCount)
            progress.dataBytes += extent.dataBytes
        }
        window.giveBack(extent.buffer)
    }

    func fail(_ error: KuraError) {
        state.withLock { $0.error = $0.error ?? error }
        window.stop()
    }
}
