public import KuraFormat
package import KuraIO
internal import KuraReplicas

/// One run of an operation that writes to a vault.
///
/// It holds two leases in every replica that it can write to, one for the item and one for
/// itself. Both end with the process, so a crash leaves no lock behind, only a session record
/// without one. What a backup acknowledges is in a majority of the replicas, so two sessions of one
/// item meet at a lock even when they see different replicas.
package final class Session: Sendable {
    let vault: Vault
    let id: UniqueID
    package let writer: ReplicaWriter
    /// What it does, for those who wait for it.
    let operation: String
    /// How it waits for other sessions.
    let waits: WaitPolicy
    private let leases: [Lease]

    private init(
        _ vault: Vault, id: UniqueID, operation: String, waits: WaitPolicy, leases: [Lease],
        writer: ReplicaWriter
    ) {
        self.vault = vault
        self.id = id
        self.operation = operation
        self.waits = waits
        self.leases = leases
        self.writer = writer
    }

    /// Takes the scope's lease, waits for it if need be, and announces the session in every
    /// replica. Replicas in which that fails are given up.
    /// - Parameters:
    ///   - scope: an item, or what stands in the place of one; `vault` for sessions that only add
    ///     what other files vouch for: copies and repairs.
    ///   - required: replicas that must be left: `vault.requiredCopies` where something is
    ///     acknowledged.
    ///   - waits: nil for the vault's.
    package static func begin(
        _ vault: Vault, operation: String, scope: LeaseScope, required: Int,
        waits: WaitPolicy? = nil
    ) throws(KuraError) -> Session {
        let id = UniqueID.random()
        let waits = waits ?? vault.waits
        let (main, failures) = try vault.acquire(
            scope, for: operation, in: vault.replicas, waits
        ) { replica throws(IOError) in try replica.store.prepare(vault: vault.id) }
        let (own, later) = try vault.acquire(
            .session(id), for: operation,
            in: vault.replicas.filter { failures[$0.ordinal] == nil }, waits)
        let writer = ReplicaWriter(
            vault, session: id, required: required,
            failures: failures.merging(later) { first, _ in first })
        let session = Session(
            vault, id: id, operation: operation, waits: waits, leases: [main, own], writer: writer)
        do throws(KuraError) {
            if let error = writer.error { throw error }
            // A session of the journal relies on no pack and leaves nothing half done: what a
            // replica lacks of the journal shows in its listing. So it needs no record.
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

    /// Ends the session's threads and locks. In replicas that were given up its record stays, so
    /// that a later session looks after what it left there.
    /// - Parameter clean: whether nothing is left for another session to finish.
    package func end(clean: Bool) {
        writer.stop()
        if clean { vault.forget(session: id, in: writer.live) }
        for lease in leases { lease.release() }
    }

    /// Makes a folder of the vault ready in every live replica.
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
    /// Removes what a session announced, its record first. What cannot be removed is found stale by
    /// the next session, which removes it then.
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

    /// Records of sessions whose process is alive. Unreadable records are left out.
    public func openSessions() -> [SessionRecord] { sessions().alive }

    /// Sessions that are over and left a record: their process died, or a replica failed.
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

    /// A session lives while its lock is held in any replica.
    private func isAlive(_ session: UniqueID, _ holders: [Replica]) -> Bool {
        holders.contains { isHeld(.session(session), in: $0) }
    }
}
