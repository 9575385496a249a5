internal import KuraFormat
internal import KuraIO
internal import KuraLog
internal import KuraReplicas

extension Vault {
    /// Gives a replica the packs and runs that a state needs, durably: packs before the runs that
    /// list them.
    /// - Parameter session: owner of the drafts.
    /// - Returns: whether it has all of them now; false where no replica in reach has one.
    func copyObjects(
        neededBy state: VaultState, to target: Replica, by session: UniqueID,
        _ cancellation: Cancellation
    ) throws(KuraError) -> Bool {
        try putIdentity(state, in: target, by: session)
        let plan = try copyPlan(neededBy: state, to: target)
        if plan.isEmpty { return true }
        let report = try CopyRun(
            self, to: [target], session, progress: Progress(), cancellation: cancellation
        ).run(plan)
        if let error = report.failures[target.ordinal] { throw error }
        // What is known to be lost cannot be had, and no point waits for it.
        for file in report.lost where try !state.isLost(file) { return false }
        return true
    }

    /// It is never replaced; one that is damaged, or says something else, gives way.
    private func putIdentity(
        _ state: VaultState, in target: Replica, by session: UniqueID
    ) throws(KuraError) {
        guard let identity = state.identity else { return }
        let name = VaultFile.record.name(in: id)
        try withKuraErrors {
            try target.store.prepare(vault: id)
            let bytes = identity.encoded()
            do throws(IOError) {
                if try target.store.contents(name, max: SealedRecord.byteCountMax) == bytes {
                    return
                }
            } catch {
                guard error.isNotFound || error.isTooLong else { throw error }
            }
            try target.store.put(name, bytes, condition: .replacing, by: session)
        }
    }

    /// What a replica lacks of the objects that a state needs. A run that is there promises that
    /// its packs are; a pack that is condemned is still needed.
    func copyPlan(
        neededBy state: VaultState, to target: Replica
    ) throws(KuraError) -> CopyPlan {
        var plan = CopyPlan()
        let folder = Layout.vault(id)
        let held = try withKuraErrors {
            Set(try target.store.namesIfPresent(in: folder.folder(Layout.index)))
        }
        let packs = HeldPacks(target, folder)
        var seen = Set<PackID>()
        var runs: [CopyPlan.Step] = []
        for entry in try state.liveRuns() where !held.contains(entry.run.id.hex) {
            runs.append(
                CopyPlan.Step(
                    file: .run(entry.run.id), byteCount: entry.run.byteCount,
                    targets: [target.ordinal]))
            guard let reader = try reader(of: entry.run.id, in: state) else { continue }
            for pack in reader.trailer.packs where seen.insert(pack.id).inserted {
                if try packs.contains(pack.id) {
                    plan.heldPacks[target.ordinal, default: []].insert(pack.id)
                } else {
                    plan.steps.append(
                        CopyPlan.Step(
                            file: .pack(pack.id), byteCount: pack.fileByteCount,
                            targets: [target.ordinal]))
                }
            }
        }
        for pack in try state.outgoingPacks() where pack.swept == nil {
            guard seen.insert(pack.pack).inserted, try !packs.contains(pack.pack) else { continue }
            let size = size(of: .pack(pack.pack), replicas)
            guard size > 0 else { continue }
            plan.steps.append(
                CopyPlan.Step(
                    file: .pack(pack.pack), byteCount: size, targets: [target.ordinal]))
        }
        plan.steps += runs
        return plan
    }

    /// A live run, opened; nil for one that was given up.
    private func reader(
        of run: RunID, in state: VaultState
    ) throws(KuraError) -> IndexRunReader? {
        do throws(KuraError) {
            return try IndexRunReader(run, self)
        } catch {
            guard try state.isLost(.run(run)) else { throw error }
            return nil
        }
    }
}

/// Names of the packs in one replica, one of 256 folders at a time.
private final class HeldPacks {
    private let replica: Replica
    private let folder: StoreFolder
    private var names: [String: Set<String>] = [:]

    init(_ replica: Replica, _ folder: StoreFolder) {
        self.replica = replica
        self.folder = folder
    }

    func contains(_ pack: PackID) throws(KuraError) -> Bool {
        let shard = String(pack.hex.prefix(2))
        if let known = names[shard] { return known.contains(pack.hex) }
        let found = try withKuraErrors {
            Set(
                try replica.store.namesIfPresent(
                    in: folder.folder("\(Layout.packs)/\(shard)")))
        }
        names[shard] = found
        return found.contains(pack.hex)
    }
}
