/// What became of one lease in each replica of a vault, and whether that is enough to go on.
///
/// A replica is given up when another holder has its lock and has it in a minority of the vault's
/// replicas only: a process that hangs there, or one that saw no other. The lease then counts when
/// the rest, which this process holds, is a majority of all replicas of the vault, whether they can
/// be reached or not. In any other case a lock that is held is a refusal.
///
/// **Two writers never commit under disjoint sets of locks.** A writer that acknowledges something
/// holds the lock in at least `Vault.requiredCopies` replicas: 1 of 1, 2 of 2, 2 or 3 of 3, always
/// a majority. Giving a held replica up asks for a majority, too. Two majorities of one set have a
/// replica in common, and there the kernel lets one of the two have the lock. A session that needs
/// one replica only (`required: 1`) goes on with fewer when the others cannot be reached, as it
/// must when they are lost: it acknowledges nothing, and adds files that are named by their
/// content.
package struct LeaseRound {
    package enum Outcome: Equatable { case taken, held, failed }

    /// Replicas that the vault is meant to have.
    package let copies: Int
    /// By ordinal, what was found so far.
    package private(set) var outcomes: [Int: Outcome] = [:]

    package init(copies: Int) { self.copies = copies }

    package mutating func note(_ outcome: Outcome, in ordinal: Int) { outcomes[ordinal] = outcome }

    /// Whether the lease is refused: it is held by another one where it counts.
    package var isRefused: Bool {
        let (taken, held) = (count(.taken), count(.held))
        return held > 0 && (2 * held >= copies || 2 * taken <= copies)
    }

    private func count(_ outcome: Outcome) -> Int { outcomes.values.count { $0 == outcome } }
}
