internal import KuraFormat
internal import KuraIO
internal import KuraReplicas

extension Vault {
    /// The condemnations of all replicas together: which packs wait for their removal.
    ///
    /// One without a good copy is left out: its packs stay, as packs that no run lists.
    func condemnations() throws(KuraError) -> [Condemnation] {
        var found: [Condemnation] = []
        for name in try listIfPresent(Layout.condemned).keys.sorted() {
            guard let id = UniqueID(hex: name) else { continue }
            do throws(KuraError) {
                found.append(
                    try read(.condemned(id), max: SealedRecord.byteCountMax) { bytes, _ in
                        try VaultFile.condemned(id).check(bytes, self.record)
                        return try Condemnation.decode(bytes)
                    })
            } catch {
                // The sweep removes the record after the packs.
                guard error.code == .damaged || error.code == .notFound else { throw error }
            }
        }
        return found
    }

    /// Names of the packs that wait for their removal.
    func condemnedPacks() throws(KuraError) -> Set<PackID> {
        Set(try condemnations().flatMap(\.packs))
    }

    /// Ids of the sessions and readers that are open, without `own`. None may be missed: a listing
    /// that fails in every replica is an error, and a lock that cannot be examined counts as held.
    func openUsers(except own: UniqueID?) throws(KuraError) -> [UniqueID] {
        try openReaders() + openWriters(except: own)
    }

    /// Ids of the sessions that are open, without `own`. None may be missed: see `openUsers`.
    func openWriters(except own: UniqueID?) throws(KuraError) -> [UniqueID] {
        var open: [UniqueID] = []
        for (name, holders) in try list(Layout.sessions).sorted(by: { $0.key < $1.key }) {
            guard let session = UniqueID(hex: name), session != own else { continue }
            if holders.contains(where: { isHeld(.session(session), in: $0) }) {
                open.append(session)
            }
        }
        return open
    }

    /// Whether a session or reader that was open before still is.
    func isOpen(_ user: UniqueID) -> Bool {
        replicas.contains { replica in
            isHeld(.session(user), in: replica) || isHeld(.reader(user), in: replica)
        }
    }
}

extension Session {
    /// Condemns packs: they are removed when all sessions and readers that are open now have ended,
    /// unless a run lists them then. Call it under the commit lock, before runs are written without
    /// the packs.
    /// - Throws: `locked` where more than `Limits.condemnedMax` sessions and readers are open.
    func condemn(_ packs: Set<PackID>) throws(KuraError) {
        try prepare(Layout.condemned)
        let users = try vault.openUsers(except: id)
        guard users.count <= Limits.condemnedMax else {
            throw KuraError(
                .locked, "\(users.count) sessions are open in vault \(vault.record.name)",
                remedy: .steps([.advice("wait until there are fewer"), .retry()]))
        }
        let sorted = packs.sorted()
        for start in stride(from: 0, to: sorted.count, by: Limits.condemnedMax) {
            let part = sorted[start..<min(start + Limits.condemnedMax, sorted.count)]
            let record = Condemnation(
                id: .random(), vault: vault.id, time: vault.clock.now(), packs: Array(part),
                sessions: users)
            try writer.publish(record.encoded(), as: .condemned(record.id))
        }
    }
}
