public import KuraIO
public import KuraStore

/// What one replication of one vault did.
public struct ReplicationReport: Sendable {
    /// From the active region to the other one.
    public var there = RegionCopyReport()
    /// From the other one to the active region: what only that one had.
    public var back = RegionCopyReport()
    public var seconds: Double = 0

    /// Whether both regions hold the same recovery points now.
    public var isComplete: Bool {
        there.problems.isEmpty && back.problems.isEmpty
    }

    /// Problems, then warnings, of both directions, for people.
    public var allProblems: [String] {
        there.problems + back.problems + there.warnings + back.warnings
    }

    public init() {}
}

/// One vault in two regions, and the operation that brings both to the same state.
public struct Replication: Sendable {
    /// The vault in the region that takes backups.
    public let active: Vault
    /// The vault in the other region.
    public let passive: Vault

    /// Packs that are copied at the same time; each is in memory.
    private static let defaultThreads = 3

    /// - Parameters: the same vault in two regions, with the same record, each without a pair.
    public init(active: Vault, passive: Vault) {
        precondition(active.id == passive.id && active.region.id != passive.region.id)
        self.active = active
        self.passive = passive
    }

    /// What each region lacks that the other one has. Changes nothing.
    public func plan() throws(KuraError) -> (there: ReplicationPlan, back: ReplicationPlan) {
        try ReplicationPlan.between(active: active, passive: passive)
    }

    /// Copies what the passive region lacks, then what only the passive region has.
    ///
    /// Afterwards each region has the points of both, without those that either dropped. After an
    /// error, running it again goes on where it stopped. Holds the lease of the vault as a whole in
    /// the passive region, so that there is one at a time.
    ///
    /// - Parameters:
    ///   - threads: packs that are copied at the same time; nil for what the active region's budget
    ///     allows.
    ///   - operation: the name of its sessions, which processes that wait for them show.
    /// - Returns: what was copied. What has no good copy is a problem in the report, not an error.
    public func run(
        threads: Int? = nil, operation: String = "replicate",
        progress: Progress = Progress(), cancellation: Cancellation = Cancellation()
    ) throws(KuraError) -> ReplicationReport {
        let start = Clock.steady()
        let threads =
            threads
            ?? active.region.budget.threads(
                waiting: Self.defaultThreads, eachHolding: Tuning.dataPackBytes)
        var report = ReplicationReport()
        let activeLease = try active.lease(cancellation)
        defer { activeLease.end() }
        let passiveLease = try passive.lease(cancellation)
        defer { passiveLease.end() }
        let intake = try Intake(
            into: passive, operation: operation, cancellation: cancellation)
        var clean = false
        defer { intake.end(clean: clean) }
        do throws(KuraError) {
            let holdsRecord = intake.holdsRecord && active.record == passive.record
            let (there, back) = try ReplicationPlan.between(
                active: active, passive: passive, holdsRecord: holdsRecord)
            report.there = try copy(
                there, from: active, into: intake, threads: threads, progress: progress,
                cancellation: cancellation
            ) { () throws(KuraError) in
                try ReplicationPlan.between(
                    active: active, passive: passive, holdsRecord: holdsRecord
                ).there
            }
            report.back = try copyBack(
                back, threads: threads, operation: operation, progress: progress,
                cancellation: cancellation)
            try intake.recover()
            clean = true
        } catch {
            clean = error.code == .interrupted
            throw error
        }
        report.seconds = Double(Clock.steady() - start) / 1e9
        return report
    }

    /// Plans made after each other, while runs of each are gone before they are copied.
    private static let plansMax = 5

    /// Copies what the target of an intake lacks.
    /// - Parameters:
    ///   - first: the first plan; made while the intake had the lease of its vault, so that no
    ///     prune removes there what the plan found.
    ///   - another: makes another plan. Called where runs of the one before were merged meanwhile.
    private func copy(
        _ first: ReplicationPlan, from source: Vault, into intake: Intake, threads: Int,
        progress: Progress, cancellation: Cancellation,
        another: () throws(KuraError) -> ReplicationPlan
    ) throws(KuraError) -> RegionCopyReport {
        var report = RegionCopyReport()
        var plan = first
        for number in 1...Self.plansMax {
            report = try RegionCopy(
                plan, from: source, into: intake, after: report,
                isLast: number == Self.plansMax, progress: progress, cancellation: cancellation
            ).run(threads: threads)
            guard report.isOutdated, number < Self.plansMax else { break }
            plan = try another()
        }
        return report
    }

    /// - Parameter first: made before the lease of the active region's vault was taken.
    private func copyBack(
        _ first: ReplicationPlan, threads: Int, operation: String, progress: Progress,
        cancellation: Cancellation
    ) throws(KuraError) -> RegionCopyReport {
        func plan() throws(KuraError) -> ReplicationPlan {
            try ReplicationPlan.between(active: active, passive: passive).back
        }
        let needsRecovery = try active.needsRecovery()
        guard !first.isEmpty || needsRecovery else {
            var report = RegionCopyReport()
            report.problems = first.problems
            return report
        }
        let intake = try Intake(
            into: active, operation: operation, cancellation: cancellation)
        var clean = false
        defer { intake.end(clean: clean) }
        do throws(KuraError) {
            // Planned again: a prune may have removed since what the first plan found.
            let report = try copy(
                plan(), from: passive, into: intake, threads: threads, progress: progress,
                cancellation: cancellation, another: plan)
            try intake.recover()
            clean = true
            return report
        } catch {
            clean = error.code == .interrupted
            throw error
        }
    }
}
