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
            let (there, back) = try ReplicationPlan.between(
                active: active, passive: passive,
                holdsRecord: intake.holdsRecord && active.record == passive.record)
            report.there = try RegionCopy(
                there, from: active, into: intake, progress: progress, cancellation: cancellation
            ).run(threads: threads)
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

    private func copyBack(
        _ plan: ReplicationPlan, threads: Int, operation: String, progress: Progress,
        cancellation: Cancellation
    ) throws(KuraError) -> RegionCopyReport {
        let needsRecovery = try active.needsRecovery()
        guard !plan.isEmpty || needsRecovery else {
            var report = RegionCopyReport()
            report.problems = plan.problems
            return report
        }
        let intake = try Intake(
            into: active, operation: operation, cancellation: cancellation)
        var clean = false
        defer { intake.end(clean: clean) }
        do throws(KuraError) {
            let report = try RegionCopy(
                plan, from: passive, into: intake, progress: progress, cancellation: cancellation
            ).run(threads: threads)
            try intake.recover()
            clean = true
            return report
        } catch {
            clean = error.code == .interrupted
            throw error
        }
    }
}
