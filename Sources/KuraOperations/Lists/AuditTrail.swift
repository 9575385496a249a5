public import KuraFormat
public import KuraIO
internal import KuraStore
public import KuraVault

/// One entry of the audit journal of a vault.
public struct AuditEntry: Sendable {
    /// The vault's name.
    public var vault: String
    public var id: JournalID
    public var entry: JournalEntry
}

/// The audit journals of vaults.
public struct AuditTrail: Sendable {
    public struct Problem: Sendable {
        public var vault: String
        public var problem: AuditProblem
    }

    /// Oldest first in each vault.
    public var entries: [AuditEntry] = []
    /// What is wrong with the chains; empty where that was not asked for.
    public var problems: [Problem] = []
    /// Entries that could not be read from some replica; likewise.
    public var damage: [FoundDamage] = []
}

extension Operations {
    /// Reads the audit journal of a vault.
    /// - Parameters:
    ///   - name: nil for all vaults.
    ///   - verifies: whether the chain of entries is checked.
    public func auditTrail(
        ofVault name: String? = nil, verifies: Bool = false
    ) throws(KuraError) -> AuditTrail {
        var trail = AuditTrail()
        for vault in try vaults(named: name) {
            let name = vault.record.name
            let found = try subscription.audit(of: vault)
            trail.entries += found.map { AuditEntry(vault: name, id: $0.id, entry: $0.entry) }
            guard verifies else { continue }
            trail.problems += try subscription.auditProblems(of: vault, found).map {
                AuditTrail.Problem(vault: name, problem: $0)
            }
            trail.damage += vault.damage.map { FoundDamage($0) }
        }
        return trail
    }
}
