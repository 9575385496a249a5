public import KuraFormat
package import KuraIO
internal import KuraLog
internal import KuraReplicas

/// One run of an operation that writes to a vault.
///
/// It holds two leases in every replica that it can write to, one for its scope (an item, for a
/// backup) and one for itself. Both end with the process, so a crash leaves no lock behind, only a
/// session record without one. What a backup acknowledges is in a majority of the replicas, so two
/// sessions of one item need one lock in common even when they can reach different replicas.
package final class Session: Sendable {
    let vault: Vault
    let id: UniqueID
    package let writer: ReplicaWriter
    /// What it does, shown to processes that wait for it.
    let operation: String
    /// How long, and with which cancellation, it waits for other sessions.
    let waits: WaitPolicy
    /// The log of the vault, to be changed; nil for a vault of version 1.
    let log: VaultLog<VaultState>?
    private let leases: [Lease]

    private init(
        _ vault: Vault, id: UniqueID, operation: String, waits: WaitPolicy,
        log: VaultLog<VaultState>?, leases: [Lease], writer: ReplicaWriter
    ) {
        self.vault = vault
        self.id = id
        self.operation = operation
        self.waits = waits
        self.log = log
        self.leases = leases
        self.writer = writer
    }

    /// Takes the scope's lease, waits for it if need be, and publishes the session's record in
    /// every replica. Replicas in which that fails have failed for this session.
    /// - Parameters:
    ///   - scope: what no other session may do at the same time.
    ///   - required: live replicas below which it throws: `vault.requiredCopies` for a session that
    ///     acknowledges something.
    ///   - waits: nil for the vault's.
    ///   - waitsForScope: otherwise another session of the scope is an error at once.
    /// - Throws: `locked` when another process holds the scope's lease to the end of the wait;
    ///   `interrupted`; the error of a replica when too few are left.
    package static func begin(
        _ vault: Vault, operation: String, scope: LeaseScope, required: Int,
        waits: WaitPolicy? = nil, waitsForScope: Bool = true
    ) throws(KuraError) -> Session {
        let id = UniqueID.random()
        let waits = waits ?? vault.waits
        let (main, failures) = try vault.acquire(
            scope, for: operation, in: vault.replicas, waitsForScope ? waits : waits.once
        ) { replica throws(IOError) in try replica.store.prepare(vault: vault.id) }
        let (own, later) = try vault.acquire(
            .session(id), for: operation,
            in: vault.replicas.filter { failures[$0.ordinal] == nil }, waits)
        let log = try vault.openLog(writing: id, waits)
        let writer = ReplicaWriter(
            vault, session: id, required: required,
            failures: failures.merging(later) { first, _ in first })
        let session = Session(
            vault, id: id, operation: operation, waits: waits, log: log, leases: [main, own],
            writer: writer)
        do throws(KuraError) {
            if let error = writer.error { throw error }
            // A session of the journal relies on no pack, and leaves nothing that only its record
            // would show: a replica without an entry shows in the listings. So it has no record.
            if scope != .journal {
                try writer.publish(session.record(scope).encoded(), as: .session(id))
                // A removal of packs that begins now sees this session's record; an earlier one
                // has published its runs, which are read next.
                try session.waitForCommits()
            }
            if let error = writer.error { throw error }
        } catch {
            session.end(clean: true)
            throw error
        }
        return session
    }

    private func record(_ scope: LeaseScope) -> SessionRecord {
        SessionRecord(
            id: id, operation: operation, item: scope.item, process: Process.id,
            host: Process.hostName, started: vault.clock.now())
    }

    /// Ends the session's threads and locks. In replicas that failed its record stays, so that a
    /// later session recovers what it left there.
    /// - Parameter clean: whether nothing is left for another session to recover.
    package func end(clean: Bool) {
        writer.stop()
        if clean { vault.forget(session: id, in: writer.live) }
        for lease in leases { lease.release() }
    }

    /// Makes a folder of the vault ready, durably, in every live replica.
    func prepare(_ folder: String) throws(KuraError) {
        for replica in writer.live {
            do throws(IOError) {
                try replica.store.prepare(Layout.vault(vault.id).folder(folder))
            } catch {
                writer.fail(replica.ordinal, KuraError(io: error))
            }
        }
        if let error = writer.error { throw error }
    }
}

extension Vault {
    /// Removes a session's record, then its lock file. A record that cannot be removed counts as
    /// that of an interrupted session, which the next session recovers and then removes.
    func forget(session: UniqueID, in replicas: [Replica]) {
        for replica in replicas {
            for name in [
                VaultFile.session(session).name(in: id), LeaseScope.session(session).name(in: id),
            ] {
                do throws(IOError) {
                    try replica.store.delete([name])
                } catch {
                    continue
                }
            }
        }
    }

    /// Records of the sessions that are open, in the order of their ids. Records that cannot be
    /// read are left out; there are none where no replica can be listed.
    public func openSessions() -> [SessionRecord] { sessions().alive }

    /// Ids of the sessions that have ended and left a record: their process died, or a replica
    /// failed.
    public func interruptedSessions() -> [UniqueID] { sessions().dead }

    private func sessions() -> (alive: [SessionRecord], dead: [UniqueID]) {
        var alive: [SessionRecord] = []
        var dead: [UniqueID] = []
        let names: [String: [Replica]]
        do throws(KuraError) {
            names = try list(Layout.sessions)
        } catch {
            return ([], [])
        }
        for (name, holders) in names.sorted(by: { $0.key < $1.key }) {
            guard let session = UniqueID(hex: name) else { continue }
            if isAlive(session, holders) {
                do throws(KuraError) {
                    alive.append(
                        try read(.session(session), max: SealedRecord.byteCountMax) { bytes, _ in
                            try SessionRecord.decode(bytes)
                        })
                } catch {
                    continue
                }
            } else {
                dead.append(session)
            }
        }
        return (alive, dead)
    }

    /// A session is alive while its lock is held in any replica that has its record.
    private func isAlive(_ session: UniqueID, _ holders: [Replica]) -> Bool {
        holders.contains { isHeld(.session(session), in: $0) }
    }
}
