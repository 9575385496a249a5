internal import KuraFormat
internal import KuraIO
internal import KuraLog
internal import KuraReplicas

/// Removes what no recovery point needs from a vault with a log, beside running backups and
/// restores. Each step is a record, so that every other writer takes note of it:
///
/// 1. Points are dropped. They can be brought back until their grace time is over; then they are
///    forgotten, after every other point was followed down to its chunks.
/// 2. Live chunks of packs with many dead bytes are copied to new packs. Packs that no point needs
///    are *condemned*, by the record that replaces the runs that list them.
/// 3. Condemned packs that no live run lists are *swept*, by a later record. Who commits a point
///    between the two lists again what it needs of them, and so spares it; behind the sweep it
///    may not. So no point needs a pack that is swept, however long a writer slept.
/// 4. Swept packs are deleted, in each replica that is whole to the sweep, and a record says so
///    when every member has done it.
///
/// If it is killed between two of these, the next collection goes on. Nothing rests on a clock or a
/// lock; sweeping waits for open sessions and readers only so that they need not begin again.
struct LoggedCollection {
    let session: Session
    let vault: Vault
    let log: VaultLog<VaultState>
    private let request: PruneRequest
    private let progress: Progress
    private let cancellation: Cancellation
    var report = CollectionReport()

    /// Packs in one record that condemns.
    private static let condemnedAtOnce = 100_000
    /// Points in one record that drops or forgets.
    private static let pointsAtOnce = 10_000

    init(
        _ session: Session, _ log: VaultLog<VaultState>, for request: PruneRequest,
        progress: Progress, cancellation: Cancellation
    ) {
        self.session = session
        vault = session.vault
        self.log = log
        self.request = request
        self.progress = progress
        self.cancellation = cancellation
    }

    mutating func prune(didDrop: () -> Void) throws(KuraError) -> CollectionReport {
        try drop()
        didDrop()
        let (live, copies) = (session.writer.live.count, Int(vault.record.copies))
        guard live == copies else {
            let reason = (vault.problems + session.writer.failures.map(\.value)).first?.message
            return CollectionReport(
                obstacle: "a replica is away (\(reason ?? "unknown")); what the dropped points "
                    + "needed is taken away when all are here")
        }
        // Without room for what is repacked, packs that are dead as a whole go first and make some.
        var isFirst = true
        while try !collect(isFirst: isFirst) { isFirst = false }
        try removeDeadRuns()
        return report
    }

    // MARK: Points

    private func drop() throws(KuraError) {
        for part in request.dropped.sorted().inParts(of: Self.pointsAtOnce) {
            try session.commit(log, note: request.reason) { state throws(KuraError) in
                var live: [RecoveryPointID] = []
                for id in part {
                    guard let point = try state.point(id) else { continue }
                    if point.drop == nil { live.append(id) }
                }
                guard !live.isEmpty else { return nil }
                return [
                    .drop(
                        DropBody(
                            points: live, time: vault.clock.now(), reason: request.reason))
                ]
            }
        }
    }

    /// Points that were followed down to their chunks, and what they need.
    private struct Followed {
        var points: Set<RecoveryPointID>
        var index: ChunkIndex
        var marks: LiveMarks
    }

    /// Forgets points whose grace time is over, once every other one was followed.
    /// - Throws: at the first point that cannot be followed; then nothing is forgotten or removed.
    private func follow() throws(KuraError) -> Followed {
        let state = try log.read().tip.state
        let now = vault.clock.now()
        var over: [RecoveryPointID] = []
        var points: [PointEntry] = []
        try state.visitPoints { point throws(KuraError) in
            let isOver = point.drop.map { now &- $0.time >= request.grace } ?? false
            if isOver, point.holds.isEmpty { over.append(point.id) } else { points.append(point) }
            return true
        }
        let index = try ChunkIndex.open(vault, at: state)
        try vault.requireReadable(index)
        try vault.requireSomeCopy(of: index.packs)
        let marks = LiveMarks(index)
        try mark(points, in: state, on: marks)
        for part in over.sorted().inParts(of: Self.pointsAtOnce) {
            try session.commit(log) { state throws(KuraError) in
                var left: [RecoveryPointID] = []
                for id in part {
                    guard let point = try state.point(id) else { continue }
                    if point.drop != nil, point.holds.isEmpty { left.append(id) }
                }
                // One that was brought back meanwhile is followed when packs are condemned.
                return left.isEmpty ? nil : [.forget(ForgetBody(points: left))]
            }
        }
        return Followed(points: Set(points.map(\.id)), index: index, marks: marks)
    }

    /// Those that are known to need what is lost come last: a node that they mark may not be
    /// followed down to its chunks.
    private func mark(
        _ points: [PointEntry], in state: VaultState, on marks: LiveMarks
    ) throws(KuraError) {
        guard let opened = try vault.openedLog() else { return }
        var lost: Set<RecoveryPointID> = []
        for entry in try state.lostObjects() where entry.object.kind == .point {
            lost.insert(entry.object.name)
        }
        let (lacking, whole) = (
            points.filter { lost.contains($0.id) }, points.filter { !lost.contains($0.id) }
        )
        for entry in whole + lacking {
            if cancellation.isCancelled { throw .interruptedByUser }
            do throws(KuraError) {
                try marks.mark(opened.point(entry).point, allowsGaps: lost.contains(entry.id))
            } catch {
                throw KuraError(
                    error.code,
                    "recovery point \(entry.id.short): \(error.message); nothing was removed",
                    remedy: error.remedy, cause: error)
            }
        }
    }

