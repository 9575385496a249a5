/// What became of one lease in each replica of a vault, and whether that is enough to go on.
///
/// A replica whose lock another holder has fails where that holder has it in a minority of the
/// vault's replicas only: a process that hangs there, or one that could reach no other replica.
/// The lease then counts when this process holds it in a majority of all replicas of the vault,
/// whether they can be reached or not. In any other case a lock that is held is a refusal.
///
/// **Two writers never commit under disjoint sets of locks.** A writer that acknowledges something
/// holds the lock in at least `Vault.requiredCopies` replicas: 1 of 1, 2 of 2, 2 or 3 of 3, always
/// a majority. Going on without a held replica needs a majority, too. Two majorities of one set
/// have a replica in common, and there the kernel lets one of the two have the lock. A session that
/// needs one replica only (`required: 1`) goes on with fewer when the others cannot be reached, as
/// it must when they are lost: it acknowledges nothing, and adds files that are named by their
/// content.
package struct LeaseRound {
    package enum Outcome: Equatable { case taken, held, failed }

    /// Number of replicas that the vault has, also of those that cannot be reached.
    package let copies: Int
    /// By ordinal, the outcomes so far.
    package private(set) var outcomes: [Int: Outcome] = [:]

    package init(copies: Int) { self.copies = copies }

    package mutating func note(_ outcome: Outcome, in ordinal: Int) { outcomes[ordinal] = outcome }

    /// Whether the lease is refused: another holder has it in half of the replicas or more, or it
    /// has it in some and this process is left without a majority.
    package var isRefused: Bool {
        let (taken, held) = (count(.taken), count(.held))
        return held > 0 && (2 * held >= copies || 2 * taken <= copies)
    }

    private func count(_ outcome: Outcome) -> Int { outcomes.values.count { $0 == outcome } }
}
