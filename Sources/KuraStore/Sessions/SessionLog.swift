internal import KuraFormat
internal import KuraIO
internal import KuraLog
internal import KuraReplicas

/// The packs and runs that the records of a vault's log list.
private struct VaultObjects: LogObjects {
    let vault: Vault
    /// Owner of the drafts.
    let session: UniqueID
    let cancellation: Cancellation

    func copy(
        neededBy state: VaultState, to replica: LogReplica, from others: [LogReplica]
    ) throws(KuraError) -> Bool {
        guard let target = vault.replicas.first(where: { $0.place == replica.place }) else {
            return false
        }
        return try vault.copyObjects(neededBy: state, to: target, by: session, cancellation)
    }
}

extension Vault {
    /// The log, to be changed by a session; nil for a vault of version 1.
    func openLog(
        writing session: UniqueID, _ waits: WaitPolicy
    ) throws(KuraError) -> VaultLog<VaultState>? {
        guard let opened = try openedLog() else { return nil }
        return try opened.log(
            writing: session, in: replicas.map(\.store),
            objects: VaultObjects(
                vault: self, session: session, cancellation: waits.cancellation),
            LogSurroundings(waits, clock))
    }
}

extension Session {
    /// Brings every live replica to the newest record, objects first. One that fails has failed for
    /// the session; one that cannot be whole stays, and counts as no copy.
    func catchUp(with log: VaultLog<VaultState>) throws(KuraError) {
        _ = try log.read()
        for replica in writer.live {
            guard let logged = log.replicas.first(where: { $0.place == replica.place }) else {
                continue
            }
            do throws(KuraError) {
                _ = try log.catchUp(logged)
            } catch {
                if error.code == .interrupted { throw error }
                writer.fail(replica.ordinal, error)
            }
        }
        if let error = writer.error { throw error }
    }

    /// Commits what `propose` makes of the newest state as one record, in as many copies as the
    /// vault requires.
    ///
    /// On return it is decided and acknowledged. After an error it may be decided all the same,
    /// except where the error comes from `propose`.
    /// - Parameters:
    ///   - addsObjects: whether the record names packs or runs that this session put. Then only
    ///     replicas count to which nothing has failed.
    ///   - propose: called once for each number that another program won. Nil: nothing is to be
    ///     changed.
    /// - Returns: the commit; nil where `propose` returned it.
    @discardableResult
    func commit(
        _ log: VaultLog<VaultState>, note: String = "", addsObjects: Bool = false,
        _ propose: (VaultState) throws(KuraError) -> [LogBody]?
    ) throws(KuraError) -> Commit? {
        guard let access = vault.region.access, access.key != nil else {
            throw KuraError(
                .refused, "this home has no key that may change vault \(vault.record.name)")
        }
        let committed = try log.commit { tip throws(KuraError) in
            guard let bodies = try propose(tip.state) else { return nil }
            if addsObjects, let error = writer.error { throw error }
            let live = Set(writer.live.map(\.place))
            let holders = Set(log.replicas.filter { live.contains($0.place) }.map(\.id))
            return Proposal(
                access.record(
                    operation, note: note, bodies, after: tip, at: vault.clock.now()),
                required: writer.required, holders: addsObjects ? holders : nil)
        }
        guard let committed else { return nil }
        guard committed.isAcknowledged else {
            throw KuraError(
                .replicaMissing,
                "the change to vault \(vault.record.name) is decided, but only "
                    + "\(committed.copies.count) of the \(committed.required) replicas that it "
                    + "needs have it",
                remedy: .steps([.advice("make the other replicas reachable"), .retry()]))
        }
        return committed
    }
}
