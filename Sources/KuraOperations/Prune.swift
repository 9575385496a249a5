internal import KuraCodec
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
    /// The token of a brake: lets exactly the plan through that it was given for.
    public var confirmed: String?

    public init(vault: String? = nil, dropping: [String] = [], confirmed: String? = nil) {
        self.vault = vault
        self.dropping = dropping
        self.confirmed = confirmed
    }
}

/// Why a prune is not made without a look at what would go.
public struct Brake: Sendable {
    public var reasons: [BrakeReason]
    /// Lets this plan through, and no other.
    public var token: String
}

/// What pruning one vault does, or did.
public struct PruneReport: Sendable {
    public var vault: String
    /// One for each recovery point, newest first.
    public var decisions: [RetentionDecision<RecoveryPointID>]
    public var space: FreedSpace
    /// What stands in the way of a plan, where something does.
    public var brake: Brake?
    /// Why it ended early. The points that `decisions` drops are gone all the same.
    public var failure: KuraError?
    /// Empty for a plan.
    public var job = ""
    /// What was met damaged on the way, each healed or with the reason why not.
    public var damage: [FoundDamage] = []
    /// Everything that the user should know, damage included.
    public var warnings: [Warning] = []
}

extension Operations {
    /// Drops recovery points whose time is over, and removes packs that no other point needs: one
    /// job for each vault. A vault whose brake holds is left, and fails the request in the end.
    /// - Returns: one report for each vault that was pruned, and the first error.
    public func prune(
        _ request: Pruning
    ) throws(KuraError) -> (reports: [PruneReport], failure: KuraError?) {
        let dropping = try points(request)
        var reports: [PruneReport] = []
        var failure: KuraError?
        for place in try subscription.places(named: request.vault) {
            do throws(KuraError) {
                let report = try prune(place, dropping: dropping, confirmed: request.confirmed)
                reports.append(report)
                failure = failure ?? report.failure
            } catch {
                if error.code == .interrupted { throw error }
                failure = failure ?? error
            }
        }
        return (reports, failure)
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
    /// up to date first. Throws only where nothing was dropped.
    package func prune(
        _ place: VaultPlace, dropping: Set<RecoveryPointID> = [], confirmed: String? = nil
    ) throws(KuraError) -> PruneReport {
        var dropped: PruneReport?
        do throws(KuraError) {
            let done = try withJob(.prune, vault: place.name, auditing: [place]) {
                job throws(KuraError) in
                try prune(place, dropping: dropping, confirmed: confirmed, in: job) { dropped = $0 }
            }
            var report = done.value
            report.job = done.id
            report.warnings = done.warnings
            return report
        } catch {
            guard var report = dropped else { throw error }
            report.failure = error
            return report
        }
    }

    private func plan(
        _ place: VaultPlace, _ dropping: Set<RecoveryPointID>
    ) throws(KuraError) -> PruneReport {
        let vault = try place.writing()
        let decided = try decide(vault, dropping)
        let plan = try vault.collectionPlan(
            Self.request(decided.decisions, dropping), cancellation: context.cancellation)
        var report = PruneReport(
            vault: place.name, decisions: decided.decisions, space: FreedSpace(plan))
        report.brake = decided.brake
        return report
    }

    private func decide(
        _ vault: Vault, _ dropping: Set<RecoveryPointID>
    ) throws(KuraError) -> (decisions: [RetentionDecision<RecoveryPointID>], brake: Brake?) {
        let settings = try subscription.settings(of: vault)
        let lacking = Set(try vault.lackingPoints())
        let decisions = try subscription.pruneDecisions(
            vault, dropping: dropping, lacking: lacking, settings)
        let reasons = try subscription.brakeReasons(
            vault, decisions, dropping: dropping, lacking: lacking, by: settings)
        guard !reasons.isEmpty else { return (decisions, nil) }
        let dropped = decisions.filter { !$0.isKept }.map(\.id.hex).sorted()
        let text = (dropped + reasons.map(\.key).sorted()).joined(separator: "\n")
        let token = ChunkHasher.digest(Array(text.utf8)).hex.prefix(Self.tokenDigits)
        return (decisions, Brake(reasons: reasons, token: String(token)))
    }

    private static let tokenDigits = 12

    private func prune(
        _ place: VaultPlace, dropping: Set<RecoveryPointID>, confirmed: String?,
        in job: OperationJob, didDrop: (PruneReport) -> Void
    ) throws(KuraError) -> PruneReport {
        let vault = try place.writing()
        let (decisions, brake) = try decide(vault, dropping)
        if let brake {
            guard confirmed == brake.token else { throw Self.stopped(place, decisions, by: brake) }
            try subscription.accept(brake.reasons, of: vault)
            job.describe("confirmed: " + brake.reasons.map(\.message).joined(separator: "; "))
        }
        var report = PruneReport(vault: place.name, decisions: decisions, space: FreedSpace())
        let request = Self.request(decisions, dropping)
        let planned = report
        try collect(request, in: vault, into: &report, job) {
            if !(request.dropped.isEmpty && request.missing.isEmpty) { didDrop(planned) }
        }
        try subscription.forgetDeletedItems(vault, subscription.settings(of: vault))
        job.describe("\(decisions.count { !$0.isKept }) recovery points dropped")
        if place.record.pair != nil { try prunePair(place, into: &report, job) }
        return report
    }

    /// Drops points of a vault in the active region, removes what no other point needs, and heals
    /// what it met.
    func collect(
        _ request: PruneRequest, in vault: Vault, into report: inout PruneReport,
        _ job: OperationJob, didDrop: () -> Void = {}
    ) throws(KuraError) {
        let alone = Vault(region: vault.region, record: vault.record)
        let collection = try alone.prune(
            request, progress: job.progress, cancellation: job.cancellation, didDrop: didDrop)
        report.space = FreedSpace(collection)
        if let obstacle = collection.obstacle { job.warn(obstacle) }
        report.damage = job.heal(alone.damage, of: vault)
    }

    private static func stopped(
        _ place: VaultPlace, _ decisions: [RetentionDecision<RecoveryPointID>], by brake: Brake
    ) -> KuraError {
        let count = decisions.count { !$0.isKept }
        return KuraError(
            .refused,
            "nothing was dropped from vault \(place.name), where \(count) recovery "
                + "\(count == 1 ? "point" : "points") would go: "
                + brake.reasons.map(\.message).joined(separator: "; "),
            remedy: .steps([
                .point(.reviewPrune), .point(.confirmPrune(vault: place.name, token: brake.token)),
            ]))
    }

    func prunePair(
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
        _ decisions: [RetentionDecision<RecoveryPointID>], _ dropping: Set<RecoveryPointID>
    ) -> PruneRequest {
        let dropped = decisions.filter { !$0.isKept }
        var request = PruneRequest(
            dropping: Set(dropped.map(\.id)),
            reason: Set(dropped.flatMap(\.reasons)).sorted().joined(separator: ", "))
        request.missing = dropping.subtracting(decisions.map(\.id))
        if request.reason.isEmpty { request.reason = "asked for" }
        return request
    }

    /// Fewer digits name another point after a slip of the finger.
    private static let droppedDigitsMin = 6

    /// Ids of the points to drop. One that cannot be read is named by its id.
    private func points(_ request: Pruning) throws(KuraError) -> Set<RecoveryPointID> {
        var ids = Set<RecoveryPointID>()
        for reference in request.dropping {
            guard reference.contains("@") || reference.utf8.count >= Self.droppedDigitsMin else {
                throw KuraError(
                    .invalidInput, "\(reference) is too short to drop a recovery point by it",
                    remedy: .advice("give \(Self.droppedDigitsMin) digits of its id or more"))
            }
            do throws(KuraError) {
                ids.insert(try subscription.recoveryPoint(reference, in: request.vault).id)
            } catch {
                guard error.code == .damaged || error.code == .absent,
                    let id = RecoveryPointID(hex: reference)
                else {
                    throw error
                }
                ids.insert(id)
            }
        }
        return ids
    }
}
