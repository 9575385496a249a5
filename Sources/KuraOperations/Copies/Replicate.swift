internal import KuraFormat
public import KuraIO
internal import KuraReplication
internal import KuraVault

/// Which copies are brought up to date.
public struct CopiesUpdate: Sendable {
    /// The vault's name; nil for all. With one, no empty directory is filled.
    public var vault: String?

    public init(vault: String? = nil) { self.vault = vault }
}

/// What bringing copies up to date did.
public struct CopiesUpdateReport: Sendable {
    /// Within regions: from replica to replica.
    public var replicas = ReplicaCatchUpReport()
    /// Between regions: each vault with a pair that could be reached.
    public var regions: [ReplicatedVault] = []
    public var job = ""
    /// What was met damaged on the way, each healed or with the reason why not.
    public var damage: [FoundDamage] = []
    /// Everything that the user should know, damage included.
    public var warnings: [Warning] = []

    /// Whether everything that was to be copied had a good copy.
    public var isSound: Bool {
        replicas.lost.isEmpty && regions.allSatisfy(\.isComplete)
    }
}

/// What bringing copies up to date would copy.
public struct CopiesUpdatePlan: Sendable {
    public var replicas = ReplicaCatchUpReport()
    /// To the passive region of each vault, and back.
    public var regions: [(there: PlannedCopies, back: PlannedCopies)] = []
    public var warnings: [Warning] = []
}

extension Operations {
    /// Brings every replica of every region up to date, fills replica directories that are empty,
    /// and then brings both regions of each vault to the same state, as one job.
    ///
    /// If it is killed, the same request continues the work. A vault whose regions cannot be
    /// reached is a warning, unless the request names it.
    public func replicate(_ request: CopiesUpdate) throws(KuraError) -> CopiesUpdateReport {
        let (operations, identities) = try withHealthyIdentities()
        let places = try operations.subscription.places(named: request.vault)
        let done = try withJob(
            .replicate, vault: request.vault ?? "", auditing: places
        ) { job throws(KuraError) in
            for damage in identities { job.warn(damage.text()) }
            // First, so that the entry is among what is copied.
            job.audit()
            var report = CopiesUpdateReport()
            report.damage = identities
            report.replicas = try operations.catchUp(vault: request.vault, job)
            for warning in report.replicas.warnings { job.warn(warning) }
            // What was filled just now can be used from here on.
            let now = report.replicas.filled.isEmpty ? operations : try operations.reopened()
            try now.copyAcross(request, job, into: &report)
            return report
        }
        var report = done.value
        report.job = done.id
        report.warnings = done.warnings
        return report
    }

    /// What `replicate` would copy. Changes nothing.
    public func replicationPlan(
        _ request: CopiesUpdate
    ) throws(KuraError) -> CopiesUpdatePlan {
        var plan = CopiesUpdatePlan()
        plan.replicas = try catchUp(vault: request.vault, nil)
        plan.warnings = plan.replicas.warnings
        for place in try subscription.places(named: request.vault)
        where place.record.pair != nil {
            do throws(KuraError) {
                let plans = try subscription.replicationPlan(of: place)
                plan.regions.append((PlannedCopies(plans.there), PlannedCopies(plans.back)))
                plan.warnings += (plans.there.problems + plans.back.problems).map { Warning($0) }
            } catch {
                guard error.isAboutAbsence, request.vault == nil else { throw error }
                plan.warnings.append(Warning(error))
            }
        }
        return plan
    }

    private func copyAcross(
        _ request: CopiesUpdate, _ job: OperationJob, into report: inout CopiesUpdateReport
    ) throws(KuraError) {
        for place in try subscription.places(named: request.vault)
        where place.record.pair != nil {
            do throws(KuraError) {
                let copied = try copyAcross(place, job)
                report.regions.append(copied.report)
                report.damage += copied.damage
            } catch {
                // Other vaults are copied although the regions of this one cannot be reached.
                guard error.isAboutAbsence, request.vault == nil else { throw error }
                job.warn(Warning(error))
            }
        }
    }
}

extension Subscription {
    /// One vault, or all.
    func places(named name: String?) throws(KuraError) -> [VaultPlace] {
        guard let name else { return try places() }
        return [try place(named: name)]
    }
}
