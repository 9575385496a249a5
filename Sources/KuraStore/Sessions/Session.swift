internal import KuraCodec
public import KuraFormat
package import KuraIO
internal import KuraReplicas
internal import SystemPackage

/// One run of an operation that writes to a vault.
///
/// It holds two kernel locks in every replica that it can write to, one for the item and one for
/// itself. Both end with the process, so a crash leaves no lock behind, only a session record that
/// nobody holds. What a backup acknowledges is in a majority of the replicas, so two sessions of
/// one item meet at a lock even when they see different replicas.
package final class Session: Sendable {
    let vault: Vault
    let id: UniqueID
    package let writer: ReplicaWriter
    private let locks: [OpenFile]

    private init(_ vault: Vault, id: UniqueID, writer: ReplicaWriter, locks: [OpenFile]) {
        self.vault = vault
        self.id = id
        self.writer = writer
        self.locks = locks
    }

    /// The item of sessions that only add what other files vouch for: copies and repairs. No item
    /// has an empty name, so they wait for nobody but each other.
    static let noItem = ""

    /// Takes the item's lock and announces the session in every replica. Replicas in which that
    /// fails are given up.
    /// - Parameter required: replicas that must be left, `vault.requiredCopies` for whoever
    ///   acknowledges something.
    package static func begin(
        _ vault: Vault, operation: String, item: String, required: Int
    ) throws(KuraError) -> Session {
        let id = UniqueID.random()
        var locks: [OpenFile] = []
        var failures: [Int: KuraError] = [:]
        do throws(KuraError) {
            try lock(vault, &locks, &failures, item) { vault.itemLock(item, in: $0) }
            try lock(vault, &locks, &failures, item) { vault.sessionLock(id, in: $0) }
        } catch {
            for lock in locks { vault.fileSystem.close(lock) }
            throw error
        }
        let writer = ReplicaWriter(vault, session: id, required: required, failures: failures)
        let session = Session(vault, id: id, writer: writer, locks: locks)
        let record = SessionRecord(
            id: id, operation: operation, item: item, process: Process.id, host: Process.hostName,
            started: vault.clock.now())
        do throws(KuraError) {
            if let error = writer.error { throw error }
            try writer.publish(record.encoded(), as: .session(id))
            // Whoever takes packs away now either knows of this session or is done with the runs.
            vault.waitForCommits()
        } catch {
            session.end(clean: true)
            throw error
        }
        return session
    }

    /// Takes one lock in every replica that has not failed. Throws when somebody else holds it.
    private static func lock(
        _ vault: Vault, _ locks: inout [OpenFile], _ failures: inout [Int: KuraError],
        _ item: String, _ path: (Replica) -> FilePath
    ) throws(KuraError) {
        for replica in vault.replicas where failures[replica.ordinal] == nil {
            let lock: OpenFile?
            do throws(IOError) {
                try replica.store.prepare(vault: vault.id)
                lock = try vault.fileSystem.lock(path(replica))
            } catch {
                failures[replica.ordinal] = KuraError(io: error)
                continue
            }
            guard let lock else { throw lockedError(vault, item: item) }
            locks.append(lock)
        }
    }

    /// Ends the session's threads and locks. In replicas that were given up its record stays, so
    /// that a later session looks after what it left there.
    /// - Parameter clean: whether nothing is left for another session to finish.
    package func end(clean: Bool) {
        writer.stop()
        if clean { vault.forget(session: id, in: writer.live) }
        for lock in locks { vault.fileSystem.close(lock) }
    }

    private static func lockedError(_ vault: Vault, item: String) -> KuraError {
        let holder = vault.openSessions().first { $0.item == item }
        let who = holder.map { " by process \($0.process) on \($0.host) (\($0.operation))" } ?? ""
        let what = item == noItem ? "vault \(vault.record.name) is being repaired or copied"
            : "item \(item) is in use"
        return KuraError(
            .locked, "\(what)\(who)",
            remedy: .waitThenRetry)
    }
}

extension Vault {
    func itemLock(_ item: String, in replica: Replica) -> FilePath {
        let name = SHA256.digest(Array(item.utf8)).hex.prefix(32)
        return replica.path(of: "\(Layout.locks)/item-\(name)", in: id)
    }

    func sessionLock(_ session: UniqueID, in replica: Replica) -> FilePath {
        replica.path(of: "\(Layout.locks)/session-\(session.hex)", in: id)
    }

    /// Removes what a session announced, its record first. What cannot be removed is found stale by
    /// the next session, which removes it then.
    func forget(session: UniqueID, in replicas: [Replica]) {
        for replica in replicas {
            for path in [
                replica.path(of: .session(session), in: id), sessionLock(session, in: replica),
            ] {
                do {
                    try fileSystem.remove(path)
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

    /// A session lives while somebody holds its lock in any replica.
    private func isAlive(_ session: UniqueID, _ holders: [Replica]) -> Bool {
        holders.contains { isLocked(session: session, in: $0) }
    }

    /// Whether somebody holds a session's lock in a replica.
    func isLocked(session: UniqueID, in replica: Replica) -> Bool {
        isLocked(sessionLock(session, in: replica))
    }

    func isLocked(_ path: FilePath) -> Bool {
        do throws(IOError) {
            guard try fileSystem.exists(path) else { return false }
            guard let lock = try fileSystem.lock(path) else { return true }
            fileSystem.close(lock)
            return false
        } catch {
            // What cannot be examined is taken for alive: nothing of it is touched.
            return true
        }
    }
}
