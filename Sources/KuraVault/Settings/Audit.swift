public import KuraFormat
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
    ) throws(StoreError) -> [(id: JournalID, entry: JournalEntry)] {
        // From the region itself: the question is what is there, not what the catalog remembers.
        try vault.journal()
    }

    /// Follows the chain of a journal from the first entry to the last. Empty when it is whole.
    ///
    /// A branch that a failover left behind is no damage: its entries end where another one, of a
    /// later epoch, goes on from the same place.
    public static func auditProblems(
        _ entries: [(id: JournalID, entry: JournalEntry)]
    ) -> [AuditProblem] {
        var known: [JournalID: JournalEntry] = [:]
        for (id, entry) in entries { known[id] = entry }
        var problems: [AuditProblem] = []
        var bySequence: [UInt64: Set<UInt64>] = [:]
        for (id, entry) in entries {
            if let previous = entry.previous {
                if let before = known[previous] {
                    if before.sequence + 1 != entry.sequence {
                        problems.append(
                            AuditProblem(
                                sequence: entry.sequence,
                                message: "entry \(id.short) does not follow the one it names"))
                    }
                } else {
                    problems.append(
                        AuditProblem(
                            sequence: entry.sequence,
                            message: "the entry before \(id.short), \(previous.short), is missing"))
                }
            }
            if !bySequence[entry.sequence, default: []].insert(entry.epoch).inserted {
                problems.append(
                    AuditProblem(
                        sequence: entry.sequence,
                        message: "there are two entries with sequence \(entry.sequence)"))
            }
        }
        return problems
    }
}
