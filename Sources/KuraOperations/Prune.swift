public import KuraFormat
public import KuraIO
public import KuraPolicy
internal import KuraStore
package import KuraVault

/// Vaults whose expired recovery points are dropped.
public struct Pruning: Sendable {
    /// The vault's name; nil for all.
    public var vault: String?
    /// Points that go whatever their age: ids, their first digits, or ITEM@latest.
    public var dropping: [String]

    public init(vault: String? = nil, dropping: [String] = []) {
        self.vault = vault
        self.dropping = dropping
    }
}

/// What pruning one vault does, or did.
public struct PruneReport: Sendable {
    public var vault: String
    /// One for each recovery point, newest first.
    public var decisions: [RetentionDecision<RecoveryPointID>]
    public var space: FreedSpace
    /// Empty for a plan.
    public var job = ""
    /// What was met damaged on the way, each healed or with the reason why not.
    public var damage: [FoundDamage] = []
    /// Everything that the user should know, damage included.
    public var warnings: [Warning] = []
}

extension Operations {
    /// Drops recovery points whose time is over, and removes packs that no other point needs: one
    /// job for each vault.
    /// - Returns: one report for each vault.
    public func prune(_ request: Pruning) throws(KuraError) -> [PruneReport] {
        let dropping = try points(request)
        var reports: [PruneReport] = []
        for place in try subscription.places(named: request.vault) {
            reports.append(try prune(place, dropping: dropping))
        }
        return reports
    }

    /// What `prune` would do now. Changes nothing.
    public func prunePlan(_ request: Pruning) throws(KuraError) -> [PruneReport] {
        let dropping = try points(request)
        var reports: [PruneReport] = []
        for place in try subscription.places(named: request.vault) {
            reports.append(try plan(place, dropping))
        }
        return reports
    }

    /// Prunes one vault, as a job: in the active region, then in the paired one, which is brought
    /// up to date first.
    package func prune(
        _ place: VaultPlace, dropping: Set<RecoveryPointID> = []
    ) throws(KuraError) -> PruneReport {
        let done = try withJob(.prune, vault: place.name, auditing: [place]) {
            job throws(KuraError) in try prune(place, dropping: dropping, job)
        }
        var report = done.value
        report.job = done.id
        report.warnings = done.warnings
        return report
    }

    private func plan(
        _ place: VaultPlace, _ dropping: Set<RecoveryPointID>
    ) throws(KuraError) -> PruneReport {
        let vault = try place.writing()
        let decisions = try subscription.pruneDecisions(
            vault, dropping: dropping, subscription.settings(of: vault))
        let plan = try vault.collectionPlan(
            Self.request(decisions), cancellation: context.cancellation)
        return PruneReport(vault: place.name, decisions: decisions, space: FreedSpace(plan))
    }

    private func prune(
        _ place: VaultPlace, dropping: Set<RecoveryPointID>, _ job: OperationJob
    ) throws(KuraError) -> PruneReport {
        let vault = try place.writing()
        let settings = try subscription.settings(of: vault)
        let decisions = try subscription.pruneDecisions(
            vault, dropping: dropping, settings)
        let alone = Vault(region: vault.region, record: vault.record)
        let collection = try alone.prune(
            Self.request(decisions), progress: job.progress, cancellation: job.cancellation)
        var report = PruneReport(
            vault: place.name, decisions: decisions, space: FreedSpace(collection))
        try subscription.forgetDeletedItems(vault, settings)
        if let obstacle = collection.obstacle { job.warn(obstacle) }
        report.damage = job.heal(alone.damage, of: vault)
        job.describe("\(decisions.count { !$0.isKept }) recovery points dropped")
        if place.record.pair != nil { try prunePair(place, into: &report, job) }
        return report
    }

    private func prunePair(
        _ place: VaultPlace, into report: inout PruneReport, _ job: OperationJob
    ) throws(KuraError) {
        guard place.isPassiveReachable, let passive = place.passive else {
            return job.warn(
                "region \(place.passiveName ?? "") cannot be reached; the first prune after it is "
                    + "back drops the same recovery points there")
        }
        // Before the journal goes there, too.
        job.audit()
        let copied = try copyAcross(place, job)
        report.damage += copied.damage
        guard copied.report.isComplete else { return }
        // The record may have been new there.
        let copy = Vault(region: passive, record: place.record)
        if let obstacle = try copy.collectUnlisted().obstacle { job.warn(obstacle) }
    }

    private static func request(
        _ decisions: [RetentionDecision<RecoveryPointID>]
    ) -> PruneRequest {
        let dropped = decisions.filter { !$0.isKept }
        return PruneRequest(
            dropping: Set(dropped.map(\.id)),
            reason: Set(dropped.flatMap(\.reasons)).sorted().joined(separator: ", "))
    }

    /// Ids of the points to drop. One that cannot be read is named by its id.
    private func points(_ request: Pruning) throws(KuraError) -> Set<RecoveryPointID> {
        var ids = Set<RecoveryPointID>()
        for reference in request.dropping {
            do throws(KuraError) {
                ids.insert(try subscription.recoveryPoint(reference, in: request.vault).id)
            } catch {
                guard error.code == .damaged, let id = RecoveryPointID(hex: reference) else {
                    throw error
                }
                ids.insert(id)
            }
        }
        return ids
    }
}
