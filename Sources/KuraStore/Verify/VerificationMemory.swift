internal import KuraFormat
internal import KuraIO
internal import KuraReplicas
internal import Synchronization

/// When each pack was last read in full and found good, in each of some replicas.
///
/// Kept in the file `verified` of each replica. It only decides what is read when: without the
/// file, or with a damaged one, every pack counts as never verified. Safe from any thread.
final class VerificationMemory: Sendable {
    private let vault: Vault
    private let replicas: [Replica]
    private let times: Mutex<[Int: [PackID: Int64]]>

    init(_ vault: Vault, _ replicas: [Replica]) {
        self.vault = vault
        self.replicas = replicas
        // A time in the future proves nothing.
        let now = vault.clock.now()
        var times: [Int: [PackID: Int64]] = [:]
        for replica in replicas {
            var known: [PackID: Int64] = [:]
            for entry in Self.load(replica, vault) where entry.time <= now {
                known[entry.pack] = entry.time
            }
            times[replica.ordinal] = known
        }
        self.times = Mutex(times)
    }

    private static func name(in vault: Vault) -> StoreName {
        Layout.vault(vault.id).object(Layout.verified)
    }

    private static func load(_ replica: Replica, _ vault: Vault) -> [VerificationRecord.Entry] {
        do {
            let bytes = try replica.store.contents(
                name(in: vault), max: VerificationRecord.byteCountMax)
            let record = try VerificationRecord.decode(bytes)
            guard record.vault == vault.id, Int(record.replica) == replica.ordinal else {
                return []
            }
            return record.entries
        } catch {
            // Then every pack of the replica is read again.
            return []
        }
    }

    func time(of pack: PackID, in replica: Replica) -> Int64? {
        times.withLock { $0[replica.ordinal]?[pack] }
    }

    /// - Parameter time: when the copy was found good, in nanoseconds since 1970; nil when it is
    ///   damaged.
    func set(_ time: Int64?, of pack: PackID, in replica: Replica) {
        times.withLock { $0[replica.ordinal]?[pack] = time }
    }

    /// Replaces the file in each replica, durably.
    /// - Parameter packs: packs of the vault; the times of others are left out.
    /// - Returns: a warning for each replica where that failed, for people.
    func save(_ packs: Set<PackID>) -> [String] {
        var problems: [String] = []
        for replica in replicas {
            let entries = times.withLock { $0[replica.ordinal] ?? [:] }
                .filter { packs.contains($0.key) }
                .map { VerificationRecord.Entry(pack: $0.key, time: $0.value) }
                .sorted { $0.pack < $1.pack }.prefix(Limits.verifiedPacksMax)
            let record = VerificationRecord(
                vault: vault.id, replica: UInt8(replica.ordinal), entries: Array(entries))
            do {
                try publish(record.encoded(), in: replica)
            } catch {
                problems.append(
                    "the times of verification could not be written to replica "
                        + "\(replica.ordinal) of region \(replica.regionName): \(error)")
            }
        }
        return problems
    }

    /// Holds the lock of a session of its own, so that no other session removes the draft.
    private func publish(_ bytes: [UInt8], in replica: Replica) throws {
        let session = UniqueID.random()
        let name = LeaseScope.session(session).name(in: vault.id)
        guard let lock = try replica.store.tryLock(name) else {
            throw KuraError(.locked, "session \(session) exists already")
        }
        defer { lock.release(removing: true) }
        try replica.store.put(Self.name(in: vault), bytes, condition: .replacing, by: session)
    }
}
