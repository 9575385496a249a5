internal import KuraStore

/// What a prune freed, or would free, in each replica of the active region.
public struct FreedSpace: Sendable {
    /// Bytes by which each replica became smaller.
    public var freedBytes: UInt64
    /// Bytes of files that were removed.
    public var removedBytes: UInt64
    /// Bytes of files that were written: repacked chunks, index runs.
    public var writtenBytes: UInt64
    /// Bytes of chunks that moved to new packs.
    public var repackedBytes: UInt64
    public var removedPacks: Int
    /// Bytes that no recovery point needs, in packs that are not worth repacking.
    public var deadBytesLeft: UInt64
    /// Bytes of all packs that the index listed before.
    public var packBytes: UInt64
    /// Bytes of packs that go when sessions end which may still need them.
    public var waitingBytes: UInt64
    /// How many of those sessions there are.
    public var waitingSessions: Int

    /// Nothing was freed.
    init() { self.init(CollectionReport()) }

    init(_ report: CollectionReport) {
        freedBytes = report.freedBytes
        removedBytes = report.removedBytes
        writtenBytes = report.writtenBytes
        repackedBytes = report.repackedBytes
        removedPacks = report.removedPacks
        deadBytesLeft = report.plan.deadBytesLeft
        packBytes = report.plan.packBytes
        waitingBytes = report.waitingBytes
        waitingSessions = report.waitingSessions
    }

    init(_ plan: CollectionPlan) {
        let (removed, written) = (plan.removedBytes, plan.repackedBytes)
        freedBytes = removed > written ? removed - written : 0
        removedBytes = plan.removedBytes
        writtenBytes = plan.repackedBytes
        repackedBytes = plan.repackedBytes
        removedPacks = plan.dead.count + plan.repacked.count
        deadBytesLeft = plan.deadBytesLeft
        packBytes = plan.packBytes
        waitingBytes = 0
        waitingSessions = 0
    }
}
