package import KuraIO
package import KuraVault

/// How a job ended that did its work.
package struct JobOutcome<Value> {
    package var value: Value
    /// The job's id.
    package var id: String
    /// Everything that the user should know; the job then ended with warnings.
    package var warnings: [Warning]
}

extension Operations {
    /// Runs `body` as a job: the wrapper of every operation.
    ///
    /// The job is in the list of jobs before `body` begins. When `body` returns, each of `auditing`
    /// gets an entry in its audit journal, and the job is Completed, or CompletedWithWarnings where
    /// anything warned. When it throws, the journals say so, too, and the job is Cancelled
    /// (`interrupted`) or Failed. All of this is done when this function returns.
    ///
    /// - Parameters:
    ///   - vault: its name, for the list of jobs; empty for several vaults or none.
    ///   - auditing: the vaults that get an entry; empty where the work itself enters what it
    ///     changes.
    ///   - started: gets the job's id before `body` runs.
    package func withJob<T>(
        _ operation: Job.Operation, vault: String = "", item: String = "",
        auditing places: [VaultPlace] = [], started: (String) -> Void = { _ in },
        _ body: (OperationJob) throws(KuraError) -> T
    ) throws(KuraError) -> JobOutcome<T> {
        let done = try subscription.runJob(
            operation, vault: vault, item: item, progress: context.progress,
            cancellation: context.cancellation, started: started
        ) { run throws(KuraError) in
            let job = OperationJob(run, self, operation, item: item, places: places)
            do throws(KuraError) {
                let value = try body(job)
                job.audit()
                return value
            } catch {
                job.auditFailure(error)
                throw error
            }
        }
        return JobOutcome(value: done.value, id: done.id, warnings: done.warnings)
    }
}
