internal import KuraFormat
internal import KuraIO

/// What a collection did.
public struct CollectionReport: Sendable {
    public var plan = CollectionPlan()
    /// Bytes of files that were removed from each replica.
    public var removedBytes: UInt64 = 0
    /// Bytes of files that were written to each replica: repacked chunks, index runs.
    public var writtenBytes: UInt64 = 0
    /// Bytes of new packs, in each replica.
    public var repackedBytes: UInt64 = 0
    public var removedPacks = 0
    /// Bytes, in each replica, of condemned packs that open sessions or readers may still need.
    public var waitingBytes: UInt64 = 0
    /// Number of those sessions and readers.
    public var waitingSessions = 0
    /// Why nothing was collected, for people; nil where something could be.
    public var obstacle: String?

    /// Bytes by which each replica became smaller; 0 where it grew, because the old packs of
    /// repacked chunks are still waiting for their removal.
    public var freedBytes: UInt64 { removedBytes > writtenBytes ? removedBytes - writtenBytes : 0 }

    public init(obstacle: String? = nil) { self.obstacle = obstacle }
}

/// Removes what no recovery point needs, beside running backups and restores.
///
/// 1. Every point is followed down to its chunks, and what it needs is marked. Only then are
///    packs swept that an earlier collection condemned: where a record or a run is damaged, a point
///    cannot be followed, and nothing is removed.
/// 2. Live chunks of packs with many dead bytes are copied to new packs.
/// 3. Under the commit lock: points that were committed since step 1 are followed, too, and the
///    packs that they need stay; the others are condemned, with the ids of all open sessions and
///    readers; runs that list them are written again without them.
/// 4. Condemned packs are removed that no open session or reader may need.
///
/// If power fails: before 3, more packs than before, each chunk where it was; within 3, packs that
/// are condemned and still listed, which are kept; after it, condemned packs, which the next
/// collection sweeps. Nothing has to be undone.
struct GarbageCollection {
    private let session: Session
    private let vault: Vault
    private let deadShareMax: Double
    private let progress: Progress
    private let cancellation: Cancellation
    private(set) var report = CollectionReport()
    /// The points for the next round, where `follow` was called before it.
    private var followed: FollowedPoints?

    /// Points that were followed down to their chunks, and the marks of what they need.
    private struct FollowedPoints {
        var points: Set<RecoveryPointID>
        var index: ChunkIndex
        var marks: LiveMarks
    }

    init(
        _ session: Session, deadShareMax: Double, progress: Progress,
        cancellation: Cancellation
    ) {
        self.session = session
        vault = session.vault
        self.deadShareMax = deadShareMax
        self.progress = progress
        self.cancellation = cancellation
    }

    mutating func run() throws(KuraError) {
        // Without room for what is repacked, packs that are dead as a whole go first and make some.
        var isFirst = true
        while try !collect(isFirst: isFirst) { isFirst = false }
    }

    /// Follows the recovery points for the next round.
    /// - Parameter dropped: points that the caller drops before that round.
    /// - Throws: at the first point that cannot be followed down to its chunks, and where a pack or
    ///   a run has no copy.
    mutating func follow(without dropped: Set<RecoveryPointID> = []) throws(KuraError) {
        // Points before runs, so that the index has everything that a point in the list needs.
        let points = Set(try vault.recoveryPointIDs()).subtracting(dropped)
        let index = try ChunkIndex.open(vault)
        try vault.requireReadable(index)
        try vault.requireSomeCopy(of: index.packs)
        let marks = LiveMarks(index)
        try vault.mark(
            points, lacking: Set(vault.lackingPoints()), on: marks, cancellation)
        followed = FollowedPoints(points: points, index: index, marks: marks)
    }

    /// One round.
    /// - Parameter isFirst: whether the plan of this round goes into the report.
    /// - Returns: false when there was no room to repack, and the round removed packs, so that
    ///   there may be room now.
    private mutating func collect(isFirst: Bool) throws(KuraError) -> Bool {
        let removedBefore = report.removedPacks
        if followed == nil { try follow() }
        let (points, index, marks) = (followed!.points, followed!.index, followed!.marks)
        followed = nil
        try sweep()
        // Before repacking, because no run lists its new packs at first.
        let unlisted = try vault.unlistedPacks(index)
        let plan = CollectionPlan(try marks.packUses(), deadShareMax: deadShareMax)
        if isFirst { report.plan = plan }
        let hasRoom = try hasRoom(for: plan)
        let repacked = hasRoom ? plan.repacked : []
        progress.update { $0.totalBytes += repacked.reduce(0) { $0 + $1.byteCount } }
        var repacking: Repacking?
        if !repacked.isEmpty {
            repacking = Repacking(session) { (chunk, pack, _) throws(KuraError) in
                try marks.isLive(chunk, in: pack)
            }
            try repacking!.copy(repacked, progress: progress, cancellation: cancellation)
        }
        let going = Set((plan.dead + repacked).map(\.id)).union(unlisted)
        if !going.isEmpty {
            let survivors = Survivors(marks: marks, repacked: repacking?.copied)
            var rewriting = RunRewriting(session, without: going, survivors)
            defer { rewriting.abandon() }
            do throws(KuraError) {
                try rewriting.prepare(index)
            } catch {
                // No room for runs that are written beforehand; those that `condemn` writes are
                // needed in any case.
                guard error.code == .noSpace, session.writer.error == nil else { throw error }
                rewriting.abandon()
            }
            try session.withCommitLock { () throws(KuraError) in
                try repacking?.list()
                try condemn(&rewriting, knowing: points, survivors)
            }
            report.repackedBytes += repacking?.packBytes ?? 0
            report.writtenBytes += (repacking?.packBytes ?? 0) + (repacking?.runBytes ?? 0)
        }
        try removeObsoleteRuns()
        try sweep()
        return hasRoom || report.removedPacks == removedBefore
    }

