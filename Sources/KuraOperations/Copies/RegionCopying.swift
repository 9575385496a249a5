package import KuraIO
internal import KuraReplicas
internal import KuraReplication
internal import KuraStore
package import KuraVault

extension Operations {
    /// Brings both regions of a vault to the same state within a job, heals what was met damaged,
    /// and writes down in the home what still waits. What could not be copied is a warning.
    package func copyAcross(
        _ place: VaultPlace, _ job: OperationJob
    ) throws(KuraError) -> (report: ReplicatedVault, damage: [FoundDamage]) {
        try place.requireUncontested()
        let replication = try subscription.replication(of: place)
        let report: ReplicationReport
        do throws(KuraError) {
            report = try replication.run(
                progress: job.progress, cancellation: job.cancellation)
        } catch {
            try subscription.saveQueue(of: place)
            throw error
        }
        try subscription.saveQueue(
            of: place, replicated: report.isComplete ? context.clock.now() : nil)
        for problem in report.allProblems { job.warn(problem) }
        return (ReplicatedVault(report, of: place), healMetDamage(replication, job))
    }

    /// Each region with the other one behind it, to heal from. Vault records are left out: one of
    /// an older revision counts as damaged, and the replication has just replaced it.
    private func healMetDamage(_ replication: Replication, _ job: OperationJob) -> [FoundDamage] {
        let (active, passive) = (replication.active, replication.passive)
        let pairs = [(active, passive), (passive, active)]
        return pairs.flatMap { vault, other in
            job.heal(
                vault.damage.filter { $0.file != .record },
                of: Vault(region: vault.region, record: vault.record, pair: other.region))
        }
    }
}
