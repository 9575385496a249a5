internal import KuraFormat
public import KuraIO
public import KuraPolicy
public import KuraVault

/// A policy, and the items that it protects.
public struct PolicyReport: Sendable {
    public var policy: Policy
    /// Names, ascending.
    public var items: [String]
    /// Of a policy that was changed: per item, how many recovery points the next prune drops.
    public var going: [(item: String, points: Int)] = []
    /// From when on the scheduler drops `going`, in nanoseconds since 1970; nil where it does not
    /// prune the vault.
    public var nextPrune: Int64?
    /// Whether no prune drops `going` before a user has confirmed it.
    public var asksFirst = false
}

extension Operations {
    /// Every policy of a vault, by name.
    public func policies(in place: VaultPlace) throws(KuraError) -> [PolicyReport] {
        let settings = try subscription.settings(of: place.reading())
        return settings.policies.values.map(\.policy).sorted { $0.name < $1.name }.map {
            PolicyReport(policy: $0, items: settings.items(with: $0.name))
        }
    }

    /// - Parameter name: in whatever case.
    public func policy(
        named name: String, in place: VaultPlace
    ) throws(KuraError) -> PolicyReport {
        let vault = try place.reading()
        let policy = try subscription.policy(named: name, in: vault).policy
        return PolicyReport(
            policy: policy, items: try subscription.settings(of: vault).items(with: policy.name))
    }

    /// Makes a policy. It comes into force now.
    public func createPolicy(
        _ policy: Policy, in place: VaultPlace
    ) throws(KuraError) -> PolicyReport {
        try subscription.createPolicy(policy, in: place.writing())
        return PolicyReport(policy: policy, items: [])
    }

    /// Gives a policy other rules. Existing recovery points are judged by them, too.
    public func updatePolicy(
        named name: String, to policy: Policy, in place: VaultPlace
    ) throws(KuraError) -> PolicyReport {
        let vault = try place.writing()
        let old = try subscription.policy(named: name, in: vault).policy
        let preview = try subscription.previewUpdate(of: name, to: policy, in: vault)
        try subscription.updatePolicy(named: name, to: policy, in: vault)
        var report = try self.policy(named: name, in: place)
        report.going = Dictionary(grouping: preview.dropped, by: \.item)
            .map { ($0.key, $0.value.count) }.sorted { $0.0 < $1.0 }
        report.nextPrune = try nextPrune(of: place.record.id)
        report.asksFirst = report.policy.keepsLess(than: old)
        return report
    }

    /// Which recovery points the next prune would drop after `updatePolicy`. Changes nothing.
    public func previewUpdate(
        ofPolicy name: String, to policy: Policy, in place: VaultPlace
    ) throws(KuraError) -> RetentionPreview {
        try subscription.previewUpdate(of: name, to: policy, in: place.reading())
    }

    /// Deletes a policy that protects no machine.
    public func deletePolicy(named name: String, in place: VaultPlace) throws(KuraError) {
        try subscription.deletePolicy(named: name, in: place.writing())
    }
}
