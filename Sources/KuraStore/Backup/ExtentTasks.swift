package import KuraFormat
package import KuraIO
internal import Synchronization

/// One extent to back up.
package struct ExtentTask {
    /// Number of the disk in the request.
    var disk: Int
    /// Number of the extent in its disk.
    package var number: Int
    package var extent: Range<UInt64>
    /// The disk, or the extent in memory where the disk is a stream.
    package var source: any DiskSource
    /// The node of the same extent in the parent recovery point.
    var parent: NodeID?
    /// Whether unchanged chunks are recognised by SHA-256, not by their MACs.
    package var isProof = false
    /// Whether chunks that lie in sparse frames may be stored again.
    var mayRewrite = false
}

/// Hands out the extents of all disks in order, and keeps their nodes and counts. Safe from any
/// thread.
package final class ExtentTasks: Sendable {
    private let disks: [BackupRequest.Disk]
    /// Per disk, the nodes of the parent's extents.
    private let parents: [[Int: NodeID]]
    /// Of the parent recovery point. An extent has its turn when its number and this one have the
    /// same remainder, divided by `Tuning.proofRounds` or `Tuning.rewriteRounds`.
    private let sequence: UInt64
    private let isParanoid: Bool
    private let state: Mutex<State>

    struct Outcome {
        var byteCount: UInt64
        /// The node of each extent, nil for holes.
        var nodes: [NodeID?] = []
        var counts = DiskCounts()
    }

    private struct State {
        var disk = 0
        var number = 0
        var outcomes: [Outcome]
    }

    /// - Parameters:
    ///   - parents: per disk, the nodes of the parent recovery point's extents.
    ///   - sequence: of the parent; 0 without one.
    ///   - isParanoid: whether every task is a proof (`ExtentTask.isProof`).
    package init(
        _ disks: [BackupRequest.Disk], parents: [[Int: NodeID]]? = nil, sequence: UInt64 = 0,
        isParanoid: Bool = false
    ) {
        self.disks = disks
        self.parents = parents ?? disks.map { _ in [:] }
        self.sequence = sequence
        self.isParanoid = isParanoid
        let outcomes = disks.map { Outcome(byteCount: $0.source.knownByteCount ?? 0) }
        state = Mutex(State(outcomes: outcomes))
    }

    /// Outcomes of the disks, complete once every worker is done.
    var outcomes: [Outcome] { state.withLock { $0.outcomes } }

    /// The next extent; nil when there is none. Reading a stream happens under the lock, because
    /// its bytes come in order.
    package func next() throws(KuraError) -> ExtentTask? {
        try state.withLock { state throws(KuraError) in
            while state.disk < disks.count {
                if var task = try Self.next(of: disks[state.disk], &state) {
                    task.parent = parents[task.disk][task.number]
                    task.isProof = isParanoid || isTurn(of: task, every: Tuning.proofRounds)
                    task.mayRewrite =
                        task.parent != nil && isTurn(of: task, every: Tuning.rewriteRounds)
                    state.number += 1
                    state.outcomes[task.disk].nodes.append(nil)
                    return task
                }
                state.disk += 1
                state.number = 0
            }
            return nil
        }
    }

    private func isTurn(of task: ExtentTask, every rounds: Int) -> Bool {
        task.number % rounds == Int(sequence % UInt64(rounds))
    }

    private static func next(
        of disk: BackupRequest.Disk, _ state: inout State
    ) throws(KuraError) -> ExtentTask? {
        let start = UInt64(state.number) * UInt64(Limits.extentBytes)
        if let byteCount = disk.source.knownByteCount {
            guard start < byteCount else { return nil }
            let end = min(start + UInt64(Limits.extentBytes), byteCount)
            return ExtentTask(
                disk: state.disk, number: state.number, extent: start..<end, source: disk.source)
        }
        // An extent that is shorter than the others was the last one.
        guard state.outcomes[state.disk].byteCount == start else { return nil }
        let buffer = AlignedBuffer(byteCount: Limits.extentBytes)
        let count = try disk.source.read(at: start, into: buffer.bytes)
        guard count > 0 else { return nil }
        let extent = MemorySource(
            name: disk.source.name, buffer: buffer, count: count, start: start)
        state.outcomes[state.disk].byteCount = extent.byteCount
        return ExtentTask(
            disk: state.disk, number: state.number, extent: start..<extent.byteCount,
            source: extent)
    }

    func finish(_ task: ExtentTask, node: NodeID?, counts: DiskCounts) {
        state.withLock { state in
            state.outcomes[task.disk].nodes[task.number] = node
            state.outcomes[task.disk].counts += counts
        }
    }
}
