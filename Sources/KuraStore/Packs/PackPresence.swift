internal import KuraFormat
internal import KuraIO
internal import KuraReplicas

/// Which copies of packs are not there, by the names and lengths of their files: one status call a
/// copy, no byte is read. A copy of another length, or one whose status cannot be asked for, does
/// not count as there either.
struct PackPresence {
    /// Per pack of which some copy is not there, and per ordinal of a replica without it, why.
    private var failures: [PackID: [Int: any Error]] = [:]

    /// Per pack of which some copy is not there, the ordinals of the replicas without it.
    var lacking: [PackID: Set<Int>] { failures.mapValues { Set($0.keys) } }

    /// Whether every replica holds every pack.
    var isComplete: Bool { failures.isEmpty }

    /// - Parameter packs: each once.
    init(_ packs: [PackSummary], of vault: Vault, in replicas: [Replica]) {
        let lists = Threads.map(replicas.count) { number in
            packs.compactMap { pack in
                Self.failure(of: pack, of: vault, in: replicas[number]).map { (pack.id, $0) }
            }
        }
        for (replica, list) in zip(replicas, lists) {
            for (pack, error) in list { failures[pack, default: [:]][replica.ordinal] = error }
        }
    }

    private static func failure(
        of pack: PackSummary, of vault: Vault, in replica: Replica
    ) -> (any Error)? {
        do throws(IOError) {
            let name = VaultFile.pack(pack.id).name(in: vault.id)
            let byteCount = try replica.store.status(name).byteCount
            if byteCount < pack.fileByteCount {
                return FormatError.truncated(
                    .pack, needed: pack.fileByteCount, available: byteCount)
            }
            if byteCount > pack.fileByteCount {
                return FormatError.trailingBytes(.pack, count: byteCount - pack.fileByteCount)
            }
            return nil
        } catch {
            // A backup must not rely on it.
            return error
        }
    }

    /// Packs that fewer than `required` of `count` replicas hold.
    func packs(inFewerThan required: Int, of count: Int) -> [PackID] {
        failures.filter { count - $0.value.count < required }.map(\.key).sorted()
    }

    /// A damage for each copy that is not there, or not as it must be.
    func damage(of vault: Vault, in replicas: [Replica]) -> [Damage] {
        failures.sorted { $0.key < $1.key }.flatMap { pack, errors in
            replicas.compactMap { replica in
                errors[replica.ordinal].map {
                    Damage(in: replica, .pack(pack), of: vault.id, $0)
                }
            }
        }
    }
}
