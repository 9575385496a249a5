internal import KuraFormat
internal import KuraIO
internal import KuraLog
internal import KuraReplicas

extension Session {
    /// Recovers the vault before the session's own work: drafts of sessions that ended are removed,
    /// every replica gets the files that it lacks, packs that an interrupted session left are
    /// listed, and points that were dropped are removed.
    ///
    /// A replica may lack a file because a process died, because the replica failed or was away
    /// while others went on, or because it was restored from an old copy. Each of these shows in
    /// the listings, so no record says which backup was made without which replica. Safe to run
    /// beside other sessions and to be killed anywhere: it adds complete files, removes what no
    /// session and no point needs, and removes the record of an interrupted session last.
    func recover(
        _ progress: Progress = Progress(), _ cancellation: Cancellation = Cancellation()
    ) throws(KuraError) {
        try removeDrafts()
        if let log { return try recover(with: log) }
        try recoverReplicas(progress, cancellation)
    }

    /// Like `recover`, where a log says what the vault holds. What an interrupted session put and
    /// did not commit is nothing, and a prune removes it.
    private func recover(with log: VaultLog<VaultState>) throws(KuraError) {
        try catchUp(with: log)
        for session in vault.interruptedSessions() {
            vault.forget(session: session, in: writer.live)
        }
    }

    /// Like `recover`, for a session whose replicas caught up when it began: they do so again only
    /// where there is an interrupted session.
    func recoverInterrupted() throws(KuraError) {
        try removeDrafts()
        if vault.interruptedSessions().isEmpty { return try removeDroppedPoints() }
        try recoverReplicas(Progress(), Cancellation())
    }

    private func recoverReplicas(
        _ progress: Progress, _ cancellation: Cancellation
    ) throws(KuraError) {
        let dead = vault.interruptedSessions()
        // It may have been a prune that wrote runs without having had room to copy packs first.
        try catchUp(
            writer.live, everyPack: !dead.isEmpty, progress: progress, cancellation: cancellation)
        if !dead.isEmpty { try listUnlistedPacks() }
        try removeDroppedPoints()
        for session in dead { vault.forget(session: session, in: writer.live) }
    }

    /// Like `recover`, but where a disk has no room for what would be copied, it only removes
    /// drafts and dropped points.
    /// - Returns: whether everything was done.
    func recoverIfThereIsRoom(_ cancellation: Cancellation) throws(KuraError) -> Bool {
        if log != nil {
            try recover(Progress(), cancellation)
            return true
        }
        try removeDrafts()
        guard try hasRoomToRecover() else {
            try removeDroppedPoints()
            return false
        }
        try recoverReplicas(Progress(), cancellation)
        return true
    }

    /// Whether every device has room for what its replicas lack, and for the smallest reserve.
    private func hasRoomToRecover() throws(KuraError) -> Bool {
        let isInterrupted = !vault.interruptedSessions().isEmpty
        let plan = try vault.copyPlan(to: writer.live, everyPack: isInterrupted)
        var needed: [Int: UInt64] = [:]
        for ordinal in writer.live.map(\.ordinal) {
            needed[ordinal] = plan.amount(for: ordinal).bytes
        }
        if isInterrupted {
            for id in try vault.unlistedPacks(try ChunkIndex.open(vault)) {
                for replica in writer.live where !vault.isSound(.pack(id), in: replica) {
                    needed[replica.ordinal, default: 0] += vault.size(of: .pack(id), vault.replicas)
                }
            }
        }
        return try hasRoom(for: needed)
    }

    /// Whether the devices of the live replicas have room for `needed` and for the smallest
    /// reserve. Replicas on one device share its room; a store that does not tell its room has
    /// enough.
    /// - Parameter needed: bytes, by the ordinal of the replica.
    func hasRoom(for needed: [Int: UInt64]) throws(KuraError) -> Bool {
        var left: [UInt64: UInt64] = [:]
        for replica in writer.live {
            guard let bytes = needed[replica.ordinal], bytes > 0 else { continue }
            do throws(IOError) {
                guard let room = try replica.store.room() else { continue }
                let free = left[room.device] ?? room.freeBytes
                guard free >= bytes + UInt64(Reserve.byteCountMin) else { return false }
                left[room.device] = free - bytes
            } catch {
                writer.fail(replica.ordinal, KuraError(io: error))
            }
        }
        if let error = writer.error { throw error }
        return true
    }

