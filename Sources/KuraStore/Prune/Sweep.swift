internal import KuraFormat
internal import KuraIO
internal import KuraReplicas

/// Removes condemned packs.
///
/// A pack is removed when no session or reader is open that a condemnation of it names, and no good
/// run lists it. Sessions that began later never saw it in a run; those that were open have listed
/// it again if they needed it, or will not commit. If power fails among the files, the condemnation
/// is still there, and the next sweep goes on.
struct Sweep {
    private let session: Session
    private let vault: Vault

    /// Bytes of removed packs and records, in one replica.
    private(set) var removedBytes: UInt64 = 0
    private(set) var removedPacks = 0
    /// Packs that wait for open sessions or readers, their bytes in one replica, and the ids of
    /// those sessions and readers.
    private(set) var waitingPacks = Set<PackID>()
    private(set) var waitingBytes: UInt64 = 0
    private(set) var waitingFor = Set<UniqueID>()

    init(_ session: Session) {
        self.session = session
        vault = session.vault
    }

    mutating func run() throws(KuraError) {
        let records = try vault.condemnations()
        guard !records.isEmpty else { return }
        var open: [UniqueID: Bool] = [:]
        var ended: [Condemnation] = []
        for record in records {
            let users = record.sessions.filter { user in
                if let known = open[user] { return known }
                let isOpen = vault.isOpen(user)
                open[user] = isOpen
                return isOpen
            }
            if users.isEmpty {
                ended.append(record)
            } else {
                waitingFor.formUnion(users)
                waitingPacks.formUnion(record.packs)
            }
        }
        let packs = Set(ended.flatMap(\.packs)).subtracting(waitingPacks)
        try session.withCommitLock { () throws(KuraError) in
            try remove(packs, ended)
        }
        for pack in waitingPacks { waitingBytes += vault.size(of: .pack(pack), vault.replicas) }
    }

    private mutating func remove(
        _ packs: Set<PackID>, _ records: [Condemnation]
    ) throws(KuraError) {
        let index = try ChunkIndex.open(vault)
        // A run without a good copy may list any of them.
        guard !vault.hasUnreadableRun else {
            throw KuraError(
                .damaged,
                "an index run of vault \(vault.record.name) has no good copy, so it is unknown "
                    + "which packs are needed; nothing was removed",
                remedy: .vault(.repair(.files)))
        }
        let listed = Set(index.packs.map(\.id))
        for pack in packs.subtracting(listed).sorted() {
            let bytes = try removeEverywhere(.pack(pack))
            removedBytes += bytes
            if bytes > 0 { removedPacks += 1 }
        }
        // A condemnation is removed after its packs, so that a sweep that stops between goes on.
        for record in records { removedBytes += try removeEverywhere(.condemned(record.id)) }
    }

    /// Removes a file from every live replica.
    /// - Returns: the bytes that it had in one replica; 0 where no replica had it.
    private func removeEverywhere(_ file: VaultFile) throws(KuraError) -> UInt64 {
        var bytes: UInt64 = 0
        for replica in session.writer.live {
            do throws(IOError) {
                bytes = max(bytes, try vault.remove(file, in: replica))
            } catch {
                throw KuraError(io: error)
            }
        }
        return bytes
    }
}
