public import KuraFormat
public import KuraIO
public import KuraPolicy
internal import KuraReplication
public import KuraStore

/// What pruning one vault does, or did.
public struct PruneReport: Sendable {
    public var vault: String
    /// One for each recovery point, newest first.
    public var decisions: [RetentionDecision<RecoveryPointID>]
    /// Bytes that go and come, in one replica of the active region.
    public var collection: CollectionReport
    /// What everybody should know: what could not be done, and why.
    public var warnings: [Warning] = []
}

extension Subscription {
    /// What `prune` would do now. Changes nothing.
    public func prunePlan(
        _ place: VaultPlace, dropping: Set<RecoveryPointID> = [],
        cancellation: Cancellation = Cancellation()
    ) throws(KuraError) -> PruneReport {
        let vault = try place.writing()
        let decisions = try decisions(
            vault, dropping, settings(of: vault))
        var report = CollectionReport()
        report.plan = try vault.collectionPlan(
            Self.request(decisions), cancellation: cancellation)
        report.removedBytes = report.plan.removedBytes
        report.repackedBytes = report.plan.repackedBytes
        report.writtenBytes = report.plan.repackedBytes
        report.removedPacks = report.plan.dead.count + report.plan.repacked.count
        return PruneReport(vault: place.name, decisions: decisions, collection: report)
    }

    /// Drops the recovery points of a vault whose time is over, and takes away what no other needs:
    /// in the active region, then in the paired one, which is brought up to date first.
    public func prune(
        _ place: VaultPlace, dropping: Set<RecoveryPointID> = [],
        progress: Progress = Progress(), cancellation: Cancellation = Cancellation()
    ) throws(KuraError) -> PruneReport {
        let vault = try place.writing()
        let settings = try settings(of: vault)
        let decisions = try decisions(vault, dropping, settings)
        let collection = try Vault(region: vault.region, record: vault.record).prune(
            Self.request(decisions), progress: progress, cancellation: cancellation)
        var report = PruneReport(
            vault: place.name, decisions: decisions, collection: collection)
        try forgetDeletedItems(vault, settings)
        if let obstacle = collection.obstacle { report.warnings.append(Warning(obstacle)) }
        if place.record.pair != nil { try prunePair(place, &report, cancellation) }
        return report
    }

    private func prunePair(
        _ place: VaultPlace, _ report: inout PruneReport, _ cancellation: Cancellation
    ) throws(KuraError) {
        guard place.isPassiveReachable, let passive = place.passive else {
            report.warnings.append(Warning(
                "region \(place.passiveName ?? "") cannot be reached; what was dropped goes there "
                    + "with the next prune after it is back"))
            return
        }
        let replication = try replicate(place, cancellation: cancellation)
        guard replication.isComplete else {
            report.warnings += replication.allProblems.map { Warning($0) }
            return
        }
        // The record may have been new there.
        let copy = Vault(region: passive, record: place.record)
        if let obstacle = try copy.collectUnlisted().obstacle {
            report.warnings.append(Warning(obstacle))
        }
    }

    /// Whether `prune` would drop anything.
    package func hasExpiredPoints(_ place: VaultPlace) throws(KuraError) -> Bool {
        let vault = try place.reading()
        return try decisions(vault, [], settings(of: vault)).contains { !$0.isKept }
    }

    /// A decision for every point of a vault, newest first.
    private func decisions(
        _ vault: Vault, _ dropping: Set<RecoveryPointID>, _ settings: VaultSettings
    ) throws(KuraError) -> [RetentionDecision<RecoveryPointID>] {
        let now = context.clock.now()
        let over = settings.deletedItems(now: now)
        var policies: [String: Policy?] = [:]
        let points = try mapPoints(of: vault) { id, point in
            let policy = policies[point.item] ?? settings.policy(for: point.item)
            policies[point.item] = policy
            return Self.retentionPoint(id, point, policy)
        }.sorted { ($1.time, $1.sequence) < ($0.time, $0.sequence) }
        var decisions = Retention.decide(points, now: now, dropping: dropping, rule: settings.rule)
        for index in decisions.indices where over.contains(decisions[index].item) {
            decisions[index].isKept = false
            decisions[index].reasons = ["deleted, and the time to bring it back is over"]
        }
        for decision in decisions where decision.isKept && dropping.contains(decision.id) {
            throw KuraError(
                .refused, "recovery point \(decision.id.short) is the newest of item "
                    + "\(decision.item), which is never dropped",
                remedy: .point(.backUp))
        }
        // Those that cannot be read have no time and no item; only whoever names one can drop it.
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

    private static func request(
        _ decisions: [RetentionDecision<RecoveryPointID>]
    ) -> PruneRequest {
        let dropped = decisions.filter { !$0.isKept }
        return PruneRequest(
            dropping: Set(dropped.map(\.id)),
            reason: Set(dropped.flatMap(\.reasons)).sorted().joined(separator: ", "))
    }

    /// Removes what is registered of items whose deletion cannot be undone any more.
    private func forgetDeletedItems(
        _ vault: Vault, _ settings: VaultSettings
    ) throws(KuraError) {
        let now = context.clock.now()
        guard !settings.deletedItems(now: now).isEmpty else { return }
        let note = "the time to bring it back is over"
        try change(vault, "DeleteBackupData", note: note) {
            settings throws(KuraError) in
            for item in settings.deletedItems(now: now) { settings.items[item] = nil }
        }
    }
}
