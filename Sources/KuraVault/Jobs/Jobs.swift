internal import Glibc
internal import KuraFormat
public import KuraIO
internal import KuraStore
internal import Logging
internal import SystemPackage

extension Subscription {
    /// The names of a job's sub-tasks.
    static func tasks(of operation: Job.Operation) -> [String] {
        switch operation {
        case .backup: ["Take snapshot", "Transfer data to vault", "Replicate"]
        case .restore: ["Transfer data from vault"]
        case .register: ["Check agent", "Register"]
        case .deleteBackupData: ["Stop protection", "Delete backup data"]
        default: []
        }
    }

    /// Runs `body` as a job: entered in the catalog before it starts, ended there however it ends.
    ///
    /// A catalog that cannot be written stops no backup: the job then goes on without an entry, and
    /// says so with a warning.
    /// - Parameters:
    ///   - cancellation: of the process; the job is cancelled with it.
    ///   - started: gets the job's id before `body` runs.
    public func runJob<T>(
        _ operation: Job.Operation, vault: String = "", item: String = "",
        progress: Progress = Progress(), cancellation: Cancellation = Cancellation(),
        started: (String) -> Void = { _ in },
        _ body: (JobRun) throws(KuraError) -> T
    ) throws(KuraError) -> (value: T, id: String, warnings: [Warning]) {
        let job = Job(
            id: UniqueID.random().hex, operation: operation, status: .inProgress, vault: vault,
            item: item, started: context.clock.now(), ended: nil, progress: 0,
            process: Process.id, host: Process.hostName,
            tasks: Self.tasks(of: operation).map { Job.Task(name: $0, status: .notStarted) },
            error: nil, warnings: [], output: "", recoveryPoint: nil)
        var lock: OpenFile?
        var problem: KuraError?
        var opened: Catalog?
        do throws(KuraError) {
            let catalog = try catalog()
            try endDeadJobs()
            lock = try lockJob(job.id)
            try catalog.insert(job)
            opened = catalog
        } catch {
            problem = error
        }
        defer { if let lock { forgetJobLock(job.id, lock) } }
        let run = JobRun(
            id: job.id, opened, progress, cancellation, logger: context.logger(about: job))
        run.logBegin()
        if let problem { run.warn("this job is not in the list of jobs: \(problem.message)") }
        started(job.id)
        return try finish(run, opened, job.started, body)
    }

    /// How often a job writes its progress to the catalog.
    private static let reportMilliseconds: Int64 = 500

    private func finish<T>(
        _ run: JobRun, _ catalog: Catalog?, _ started: Int64,
        _ body: (JobRun) throws(KuraError) -> T
    ) throws(KuraError) -> (value: T, id: String, warnings: [Warning]) {
        let begun = Clock.steady()
        let reports = Ticker(everyMilliseconds: Self.reportMilliseconds) { run.reportProgress() }
        defer { reports.stop() }
        // A clock that is set meanwhile, or a time that was given, makes no job last longer.
        let end = { (status: Job.Status, failure: Job.Failure?) throws(KuraError) in
            let (time, overflow) = started.addingReportingOverflow(Clock.steady() - begun)
            try catalog?.end(
                run.id, status, at: overflow ? .max : time, failure: failure,
                warnings: run.warnings, output: run.output, recoveryPoint: run.recoveryPoint)
        }
        do throws(KuraError) {
            let value = try body(run)
            run.finishTask(.completed)
            let status = run.warnings.isEmpty ? Job.Status.completed : .completedWithWarnings
            run.logEnd(status)
            do throws(KuraError) {
                try end(status, nil)
            } catch {
                run.warn("the list of jobs does not say that this job is done: \(error.message)")
            }
            return (value, run.id, run.warnings)
        } catch {
            run.finishTask(.failed)
            let status = error.code == .interrupted ? Job.Status.cancelled : .failed
            run.logEnd(status, error)
            do throws(KuraError) {
                try end(
                    status,
                    Job.Failure(
                        code: error.code.rawValue, message: error.message, remedy: error.remedy))
            } catch {
                // The error of the work goes to the caller; this one must not take its place.
            }
            throw error
        }
    }

    // MARK: Locks

    private var jobDirectory: FilePath { home.appending("jobs") }

