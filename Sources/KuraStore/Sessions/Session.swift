internal import KuraCodec
public import KuraFormat
internal import KuraIO
internal import SystemPackage

/// One run of an operation that writes to a vault.
///
/// It holds two kernel locks in every replica, one for the item and one for itself. Both end with
/// the process, so a crash leaves no lock behind, only a session record that nobody holds.
final class Session: Sendable {
    let vault: Vault
    let id: UniqueID
    let writer: ReplicaWriter
    private let locks: [OpenFile]

    private init(_ vault: Vault, id: UniqueID, writer: ReplicaWriter, locks: [OpenFile]) {
        self.vault = vault
        self.id = id
        self.writer = writer
        self.locks = locks
    }

    /// Takes the item's lock and announces the session in every replica.
    static func begin(
        _ vault: Vault, operation: String, item: String
    ) throws(StoreError) -> Session {
        let id = UniqueID.random()
        var locks: [OpenFile] = []
        do {
            for replica in vault.replicas {
                guard let lock = try vault.fileSystem.lock(vault.itemLock(item, in: replica)) else {
                    throw lockedError(vault, item: item)
                }
                locks.append(lock)
            }
            for replica in vault.replicas {
                guard let lock = try vault.fileSystem.lock(vault.sessionLock(id, in: replica)) else {
                    throw StoreError(.locked, "session \(id) exists already")
                }
                locks.append(lock)
            }
        } catch {
            for lock in locks { vault.fileSystem.close(lock) }
            throw StoreError(error)
        }
        let writer = ReplicaWriter(vault, session: id)
        let session = Session(vault, id: id, writer: writer, locks: locks)
        let record = SessionRecord(
            id: id, operation: operation, item: item, process: Process.id, host: Process.hostName,
            started: Clock.now())
        do throws(StoreError) {
            try writer.publish(record.encoded(), as: .session(id))
        } catch {
            session.end(clean: true)
            throw error
        }
        return session
    }

    /// Ends the session's threads and locks.
    /// - Parameter clean: whether nothing is left for another session to finish.
    func end(clean: Bool) {
        writer.stop()
        if clean { vault.forget(session: id) }
        for lock in locks { vault.fileSystem.close(lock) }
    }

    private static func lockedError(_ vault: Vault, item: String) -> StoreError {
        let holder = vault.openSessions().first { $0.item == item }
        let who = holder.map { " by process \($0.process) on \($0.host) (\($0.operation))" } ?? ""
        return StoreError(
            .locked, "item \(item) is in use\(who)",
            remedy: "wait until it is done, then run the command again")
    }
}

extension Vault {
    private func locksPath(_ replica: Replica) -> FilePath {
        replica.vaultPath(id).appending(Layout.locks)
    }

    func itemLock(_ item: String, in replica: Replica) -> FilePath {
        locksPath(replica).appending("item-\(SHA256.digest(Array(item.utf8)).hex.prefix(32))")
    }

    func sessionLock(_ session: UniqueID, in replica: Replica) -> FilePath {
        locksPath(replica).appending("session-\(session.hex)")
    }

    /// Removes what a session announced, its record first. What cannot be removed is found stale by
    /// the next session, which removes it then.
    func forget(session: UniqueID) {
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

    /// Sessions whose process died before they ended.
    public func interruptedSessions() -> [UniqueID] { sessions().dead }

    private func sessions() -> (alive: [SessionRecord], dead: [UniqueID]) {
        var alive: [SessionRecord] = []
        var dead: [UniqueID] = []
        let names: [String: [Replica]]
        do throws(StoreError) {
            names = try list(Layout.sessions)
        } catch {
            return ([], [])
        }
        for (name, holders) in names.sorted(by: { $0.key < $1.key }) {
            guard let session = UniqueID(hex: name) else { continue }
            if isAlive(session, holders) {
                do throws(StoreError) {
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
        for replica in holders {
            do throws(IOError) {
                guard let lock = try fileSystem.lock(sessionLock(session, in: replica)) else {
                    return true
                }
                fileSystem.close(lock)
            } catch {
                // What cannot be examined is taken for alive: nothing of it is touched.
                return true
            }
        }
        return false
    }
}
