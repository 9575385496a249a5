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
    /// Bytes, in each replica, of packs that go when sessions end which may still want them.
    public var waitingBytes: UInt64 = 0
    /// How many of those sessions there are.
    public var waitingSessions = 0
    /// Why nothing was collected, where that is so.
    public var obstacle: String?

    /// Bytes by which each replica became smaller; 0 where it grew for the moment, because what was
    /// repacked waits.
    public var freedBytes: UInt64 { removedBytes > writtenBytes ? removedBytes - writtenBytes : 0 }

    public init(obstacle: String? = nil) { self.obstacle = obstacle }
}

/// Takes away what no recovery point needs, beside running backups and restores.
///
/// 1. Every point is followed down to its chunks, and what it needs is marked. Only then are
///    packs swept that an earlier collection condemned: where a record or a run is wrong, a point
///    cannot be followed, and nothing goes.
/// 2. Live chunks of packs with many dead bytes are copied to new packs.
/// 3. Under the commit lock: points that were committed meanwhile are followed, too, and what they
///    need is spared; the packs that go are condemned, with the names of all who are open; runs
///    that list them are written again without them.
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
    /// What the first round goes by, when it was found out before.
    private var followed: FollowedPoints?

    /// Points that were followed to their end, and what they need.
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
    /// - Parameter dropped: points that the caller drops before that.
    /// - Throws: at the first point that cannot be followed to its end.
    mutating func follow(without dropped: Set<RecoveryPointID> = []) throws(KuraError) {
        // Points before runs: whatever a point in the list needs is in the index.
        let points = Set(try vault.recoveryPointIDs()).subtracting(dropped)
        let index = try ChunkIndex.open(vault)
        try vault.requireReadable(index)
        try vault.requireSomeCopy(of: index.packs)
        let marks = LiveMarks(index)
        try vault.mark(
            points, lacking: Set(vault.lackingPoints()), on: marks, cancellation)
        followed = FollowedPoints(points: points, index: index, marks: marks)
    }

    /// - Parameter isFirst: whether what it plans is what the report says was planned.
    /// - Returns: false when there was no room to repack, and there may be some now.
    private mutating func collect(isFirst: Bool) throws(KuraError) -> Bool {
        let removedBefore = report.removedPacks
        if followed == nil { try follow() }
        let (points, index, marks) = (followed!.points, followed!.index, followed!.marks)
        followed = nil
        try sweep()
        // Looked for before repacking, whose packs are in no run at first.
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
                // Without room beforehand there may be some once it is needed.
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

    /// Whether what is repacked fits, as large as it was before, and the run that lists it.
    private func hasRoom(for plan: CollectionPlan) throws(KuraError) -> Bool {
        let bytes = plan.repackedBytes + plan.repackedBytes / 16
        return try session.hasRoom(
            for: Dictionary(uniqueKeysWithValues: session.writer.live.map { ($0.ordinal, bytes) }))
    }

    /// Takes away packs that no run lists, and runs that others supersede: all there is to do in a
    /// region that only takes copies, once it has the runs of the other one.
    mutating func runUnlisted() throws(KuraError) {
        try sweep()
        let index = try ChunkIndex.open(vault)
        try vault.requireReadable(index)
        let unlisted = try vault.unlistedPacks(index)
        try removeObsoleteRuns()
        if !unlisted.isEmpty {
            try session.withCommitLock { () throws(KuraError) in
                var rewriting = RunRewriting(session, without: unlisted, nil)
                try condemn(&rewriting, knowing: Set(try vault.recoveryPointIDs()), nil)
            }
        }
        try sweep()
    }

    /// - Parameters:
    ///   - rewriting: says which packs go.
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
        // A session lists its packs before it commits; what it lists now it may still want.
        let condemned = rewriting.packs.subtracting(walker.packs)
        guard !condemned.isEmpty else { return }
        try session.condemn(condemned)
        if condemned != rewriting.packs {
            rewriting.abandon()
            rewriting = RunRewriting(session, without: condemned, survivors)
        }
        report.writtenBytes += try rewriting.run(index)
    }

    /// Those that were superseded just now, and those that a process left when it died.
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
    /// Throws where a pack is in no replica that can be used: nothing may be removed while it is
    /// not known what is lost.
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

    /// Follows recovery points. Throws at the first that cannot be followed to its end; one that
    /// was dropped since it was listed needs nothing any more.
    /// - Parameter lacking: points that are known to lack something: what is left of them is
    ///   marked.
    func mark(
        _ points: some Sequence<RecoveryPointID>, lacking: Set<RecoveryPointID>,
        on marks: LiveMarks, _ cancellation: Cancellation
    ) throws(KuraError) {
        // Those with gaps last: what they mark is not followed to its end.
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
