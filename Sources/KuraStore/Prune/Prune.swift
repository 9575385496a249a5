public import KuraFormat
public import KuraIO

/// What a prune is asked to do.
public struct PruneRequest: Sendable {
    /// Points that are dropped; ids that the vault does not have are ignored.
    public var dropped: Set<RecoveryPointID>
    /// Points that no replica has and that are dropped all the same, so that they no longer count
    /// as missing.
    public var missing: Set<RecoveryPointID> = []
    /// Why they are dropped, for people; the tombstones keep it.
    public var reason: String
    /// How long a dropped point can be brought back before what it needs may be removed, in
    /// nanoseconds. A vault of version 1 removes it at once.
    public var grace: Int64 = PruneRequest.defaultGrace
    /// The largest share of dead bytes in the packs that stay, 0 to 1: packs are repacked
    /// until it is reached.
    public var deadShareMax: Double

    public static let defaultDeadShareMax = 0.1
    /// 14 days.
    public static let defaultGrace: Int64 = 14 * 86_400 * 1_000_000_000

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
    /// Names exactly the packs while no session changes the vault; the bytes of live and dead
    /// chunks are estimates, as if all chunks of a pack compressed alike.
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

    /// Bytes that dropping a recovery point would free in one replica: those of chunks that no
    /// other point needs, as if all chunks of a pack compressed alike.
    /// - Complexity: follows every recovery point twice.
    public func uniqueBytes(
        of id: RecoveryPointID, cancellation: Cancellation = Cancellation()
    ) throws(KuraError) -> UInt64 {
        let with = try collectionPlan(
            PruneRequest(dropping: [], reason: ""), cancellation: cancellation)
        let without = try collectionPlan(
            PruneRequest(dropping: [id], reason: ""), cancellation: cancellation)
        return without.deadBytes - min(with.deadBytes, without.deadBytes)
    }

    /// Drops recovery points, then removes what no other point needs.
    ///
    /// Before points are dropped, every other point is followed down to its chunks, and every pack
    /// must be in some replica. Where that is not so, nothing is dropped or removed: the points to
    /// drop may be the last whole ones. What is left of points that a repair gave up stays.
    ///
    /// Runs beside backups, restores and verifications; one at a time, and not beside repair,
    /// replication into this region or failover. Points are dropped, durably, before anything is
    /// collected; an error after that does not bring them back. Collecting can be stopped anywhere,
    /// and the next prune goes on. Memory: one bit a chunk, beside the filters of the index.
    ///
    /// On a disk without room for what its replicas lack of each other, the prune collects first,
    /// without repacking, and copies after that, if there is room then.
    ///
    /// Collecting needs every replica, because one that is away would bring back what was removed;
    /// and while the vault is failed over, the other region may still need what this one does not.
    /// Points are dropped all the same; `obstacle` says why nothing was collected.
    /// - Parameter didDrop: called when the points are dropped, before anything is collected.
    public func prune(
        _ request: PruneRequest, progress: Progress = Progress(),
        cancellation: Cancellation = Cancellation(), didDrop: () -> Void = {}
    ) throws(KuraError) -> CollectionReport {
        try requireWritable()
        return try inSession(cancellation) { (session, isRecovered) throws(KuraError) in
            if let log = session.log {
                var collection = LoggedCollection(
                    session, log, for: request, progress: progress, cancellation: cancellation)
                return try collection.prune(didDrop: didDrop)
            }
            var collection = GarbageCollection(
                session, deadShareMax: isRecovered ? request.deadShareMax : 1, progress: progress,
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

    /// Removes packs that no index run of this region lists. For the passive region of a vault,
    /// after replication copied the runs of the active one.
    public func collectUnlisted() throws(KuraError) -> CollectionReport {
        try inSession(waits.cancellation) { (session, _) throws(KuraError) in
            guard session.writer.live.count == Int(record.copies) else {
                return CollectionReport(obstacle: "a replica of region \(region.name) is away")
            }
            var collection = GarbageCollection(
                session, deadShareMax: 1, progress: Progress(), cancellation: waits.cancellation)
            do throws(KuraError) {
                try collection.runUnlisted()
            } catch {
                guard error.code == .damaged else { throw error }
                return CollectionReport(obstacle: "region \(region.name): \(error.message)")
            }
            return collection.report
        }
    }

    /// Collects in a session that recovers before, or after where there is no room before. Where
    /// there is no room after either, the session's record stays as that of an interrupted one, so
    /// that the next session recovers.
    /// - Parameter collect: gets the session, and whether it has recovered.
    private func inSession(
        _ cancellation: Cancellation,
        _ collect: (Session, Bool) throws(KuraError) -> CollectionReport
    ) throws(KuraError) -> CollectionReport {
        let session = try beginPrune(cancellation)
        var clean = false
        defer { session.end(clean: clean) }
        let isRecovered = try session.recoverIfThereIsRoom(cancellation)
        let report = try collect(session, isRecovered)
        clean = isRecovered
        if !isRecovered { clean = try session.recoverIfThereIsRoom(cancellation) }
        session.keepReserve()
        return report
    }

    /// Releases the reserve first, because a full disk has no room for the session's record.
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