    /// Whether there is room for the repacked chunks, if they stay as long as they are, and for the
    /// run that lists them.
    private func hasRoom(for plan: CollectionPlan) throws(KuraError) -> Bool {
        let bytes = plan.repackedBytes + plan.repackedBytes / 16
        return try session.hasRoom(
            for: Dictionary(uniqueKeysWithValues: session.writer.live.map { ($0.ordinal, bytes) }))
    }

    /// Removes packs that no run lists, and superseded runs: all that there is to collect in a
    /// region that only gets copies, after it got the runs of the other one.
    ///
    /// The other region wrote these runs, for the points that it knew. So every point is followed
    /// before anything is removed.
    mutating func runUnlisted() throws(KuraError) {
        // Points before runs, so that the index has everything that a point in the list needs.
        let points = Set(try vault.recoveryPointIDs())
        let index = try ChunkIndex.open(vault)
        try vault.requireReadable(index)
        let unlisted = try vault.unlistedPacks(index)
        let waiting = try vault.condemnedPacks()
        if !unlisted.isEmpty || !waiting.isEmpty {
            try vault.mark(
                points, lacking: Set(vault.lackingPoints()), on: LiveMarks(index), cancellation)
        }
        try sweep()
        try removeObsoleteRuns()
        if !unlisted.isEmpty {
            try session.withCommitLock { () throws(KuraError) in
                var rewriting = RunRewriting(session, without: unlisted, nil)
                try condemn(&rewriting, knowing: points, nil)
            }
        }
        try sweep()
    }

    /// Condemns packs, without those that points need which were committed since the marking, and
    /// writes runs without them. Call it under the commit lock.
    /// - Parameters:
    ///   - rewriting: names the packs.
    ///   - marked: points that were followed before.
    private mutating func condemn(
        _ rewriting: inout RunRewriting, knowing marked: Set<RecoveryPointID>,
        _ survivors: Survivors?
    ) throws(KuraError) {
        let index = try ChunkIndex.open(vault)
        try vault.requireReadable(index)
        let walker = PointWalker(index)
        for id in try vault.recoveryPointIDs() where !marked.contains(id) {
            try walker.walk(try vault.recoveryPoint(id))
        }
        // Packs that these points need stay. A session that commits later lists those that it
        // needs again: see `Session.resurrect`.
        let condemned = rewriting.packs.subtracting(walker.packs)
        guard !condemned.isEmpty else { return }
        try session.condemn(condemned)
        if condemned != rewriting.packs {
            rewriting.abandon()
            rewriting = RunRewriting(session, without: condemned, survivors)
        }
        report.writtenBytes += try rewriting.run(index)
    }

    /// Removes the runs that this collection superseded, and those that a process left when it
    /// died.
    private mutating func removeObsoleteRuns() throws(KuraError) {
        try session.withCommitLock { () throws(KuraError) in
            let index = try ChunkIndex.open(vault)
            report.removedBytes += index.obsolete.reduce(0) { $0 + $1.trailer.fileByteCount }
            try IndexMerge(index, session.writer).removeObsolete()
        }
    }

    private mutating func sweep() throws(KuraError) {
        var sweep = Sweep(session)
        try sweep.run()
        report.removedBytes += sweep.removedBytes
        report.removedPacks += sweep.removedPacks
        report.waitingBytes = sweep.waitingBytes
        report.waitingSessions = sweep.waitingFor.count
    }
}

extension Vault {
    /// Throws `damaged` where a pack is in no usable replica: nothing may be removed while it is
    /// unknown what is lost.
    func requireSomeCopy(of packs: [PackSummary]) throws(KuraError) {
        let lost = PackPresence(packs, of: self, in: replicas)
            .packs(inFewerThan: 1, of: replicas.count)
        guard let first = lost.first else { return }
        let more = lost.count > 1 ? " and \(lost.count - 1) more are" : " is"
        throw KuraError(
            .damaged,
            "pack \(first.short)\(more) in no replica of vault \(record.name); "
                + "nothing was removed",
            remedy: .vault(.repair(.chunks, vault: record.name)))
    }

    /// Follows recovery points and marks what they need. Throws at the first that cannot be
    /// followed down to its chunks; one that was dropped since it was listed is passed over.
    /// - Parameter lacking: points that are known to need what is lost: what is left of them is
    ///   marked.
    func mark(
        _ points: some Sequence<RecoveryPointID>, lacking: Set<RecoveryPointID>,
        on marks: LiveMarks, _ cancellation: Cancellation
    ) throws(KuraError) {
        // Those with gaps last: a node that they mark may not be followed down to its chunks.
        for id in points.filter({ !lacking.contains($0) }) + points.filter(lacking.contains) {
            if cancellation.isCancelled { throw .interruptedByUser }
            do throws(KuraError) {
                try marks.mark(recoveryPoint(id), allowsGaps: lacking.contains(id))
            } catch {
                if isDropped(id, error) { continue }
                throw KuraError(
                    error.code, "recovery point \(id.short): \(error.message); nothing was removed",
                    remedy: error.remedy, cause: error)
            }
        }
    }
}
