public import KuraFormat
public import KuraIO

/// What a prune is asked to do.
public struct PruneRequest: Sendable {
    /// Points that go; ids that are not there are ignored.
    public var dropped: Set<RecoveryPointID>
    /// Points that no replica has and that are dropped all the same, so that they are not missed.
    public var missing: Set<RecoveryPointID> = []
    /// Why, for the tombstones.
    public var reason: String
    /// Of the bytes that stay in packs, the share that may be dead. What is above it is repacked.
    public var deadShareMax: Double

    public static let defaultDeadShareMax = 0.1

    public init(
        dropping dropped: Set<RecoveryPointID>, reason: String,
        deadShareMax: Double = PruneRequest.defaultDeadShareMax
    ) {
        self.dropped = dropped
        self.reason = reason
        self.deadShareMax = deadShareMax
    }
}

extension Vault {
    /// What `prune` would do now. Changes nothing.
    ///
    /// Exact as to packs while no session changes the vault; bytes of repacked chunks are what
    /// their share of the old packs is.
    public func collectionPlan(
        _ request: PruneRequest, cancellation: Cancellation = Cancellation()
    ) throws(KuraError) -> CollectionPlan {
        let lease = try lease(cancellation)
        defer { lease.end() }
        let points = try recoveryPointIDs().filter { !request.dropped.contains($0) }
        let index = try ChunkIndex.open(self)
        try requireReadable(index)
        let marks = LiveMarks(index)
        try mark(points, lacking: Set(lackingPoints()), on: marks, cancellation)
        return CollectionPlan(try marks.packUses(), deadShareMax: request.deadShareMax)
    }

    /// Bytes that would be free in one replica without a recovery point: those of chunks that no
    /// other point needs, as if all chunks of a pack compressed alike.
    /// - Complexity: two walks over every recovery point.
    public func uniqueBytes(
        of id: RecoveryPointID, cancellation: Cancellation = Cancellation()
    ) throws(KuraError) -> UInt64 {
        let with = try collectionPlan(
            PruneRequest(dropping: [], reason: ""), cancellation: cancellation)
        let without = try collectionPlan(
            PruneRequest(dropping: [id], reason: ""), cancellation: cancellation)
        return without.deadBytes - min(with.deadBytes, without.deadBytes)
    }

    /// Drops recovery points, then takes away what no other point needs.
    ///
    /// Every point that stays is followed to its end first, and every pack must be in some replica.
    /// While that is not so, nothing is dropped or taken away: the dropped points may be the last
    /// that are whole. Of points that a repair gave up, what is left stays.
    ///
    /// Runs beside backups, restores and verifications; one at a time, and not beside repair,
    /// replication into this region or failover. Dropped points are gone when this returns, or
    /// after an error that comes later; collecting can be stopped anywhere and is gone on with next
    /// time. Memory: one bit and the index's own filters a chunk.
    ///
    /// On a disk without room for what its replicas lack of each other, collecting comes first,
    /// without repacking, and copying behind it, as far as there is room then.
    ///
    /// Collecting needs every replica, because one that is away would bring back what was taken
    /// away; and while the vault is failed over, the other region may still need what this one does
    /// not. Points are dropped all the same; `obstacle` says why nothing was collected.
    /// - Parameter didDrop: called when the points are gone, before anything is collected.
    public func prune(
        _ request: PruneRequest, progress: Progress = Progress(),
        cancellation: Cancellation = Cancellation(), didDrop: () -> Void = {}
    ) throws(KuraError) -> CollectionReport {
        try requireWritable()
        return try inSession(cancellation) { (session, isSettled) throws(KuraError) in
            var collection = GarbageCollection(
                session, deadShareMax: isSettled ? request.deadShareMax : 1, progress: progress,
                cancellation: cancellation)
            let dropped = try recoveryPointIDs().filter(request.dropped.contains)
            if !dropped.isEmpty { try collection.follow(without: Set(dropped)) }
            try session.drop(dropped + request.missing.sorted(), reason: request.reason)
            didDrop()
            if session.writer.live.count < Int(record.copies) {
                let reason = (problems + session.writer.failures.map(\.value)).first?.message
                return CollectionReport(
                    obstacle: "a replica is away (\(reason ?? "unknown")); what the dropped points "
                        + "needed is taken away when all are here")
            }
            if record.failedOver {
                return CollectionReport(
                    obstacle: "vault \(record.name) is failed over; what the dropped points "
                        + "needed is taken away after the region is failed back")
            }
            try collection.run()
            return collection.report
        }
    }

    /// Takes away packs that no index run of this region lists: in the passive region of a vault,
    /// after replication brought the runs of the active one.
    public func collectUnlisted() throws(KuraError) -> CollectionReport {
        try inSession(waits.cancellation) { (session, _) throws(KuraError) in
            guard session.writer.live.count == Int(record.copies) else {
                return CollectionReport(obstacle: "a replica of region \(region.name) is away")
            }
            var collection = GarbageCollection(
                session, deadShareMax: 1, progress: Progress(), cancellation: waits.cancellation)
            try collection.runUnlisted()
            return collection.report
        }
    }

    /// Collects in a session whose replicas are brought into step before it, or behind it where
    /// there is no room before. If there is none then either, the session stays as an interrupted
    /// one, so that the next one does it.
    /// - Parameter collect: gets the session, and whether its replicas are in step.
    private func inSession(
        _ cancellation: Cancellation,
        _ collect: (Session, Bool) throws(KuraError) -> CollectionReport
    ) throws(KuraError) -> CollectionReport {
        let session = try beginPrune(cancellation)
        var clean = false
        defer { session.end(clean: clean) }
        let isSettled = try session.settleIfThereIsRoom(cancellation)
        let report = try collect(session, isSettled)
        clean = isSettled
        if !isSettled { clean = try session.settleIfThereIsRoom(cancellation) }
        session.keepReserve()
        return report
    }

    /// Begins a session with the reserve given back, since a full disk has no room for its record.
    private func beginPrune(_ cancellation: Cancellation) throws(KuraError) -> Session {
        releaseReserve()
        do throws(KuraError) {
            return try Session.begin(
                self, operation: "prune", scope: .vault, required: requiredCopies,
                waits: waits.until(cancellation))
        } catch {
            keepReserve(in: replicas, session: .random())
            throw error
        }
    }
}
