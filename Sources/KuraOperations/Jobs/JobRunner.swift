internal import KuraFormat
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
    /// A catalog that cannot be written stops no job: the job then has no entry, which is a
    /// warning.
    ///
    /// - Parameters:
    ///   - vault: its name, for the list of jobs; empty for several vaults or none.
    ///   - auditing: the vaults that get an entry; empty where the work itself enters what it
    ///     changes.
    package func withJob<T>(
        _ operation: Job.Operation, vault: String = "", item: String = "",
        auditing places: [VaultPlace] = [],
        _ body: (OperationJob) throws(KuraError) -> T
    ) throws(KuraError) -> JobOutcome<T> {
        let job = Job(
            id: UniqueID.random().hex, operation: operation, vault: vault, item: item,
            started: context.clock.now(), process: Process.id, host: Process.hostName,
            tasks: Self.tasks(of: operation).map { Job.Task($0, .notStarted) })
        var (lock, catalog, problem): (OpenFile?, Catalog?, KuraError?) = (nil, nil, nil)
        do throws(KuraError) {
            let opened = try subscription.catalog()
            try subscription.endDeadJobs()
            lock = try subscription.lockJob(job.id)
            try opened.insert(job)
            catalog = opened
        } catch {
            problem = error
        }
        defer { if let lock { subscription.releaseJobLock(job.id, lock) } }
        let run = JobRun(job, in: catalog, for: context)
        run.logBegin()
        jobBegins(job.id)
        if let problem { run.warn("this job is not in the list of jobs: \(problem.message)") }
        let work = OperationJob(run, of: self, operation, item: item, auditing: places)
        let value = try finish(run, of: job, in: catalog) { () throws(KuraError) -> T in
            do throws(KuraError) {
                let value = try body(work)
                work.audit()
                return value
            } catch {
                work.auditFailure(error)
                throw error
            }
        }
        return JobOutcome(value: value, id: job.id, warnings: run.warnings)
    }

    /// The names of a job's sub-tasks.
    private static func tasks(of operation: Job.Operation) -> [String] {
        switch operation {
        case .backup: ["Take snapshot", "Transfer data to vault", "Replicate"]
        case .restore: ["Transfer data from vault"]
        case .register: ["Check agent", "Register"]
        case .deleteBackupData: ["Stop protection", "Delete backup data"]
        default: []
        }
    }

    /// How often a job writes its progress to the catalog.
    private static let reportMilliseconds: Int64 = 500

    /// Runs `body`, and ends the job in the catalog as `body` ended.
    private func finish<T>(
        _ run: JobRun, of job: Job, in catalog: Catalog?, _ body: () throws(KuraError) -> T
    ) throws(KuraError) -> T {
        let begun = Clock.steady()
        let reports = Ticker(everyMilliseconds: Self.reportMilliseconds) { run.reportProgress() }
        defer { reports.stop() }
        // How long the job took does not depend on the clock: it may be set while the job runs, and
        // the request may have a time of its own.
        let end = { (status: Job.Status, failure: Job.Failure?) throws(KuraError) in
            let (time, overflow) = job.started.addingReportingOverflow(Clock.steady() - begun)
            try catalog?.end(
                job.id, as: status, at: overflow ? .max : time, failure: failure,
                warnings: run.warnings, output: run.output, recoveryPoint: run.recoveryPoint)
        }
        do throws(KuraError) {
            let value = try body()
            run.finishTask(.completed)
            let status = run.warnings.isEmpty ? Job.Status.completed : .completedWithWarnings
            run.logEnd(status)
            do throws(KuraError) {
                try end(status, nil)
            } catch {
                run.warn("the list of jobs does not say that this job is done: \(error.message)")
            }
            return value
        } catch {
            let error = run.failure(error)
            run.finishTask(.failed)
            let status = error.code == .interrupted ? Job.Status.cancelled : .failed
            run.logEnd(status, error)
            do throws(KuraError) {
                try end(status, Job.Failure(error))
            } catch {
                // The error of the work goes to the caller; this one must not take its place.
            }
            throw error
        }
    }
}