    // MARK: Packs

    /// One round.
    /// - Parameter isFirst: whether the plan of this round goes into the report.
    /// - Returns: false when there was no room to repack, and the round removed packs, so that
    ///   there may be room now.
    private mutating func collect(isFirst: Bool) throws(KuraError) -> Bool {
        let removedBefore = report.removedPacks
        let followed = try follow()
        try sweep()
        // Before repacking, because no run lists its new packs at first.
        let unlisted = try unlistedPacks(followed.index)
        let plan = CollectionPlan(
            try followed.marks.packUses(), deadShareMax: request.deadShareMax)
        if isFirst { report.plan = plan }
        let bytes = plan.repackedBytes + plan.repackedBytes / 16
        let hasRoom = try session.hasRoom(
            for: Dictionary(
                uniqueKeysWithValues: session.writer.live.map { ($0.ordinal, bytes) }))
        let repacked = hasRoom ? plan.repacked : []
        let going = Set((plan.dead + repacked).map(\.id)).union(unlisted)
        if !going.isEmpty { try condemn(going, repacking: repacked, followed) }
        try sweep()
        return hasRoom || report.removedPacks == removedBefore
    }

    /// Packs that some replica has and no live run lists, and that are not on their way out: what
    /// writers put that never committed it. None while another session is open, so that it need
    /// not spare its own packs.
    private func unlistedPacks(_ index: ChunkIndex) throws(KuraError) -> Set<PackID> {
        guard try vault.openWriters(except: session.id).isEmpty else { return [] }
        let listed = Set(index.packs.map(\.id))
        var unlisted = Set<PackID>()
        try vault.forEachPack { id in if !listed.contains(id) { unlisted.insert(id) } }
        guard !unlisted.isEmpty else { return [] }
        return unlisted.subtracting(try log.tip.state.outgoingPacks().map(\.pack))
    }

    private mutating func condemn(
        _ going: Set<PackID>, repacking repacked: [CollectionPlan.Pack], _ followed: Followed
    ) throws(KuraError) {
        let marks = followed.marks
        progress.update { $0.totalBytes += repacked.reduce(0) { $0 + $1.byteCount } }
        var copying = Repacking(session) { (chunk, pack, _) throws(KuraError) in
            try marks.isLive(chunk, in: pack)
        }
        if !repacked.isEmpty {
            try copying.copy(repacked, progress: progress, cancellation: cancellation)
        }
        let listing = try copying.list()
        let survivors = Survivors(marks: marks, repacked: copying.copied)
        var packs = Set(going.sorted().prefix(Self.condemnedAtOnce))
        var rewriting = RunRewriting(session, without: packs, survivors)
        defer { rewriting.abandon() }
        var written: UInt64 = 0
        let commit = try session.commit(log, addsObjects: true) { state throws(KuraError) in
            let index = try ChunkIndex.open(vault, at: state)
            try vault.requireReadable(index)
            let needed = try packsNeeded(by: state, besides: followed.points, index)
            let outgoing = Set(try state.outgoingPacks().map(\.pack))
            let left = packs.subtracting(needed).subtracting(outgoing)
            if left != packs {
                packs = left
                rewriting.abandon()
                rewriting = RunRewriting(session, without: packs, survivors)
            }
            guard !packs.isEmpty else { return nil }
            let replaced = try rewriting.replacement(in: index)
            let added = replaced.added + (listing.map { [$0] } ?? [])
            written = added.reduce(0) { $0 + $1.trailer.fileByteCount }
            let runs = RunsBody(listing: added, superseded: replaced.superseded)
            let hasRuns = !(runs.added.isEmpty && runs.superseded.isEmpty)
            return (hasRuns ? [.runs(runs)] : [])
                + [.condemn(CondemnBody(packs: packs.sorted()))]
        }
        guard commit != nil else { return }
        report.repackedBytes += copying.packBytes
        report.writtenBytes += copying.packBytes + written
    }

    /// Packs that points need which were not followed: they came, or were brought back, since.
    private func packsNeeded(
        by state: VaultState, besides followed: Set<RecoveryPointID>, _ index: ChunkIndex
    ) throws(KuraError) -> Set<PackID> {
        guard let opened = try vault.openedLog() else { return [] }
        let walker = PointWalker(index)
        var new: [PointEntry] = []
        try state.visitPoints { point throws(KuraError) in
            if !followed.contains(point.id) { new.append(point) }
            return true
        }
        for entry in new { try walker.walk(try opened.point(entry).point) }
        return walker.packs
    }
}

extension Array {
    /// In parts of `count` elements; the last one may be shorter.
    fileprivate func inParts(of count: Int) -> [[Element]] {
        stride(from: 0, to: self.count, by: count).map {
            Array(self[$0..<Swift.min($0 + count, self.count)])
        }
    }
}
