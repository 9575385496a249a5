package import KuraFormat
public import KuraIO
internal import KuraPolicy
internal import KuraStore
public import KuraVault

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

extension Operations {
    /// Drops the recovery points of vaults whose time is over, and takes away what no other needs:
    /// one job for each vault.
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
            reports.append(
                try subscription.prunePlan(
                    place, dropping: dropping, cancellation: context.cancellation))
        }
        return reports
    }

    /// Prunes one vault, as a job.
    package func prune(
        _ place: VaultPlace, dropping: Set<RecoveryPointID> = []
    ) throws(KuraError) -> PruneReport {
        let done = try withJob(.prune, vault: place.name, auditing: [place]) {
            job throws(KuraError) in
            let report = try subscription.prune(
                place, dropping: dropping, progress: job.progress,
                cancellation: job.cancellation)
            for warning in report.warnings { job.warn(warning) }
            job.describe("\(report.decisions.count { !$0.isKept }) recovery points dropped")
            return report
        }
        var report = done.value
        report.warnings = done.warnings
        return report
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
