package import KuraFormat
package import KuraIO
package import KuraPolicy
package import KuraStore

extension Subscription {
    /// Whether `prune` would drop anything.
    package func hasExpiredPoints(_ place: VaultPlace) throws(KuraError) -> Bool {
        let vault = try place.reading()
        return try pruneDecisions(vault, dropping: [], settings(of: vault)).contains { !$0.isKept }
    }

    /// A decision for every point of a vault, newest first.
    /// - Parameter lacking: points that are known to lack something: they protect no item.
    package func pruneDecisions(
        _ vault: Vault, dropping: Set<RecoveryPointID>, lacking: Set<RecoveryPointID> = [],
        _ settings: VaultSettings
    ) throws(KuraError) -> [RetentionDecision<RecoveryPointID>] {
        let now = context.clock.now()
        let over = settings.deletedItems(now: now)
        var policies: [String: Policy?] = [:]
        let points = try mapPoints(of: vault) { id, point in
            let policy = policies[point.item] ?? settings.policy(for: point.item)
            policies[point.item] = policy
            return Self.retentionPoint(id, point, by: policy)
        }.sorted { ($1.time, $1.sequence) < ($0.time, $0.sequence) }
        var decisions = Retention.decide(
            points, now: now, dropping: dropping, lacking: lacking, rule: settings.rule)
        for index in decisions.indices where over.contains(decisions[index].item) {
            decisions[index].isKept = false
            decisions[index].reasons = ["deleted, and the time to bring it back is over"]
        }
        for decision in decisions where decision.isKept && dropping.contains(decision.id) {
            throw KuraError(
                .refused,
                "recovery point \(decision.id.short) is the newest of item "
                    + "\(decision.item), which is never dropped",
                remedy: .point(.backUp))
        }
        // Those that cannot be read have no time and no item: only by its id can one be dropped.
        let readable = Set(points.map(\.id))
        for id in try vault.recoveryPointIDs() where !readable.contains(id) {
            decisions.append(
                RetentionDecision(
                    id: id, item: "", time: 0, isKept: !dropping.contains(id),
                    reasons: [dropping.contains(id) ? "asked for" : "cannot be read"],
                    expires: nil))
        }
        return decisions
    }

    /// Removes what is registered of items whose deletion cannot be undone any more.
    package func forgetDeletedItems(
        _ vault: Vault, _ settings: VaultSettings
    ) throws(KuraError) {
        let now = context.clock.now()
        guard !settings.deletedItems(now: now).isEmpty else { return }
        let note = "the time to bring it back is over"
        try change(vault, by: "DeleteBackupData", note: note) {
            settings throws(KuraError) in
            for item in settings.deletedItems(now: now) { settings.items[item] = nil }
        }
    }
}
