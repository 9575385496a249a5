internal import KuraFormat
internal import KuraIO
internal import KuraReplicas

extension Session {
    /// Brings the vault's replicas into step before the session's own work: what a process that
    /// died left is listed, what a replica lacks is copied to it, temporary files go.
    ///
    /// A replica may lack something because a process died, because it failed or was away while
    /// others went on, or because it was put back from an old copy. All of them show in the
    /// listings alone, so nothing needs to remember that a backup was made without it. Safe to run
    /// beside other sessions and to be killed anywhere: it only adds files named by their content,
    /// and removes a session's record when everything else is done.
    func settle(
        _ progress: Progress = Progress(), _ cancellation: Cancellation = Cancellation()
    ) throws(KuraError) {
        try removeTemporaries()
        try bringIntoStep(progress, cancellation)
    }

    /// Like `settle`, for a session whose replicas were brought into step when it began: only what
    /// a process that died left needs another look.
    func settleInterrupted() throws(KuraError) {
        try removeTemporaries()
        if vault.interruptedSessions().isEmpty { return try removeDroppedPoints() }
        try bringIntoStep(Progress(), Cancellation())
    }

    private func bringIntoStep(
        _ progress: Progress, _ cancellation: Cancellation
    ) throws(KuraError) {
        let dead = vault.interruptedSessions()
        // One that died may have been a prune that had no room to copy packs before it wrote runs.
        try catchUp(
            writer.live, everyPack: !dead.isEmpty, progress: progress, cancellation: cancellation)
        if !dead.isEmpty { try listUnlistedPacks() }
        try removeDroppedPoints()
        for session in dead { vault.forget(session: session, in: writer.live) }
    }

    /// Like `settle`, but where a disk has no room for what would be copied, it only takes away
    /// what can go at once.
    /// - Returns: whether everything was done.
    func settleIfThereIsRoom(_ cancellation: Cancellation) throws(KuraError) -> Bool {
        try removeTemporaries()
        guard try hasRoomToSettle() else {
            try removeDroppedPoints()
            return false
        }
        try bringIntoStep(Progress(), cancellation)
        return true
    }

    /// Whether every disk has room for what its replicas lack, and some to spare.
    private func hasRoomToSettle() throws(KuraError) -> Bool {
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

    /// Whether the devices of the live replicas have room for that many bytes in each, by ordinal,
    /// and some to spare. Replicas on one device share its room.
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

    /// Copies what `targets` lack. Replicas of the session that fail on the way are given up.
    @discardableResult
    func catchUp(
        _ targets: [Replica], everyPack: Bool, progress: Progress, cancellation: Cancellation
    ) throws(KuraError) -> CopyReport {
        let plan = try vault.copyPlan(to: targets, everyPack: everyPack)
        let report = try CopyRun(
            vault, to: targets, writer, progress: progress, cancellation: cancellation
        ).run(plan)
        for (ordinal, error) in report.failures { writer.fail(ordinal, error) }
        if let error = writer.error { throw error }
        return report
    }

    /// Lists packs that no sound run lists in a new one.
    /// - Parameters:
    ///   - superseding: lost runs whose every pack a sound run or the new one lists.
    ///   - distrusting: runs that contradict the packs they list: all those are listed anew, as
    ///     they say themselves.
    ///   - evenCondemned: whether packs are listed that wait for their removal: for an intake of
    ///     points that need them.
    ///   - evenDamaged: whether packs are listed of which no whole copy can be had, without the
    ///     frames that no copy has right: otherwise the next backup would rely on those.
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
        // A pack is listed anew also where another run lists it: that may have a part of it only.
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
            // Every pack is listed already: a run that is there takes the lost ones over.
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

    /// Makes a pack sound in every live replica.
    /// - Returns: its trailer; nil where no good copy can be made.
    private func spread(_ id: PackID) throws(KuraError) -> PackTrailer? {
        if !writer.live.allSatisfy({ vault.isSound(.pack(id), in: $0) }) {
            let bytes: [UInt8]
            do throws(KuraError) {
                bytes = try vault.soundBytes(of: .pack(id), mayBeAbsent: true)
            } catch {
                // It was never acknowledged by the session that died; where it was, verify reports
                // it.
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

    /// Removes drafts of sessions that are over. A session takes its lock before its first draft
    /// and lets go of it after its last one, so a draft whose session no process locks in that
    /// replica is rubbish.
    private func removeTemporaries() throws(KuraError) {
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