    /// Copies what `targets` lack. A target that fails has failed for the session, too.
    @discardableResult
    func catchUp(
        _ targets: [Replica], everyPack: Bool, progress: Progress, cancellation: Cancellation
    ) throws(KuraError) -> CopyReport {
        let plan = try vault.copyPlan(to: targets, everyPack: everyPack)
        let report = try CopyRun(
            vault, to: targets, writer.session, progress: progress, cancellation: cancellation
        ).run(plan)
        for (ordinal, error) in report.failures { writer.fail(ordinal, error) }
        if let error = writer.error { throw error }
        return report
    }

    /// Lists packs that no good run lists in a new run. Memory: 40 bytes for each of their chunks.
    /// - Parameters:
    ///   - superseding: lost runs that the new run supersedes.
    ///   - distrusting: runs that contradict packs which they list: all their packs are listed
    ///     again, by their own trailers.
    ///   - evenCondemned: whether condemned packs are listed, too: for an intake of points that
    ///     need them.
    ///   - evenDamaged: whether packs without a good copy are listed, too, without the frames that
    ///     are good in no copy.
    func listUnlistedPacks(
        superseding: [RunID] = [], distrusting: Set<RunID> = [], evenCondemned: Bool = false,
        evenDamaged: Bool = false
    ) throws(KuraError) {
        try withCommitLock { () throws(KuraError) in
            try listUnlistedPacksLocked(
                superseding: superseding, distrusting: distrusting, evenCondemned: evenCondemned,
                evenDamaged: evenDamaged)
        }
    }

    private func listUnlistedPacksLocked(
        superseding: [RunID], distrusting: Set<RunID>, evenCondemned: Bool, evenDamaged: Bool
    ) throws(KuraError) {
        let index = try ChunkIndex.open(vault)
        // A pack is listed again also where another run lists it: that run may have only some of
        // its chunks.
        let untrue = index.runs.filter { distrusting.contains($0.id) }.flatMap(\.trailer.packs)
        let listed = Set(index.packs.map(\.id)).subtracting(untrue.map(\.id))
        let condemned = try vault.condemnedPacks()
        var found = PackWriter.Durable()
        try vault.forEachPack { (id) throws(KuraError) in
            guard !listed.contains(id), evenCondemned || !condemned.contains(id) else { return }
            if let trailer = try spread(id) {
                found.append(PackWriter.Durable(id, trailer))
            } else if evenDamaged, !condemned.contains(id), let trailer = anyTrailer(id) {
                let lost = PackAssembly(id, vault).lostFrames(decoding: true)
                found.append(PackWriter.Durable(id, trailer, without: lost))
            }
        }
        guard !found.packs.isEmpty else {
            // Every pack is listed already: the smallest run supersedes the lost ones.
            return try IndexMerge(index, writer).supersede(superseding)
        }
        for replica in writer.live {
            do throws(IOError) {
                try replica.store.makeDurable(
                    found.packs.map { VaultFile.pack($0.id).name(in: vault.id) })
            } catch {
                writer.fail(replica.ordinal, KuraError(io: error))
            }
        }
        _ = try IndexRunWriter.write(
            found.entries, packs: found.packs, superseded: superseding, to: writer)
    }

    /// Makes sure that every live replica has a good copy of a pack.
    /// - Returns: its trailer; nil where no good copy can be made.
    private func spread(_ id: PackID) throws(KuraError) -> PackTrailer? {
        if !writer.live.allSatisfy({ vault.isSound(.pack(id), in: $0) }) {
            let bytes: [UInt8]
            do throws(KuraError) {
                bytes = try vault.soundBytes(of: .pack(id), mayBeAbsent: true)
            } catch {
                // No point needs it unless a run listed it before; then verification reports it.
                if error.code == .damaged || error.code == .notFound { return nil }
                throw error
            }
            try writer.publish(bytes, as: .pack(id))
        }
        return anyTrailer(id)
    }

    private func anyTrailer(_ id: PackID) -> PackTrailer? {
        do throws(KuraError) {
            return try PackReader.trailer(id, vault)
        } catch {
            return nil
        }
    }

    /// Removes drafts of sessions that have ended. A session takes its lock before its first draft
    /// and releases it after its last one, so a draft is of no use when its session's lock is free
    /// in that replica.
    private func removeDrafts() throws(KuraError) {
        for replica in writer.live {
            do throws(IOError) {
                try replica.store.removeDrafts(in: vault.id) { owner in
                    owner != id && !vault.isHeld(.session(owner), in: replica)
                }
            } catch {
                writer.fail(replica.ordinal, KuraError(io: error))
            }
        }
        if let error = writer.error { throw error }
    }
}
