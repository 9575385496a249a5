public import KuraFormat
public import KuraIO
public import KuraPolicy
public import KuraStore

/// Which points a change of rules would let go.
public struct RetentionPreview: Sendable {
    public var decisions: [RetentionDecision<RecoveryPointID>]
    public var dropped: [RetentionDecision<RecoveryPointID>] { decisions.filter { !$0.isKept } }
}

extension Subscription {
    /// A vault's policy by its name, in whatever case.
    public func policy(named name: String, in vault: Vault) throws(KuraError) -> PolicyState {
        let settings = try settings(of: vault)
        return try Self.policy(named: name, settings, vault)
    }

    package static func policy(
        named name: String, _ settings: VaultSettings, _ vault: Vault
    ) throws(KuraError) -> PolicyState {
        let found = settings.policies.first { $0.key.lowercased() == name.lowercased() }
        guard let found else {
            let known = settings.policies.keys.sorted().joined(separator: ", ")
            throw KuraError(
                .notFound, "vault \(vault.record.name) has no policy \(name)",
                remedy: .advice("policies here: \(known)"))
        }
        return found.value
    }

    /// It comes into force now.
    public func createPolicy(
        _ policy: Policy, in vault: Vault
    ) throws(KuraError) {
        try change(vault, by: "CreateProtectionPolicy") { settings throws(KuraError) in
            try Self.check(policy, settings)
            let name = policy.name.lowercased()
            if settings.policies.keys.contains(where: { $0.lowercased() == name }) {
                throw KuraError(
                    .exists, "vault \(vault.record.name) has a policy \(policy.name) already",
                    remedy: .anyOf([.chooseAnotherName, .policy(.update(policy.name))]))
            }
            guard settings.policies.count < settings.limits.policiesPerVault else {
                throw KuraError(
                    .refused,
                    "vault \(vault.record.name) has \(settings.policies.count) policies, "
                        + "the most that a vault may have",
                    remedy: .policy(.delete()))
            }
            settings.policies[policy.name] = PolicyState(
                policy, on: policy.zone.date(at: context.clock.now()))
        }
    }

    /// Gives a policy other rules, at once and backwards: points that are there are judged by them.
    public func updatePolicy(
        named name: String, to policy: Policy, in vault: Vault
    ) throws(KuraError) {
        try change(vault, by: "UpdateProtectionPolicy") { settings throws(KuraError) in
            try Self.check(policy, settings)
            let old = try Self.policy(named: name, settings, vault)
            guard policy.name.lowercased() == old.policy.name.lowercased() else {
                throw KuraError(
                    .invalidInput, "policy \(old.policy.name) cannot be renamed to \(policy.name)",
                    remedy: .advice("create a new one and assign it"))
            }
            var policy = policy
            policy.name = old.policy.name
            settings.policies[old.policy.name] = old.replaced(
                by: policy, on: policy.zone.date(at: context.clock.now()))
        }
    }

    public func deletePolicy(named name: String, in vault: Vault) throws(KuraError) {
        try change(vault, by: "DeleteProtectionPolicy") { settings throws(KuraError) in
            let old = try Self.policy(named: name, settings, vault).policy.name
            guard old != Policy.standardName else {
                throw KuraError(
                    .refused, "\(old) belongs to every vault",
                    remedy: .policy(.update(old)))
            }
            let users = settings.items(with: old)
            guard users.isEmpty else {
                throw KuraError(
                    .refused, "policy \(old) protects \(users.joined(separator: ", "))",
                    remedy: .policy(.assign(nil, items: users)))
            }
            settings.policies[old] = nil
        }
    }

    static func check(_ policy: Policy, _ settings: VaultSettings) throws(KuraError) {
        do throws(PolicyError) {
            try policy.validate(for: settings.limits)
        } catch {
            throw KuraError(
                .invalidInput, "policy \(policy.name.prefix(150)): \(error.field): \(error.rule)",
                remedy: error.allowed.isEmpty ? nil : .advice("allowed: \(error.allowed)"),
                cause: error)
        }
    }

    /// What `updatePolicy` would let go at the next prune. Changes nothing.
    public func previewUpdate(
        of name: String, to policy: Policy, in vault: Vault
    ) throws(KuraError) -> RetentionPreview {
        let settings = try settings(of: vault)
        try Self.check(policy, settings)
        let old = try Self.policy(named: name, settings, vault)
        var changed = settings
        changed.policies[old.policy.name] = old.replaced(
            by: policy, on: policy.zone.date(at: context.clock.now()))
        let items = Set(settings.items(with: old.policy.name))
        let isStandard = old.policy.name == Policy.standardName
        return try preview(vault, changed) { item in
            items.contains(item) || (isStandard && settings.items[item] == nil)
        }
    }

    package func preview(
        _ vault: Vault, _ settings: VaultSettings, of isWanted: (String) -> Bool
    ) throws(KuraError) -> RetentionPreview {
        let points = try catalog().recoveryPoints(of: vault)
            .filter { isWanted($0.point.item) }
            .map { id, point in
                Self.retentionPoint(id, point, by: settings.policy(for: point.item))
            }
        return RetentionPreview(
            decisions: Retention.decide(points, now: context.clock.now(), rule: settings.rule))
    }
}
