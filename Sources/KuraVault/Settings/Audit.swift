public import KuraFormat
public import KuraIO
public import KuraStore

/// One thing that is wrong with a journal.
public struct AuditProblem: Sendable {
    public var sequence: UInt64
    public var message: String
}

extension Subscription {
    /// The journal of a vault, oldest first.
    public func audit(
        of vault: Vault
    ) throws(KuraError) -> [(id: JournalID, entry: JournalEntry)] {
        // From the region itself: the question is what is there, not what the catalog remembers.
        try vault.journal()
    }

    /// What is wrong with a vault's journal; empty when it is whole.
    ///
    /// Finds entries that were changed, removed or added. The catalog remembers the entries that it
    /// has read: so the removal of the newest ones is found, too. Those that the other region alone
    /// has, as a command beside a failover leaves them there, count: the next replication copies
    /// them.
    /// - Parameter entries: what `audit` returned.
    public func auditProblems(
        of vault: Vault, _ entries: [(id: JournalID, entry: JournalEntry)]
    ) throws(KuraError) -> [AuditProblem] {
        // In this order: an entry that another process appends now is in the region before the
        // catalog remembers it.
        let remembered = try catalog().rememberedJournal(of: vault)
        let listed = try vault.journalIDs()
        // What a replication brought since `entries` were read. Those of a later epoch are of a
        // failover since.
        let late = try vault.journal(after: Set(entries.map(\.id)))
        let here = entries + late.filter { $0.entry.epoch <= vault.record.epoch }
        let readable = Set((entries + late).map(\.id))
        let across = try journalAcross(vault, after: listed.union(readable))
        var problems = Self.chainProblems(
            (here + across).sorted { $0.entry.precedes($1.entry, id: $0.id, otherID: $1.id) },
            epoch: vault.record.epoch)
        let held = listed.union(across.map(\.id))
        for id in listed.subtracting(readable).sorted() {
            problems.append(
                AuditProblem(
                    sequence: 0,
                    message: "entry \(id.short) was changed: no replica has a good copy"))
        }
        for (id, entry) in remembered where !held.contains(id) {
            problems.append(
                AuditProblem(
                    sequence: entry.sequence,
                    message: "entry \(id.short), \(entry.operation), was removed: the catalog "
                        + "remembers it"))
        }
        return problems
    }

    /// Entries that only the other region of a vault has; none where that cannot be read.
    private func journalAcross(
        _ vault: Vault, after known: Set<JournalID>
    ) throws(KuraError) -> [(id: JournalID, entry: JournalEntry)] {
        try other(of: place(of: vault), than: vault)?.journal(after: known) ?? []
    }

    /// Writes entries of a vault's journal that the home remembers to the active region, where that
    /// does not have them: for a failover from a region that cannot be reached, and may never be
    /// again.
    package func completeJournal(of place: VaultPlace) throws(KuraError) {
        let vault = try place.writing()
        let missing = try catalog().missingEntries(of: vault)
        guard !missing.isEmpty else { return }
        try vault.withJournal { (journal) throws(KuraError) in
            for (_, entry) in missing { _ = try journal.append(entry) }
        }
    }

    /// Follows the chain from the first entry to the last.
    ///
    /// A branch that a failover left behind is no damage: its entries end, and an entry of a later
    /// epoch follows the same predecessor.
    /// - Parameter epoch: the vault's: number of its failovers.
    static func chainProblems(
        _ entries: [(id: JournalID, entry: JournalEntry)], epoch: UInt64
    ) -> [AuditProblem] {
        var known: [JournalID: JournalEntry] = [:]
        for (id, entry) in entries { known[id] = entry }
        var problems: [AuditProblem] = []
        var bySequence: [UInt64: Set<UInt64>] = [:]
        for (id, entry) in entries {
            func note(_ message: String) {
                problems.append(AuditProblem(sequence: entry.sequence, message: message))
            }
            if entry.epoch > epoch {
                note("entry \(id.short) was added: its failover never happened")
            }
            if !bySequence[entry.sequence, default: []].insert(entry.epoch).inserted {
                note("there are two entries with sequence \(entry.sequence)")
            }
            guard let previous = entry.previous else { continue }
            guard let before = known[previous] else {
                note("the entry before \(id.short), \(previous.short), is missing")
                continue
            }
            if before.sequence + 1 != entry.sequence || before.epoch > entry.epoch {
                note("entry \(id.short) does not follow the one it names")
            }
        }
        return problems
    }
}
