internal import KuraFormat
internal import KuraIO
internal import KuraReplicas

/// Which copies of packs are missing, by the names and lengths of their files: one status call a
/// copy, no byte is read. A copy of another length, or one whose status cannot be asked for, counts
/// as missing.
struct PackPresence {
    /// Per pack of which some copy is missing, the ordinals of the replicas without it.
    private(set) var lacking: [PackID: Set<Int>] = [:]

    /// Whether every replica holds every pack.
    var isComplete: Bool { lacking.isEmpty }

    /// - Parameter packs: each once.
    init(_ packs: [PackSummary], of vault: Vault, in replicas: [Replica]) {
        let lists = Threads.map(replicas.count) { number in
            packs.filter { !Self.isThere($0, of: vault, in: replicas[number]) }.map(\.id)
        }
        for (replica, packs) in zip(replicas, lists) {
            for pack in packs { lacking[pack, default: []].insert(replica.ordinal) }
        }
    }

    private static func isThere(
        _ pack: PackSummary, of vault: Vault, in replica: Replica
    ) -> Bool {
        do throws(IOError) {
            let name = VaultFile.pack(pack.id).name(in: vault.id)
            return try replica.store.status(name).byteCount == pack.fileByteCount
        } catch {
            // A backup must not rely on it.
            return false
        }
    }

    /// Packs that fewer than `required` of `count` replicas hold.
    func packs(inFewerThan required: Int, of count: Int) -> [PackID] {
        lacking.filter { count - $0.value.count < required }.map(\.key).sorted()
    }

    /// A damage for each missing copy.
    func damage(of vault: Vault, in replicas: [Replica]) -> [Damage] {
        lacking.sorted { $0.key < $1.key }.flatMap { pack, ordinals in
            replicas.filter { ordinals.contains($0.ordinal) }.map { replica in
                let name = VaultFile.pack(pack).name(in: vault.id)
                return Damage(
                    in: replica, .pack(pack), of: vault.id,
                    IOError.notFound("open", place: replica.store.address(of: name)))
            }
        }
    }
}