    private func lockJob(_ id: String) throws(KuraError) -> OpenFile? {
        let fileSystem = LocalFileSystem()
        do throws(IOError) {
            try fileSystem.makeDirectories(jobDirectory)
            return try fileSystem.lock(jobDirectory.appending(id))
        } catch {
            throw KuraError(io: error)
        }
    }

    private func forgetJobLock(_ id: String, _ lock: OpenFile) {
        let fileSystem = LocalFileSystem()
        do throws(IOError) {
            try fileSystem.remove(jobDirectory.appending(id))
        } catch {
            // An unlocked file says as much: the job is over.
        }
        fileSystem.close(lock)
    }

    /// Ends jobs whose process died, as failed: their lock is not held. The name of the host says
    /// nothing: a container has another one each time that it starts.
    func endDeadJobs() throws(KuraError) {
        let catalog = try catalog()
        let open =
            try catalog.jobs(JobFilter(status: .inProgress))
            + catalog.jobs(JobFilter(status: .cancelling))
        let fileSystem = LocalFileSystem()
        for job in open {
            let path = jobDirectory.appending(job.id)
            do throws(IOError) {
                if try fileSystem.exists(path) {
                    guard let lock = try fileSystem.lock(path) else { continue }
                    forgetJobLock(job.id, lock)
                }
            } catch {
                throw KuraError(io: error)
            }
            try catalog.end(
                job.id, .failed, at: context.clock.now(),
                failure: Job.Failure(
                    code: "process-died", message: "process \(job.process) on \(job.host) died",
                    remedy: .retry(note: "what it stored is used")))
        }
    }

    // MARK: What users ask

    /// Newest first. Jobs whose process died are ended first, so a dead one is never shown as
    /// running.
    public func jobs(_ filter: JobFilter = JobFilter()) throws(KuraError) -> [Job] {
        try endDeadJobs()
        return try catalog().jobs(filter)
    }

    /// Finds a job by its id or a unique prefix of it.
    public func job(_ reference: String) throws(KuraError) -> Job {
        let known = reference.allSatisfy("0123456789abcdef".contains)
        guard known, 1...32 ~= reference.count else {
            throw KuraError(
                .invalidInput, "\"\(reference.prefix(40))\" names no job",
                remedy: .home(.chooseJob))
        }
        try endDeadJobs()
        let found = try catalog().jobs(startingWith: reference)
        guard let job = found.first else {
            throw KuraError(
                .notFound, "there is no job \(reference)", remedy: .home(.chooseJob))
        }
        guard found.count == 1 else {
            throw KuraError(
                .invalidInput, "\(reference) is the start of \(found.count) jobs",
                remedy: .advice("give more digits"))
        }
        return job
    }

    /// Asks a running job to end at its next safe point. What it committed stays.
    /// - Returns: the job as it is now.
    public func cancelJob(_ reference: String) throws(KuraError) -> Job {
        let job = try job(reference)
        guard !job.status.isOver else {
            throw KuraError(
                .refused, "job \(job.id.prefix(8)) is over: it is \(job.status.rawValue)")
        }
        guard job.operation.canBeCancelled else {
            throw KuraError(
                .refused,
                "a job of \(job.operation.rawValue) cannot be cancelled: it is short, "
                    + "and stopping it half-way would leave its work half done")
        }
        try catalog().requestCancel(job.id)
        return try self.job(job.id)
    }
}

extension Context {
    /// The logger, with what its lines are about as metadata.
    func logger(about job: Job) -> Logger {
        var logger = logger
        logger[metadataKey: "operation"] = "\(job.operation.rawValue)"
        logger[metadataKey: "job"] = "\(job.id)"
        if !job.vault.isEmpty { logger[metadataKey: "vault"] = "\(job.vault)" }
        if !job.item.isEmpty { logger[metadataKey: "item"] = "\(job.item)" }
        return logger
    }
}

extension Job.Operation {
    /// Whether there are safe points in the middle.
    public var canBeCancelled: Bool {
        switch self {
        case .backup, .restore, .verify, .repair, .replicate, .prune, .drill, .failover,
            .failback, .changeRedundancy:
            true
        case .deleteBackupData: false
        case .discover, .register, .unregister, .configureProtection, .stopProtection, .undelete:
            false
        }
    }
}
