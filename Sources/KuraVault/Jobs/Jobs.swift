internal import Glibc
internal import KuraFormat
public import KuraIO
public import KuraStore
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
    ///   - time: when the job counts as started, in nanoseconds since 1970; nil for now.
    public func runJob<T>(
        _ operation: Job.Operation, vault: String = "", item: String = "",
        progress: Progress = Progress(), cancellation: Cancellation = Cancellation(),
        time: Int64? = nil, _ body: (JobRun) throws(StoreError) -> T
    ) throws(StoreError) -> (value: T, id: String, warnings: [String]) {
        let id = UniqueID.random().hex
        var lock: OpenFile?
        var problem: StoreError?
        var opened: Catalog?
        do throws(StoreError) {
            let catalog = try catalog()
            try endDeadJobs()
            lock = try lockJob(id)
            try catalog.insert(
                Job(
                    id: id, operation: operation, status: .inProgress, vault: vault, item: item,
                    started: time ?? Clock.now(), ended: nil, progress: 0, process: Process.id,
                    host: Process.hostName,
                    tasks: Self.tasks(of: operation).map { Job.Task(name: $0, status: .notStarted) },
                    error: nil, warnings: [], output: "", recoveryPoint: nil))
            opened = catalog
        } catch {
            problem = error
        }
        defer { if let lock { forgetJobLock(id, lock) } }
        let run = JobRun(id: id, opened, progress, cancellation)
        if let problem { run.warn("this job is not in the list of jobs: \(problem.message)") }
        return try finish(run, opened, time, body)
    }

    private func finish<T>(
        _ run: JobRun, _ catalog: Catalog?, _ time: Int64?,
        _ body: (JobRun) throws(StoreError) -> T
    ) throws(StoreError) -> (value: T, id: String, warnings: [String]) {
        let watcher = SerialWorker()
        watcher.submit { run.watch() }
        defer {
            run.stopWatching()
            watcher.stop()
        }
        do throws(StoreError) {
            let value = try body(run)
            run.finishTask(.completed)
            let warnings = run.warnings
            try? catalog?.end(
                run.id, warnings.isEmpty ? .completed : .completedWithWarnings,
                at: time ?? Clock.now(), warnings: warnings, output: run.output,
                recoveryPoint: run.recoveryPoint)
            return (value, run.id, warnings)
        } catch {
            run.finishTask(.failed)
            // The error itself goes to the caller; one of the catalog must not take its place.
            try? catalog?.end(
                run.id, error.code == .interrupted ? .cancelled : .failed, at: time ?? Clock.now(),
                failure: Job.Failure(
                    code: error.code.rawValue, message: error.message, remedy: error.remedy),
                warnings: run.warnings, output: run.output, recoveryPoint: run.recoveryPoint)
            throw error
        }
    }

    // MARK: Locks

    private var jobDirectory: FilePath { home.appending("jobs") }

    private func lockJob(_ id: String) throws(StoreError) -> OpenFile? {
        let fileSystem = LocalFileSystem()
        do throws(IOError) {
            try fileSystem.makeDirectories(jobDirectory)
            return try fileSystem.lock(jobDirectory.appending(id))
        } catch {
            throw StoreError(io: error)
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

    /// Ends jobs whose process died, as failed.
    func endDeadJobs() throws(StoreError) {
        let catalog = try catalog()
        let open = try catalog.jobs(JobFilter(status: .inProgress))
            + catalog.jobs(JobFilter(status: .cancelling))
        let fileSystem = LocalFileSystem()
        for job in open where job.host == Process.hostName {
            let path = jobDirectory.appending(job.id)
            do throws(IOError) {
                if try fileSystem.exists(path) {
                    guard let lock = try fileSystem.lock(path) else { continue }
                    forgetJobLock(job.id, lock)
                }
            } catch {
                throw StoreError(io: error)
            }
            try catalog.end(
                job.id, .failed, at: Clock.now(),
                failure: Job.Failure(
                    code: "process-died", message: "process \(job.process) on \(job.host) died",
                    remedy: "run the operation again; what it stored is used"))
        }
    }

    // MARK: What users ask

    /// Newest first. Jobs whose process died are ended first, so none is shown as running for ever.
    public func jobs(_ filter: JobFilter = JobFilter()) throws(StoreError) -> [Job] {
        try endDeadJobs()
        return try catalog().jobs(filter)
    }

    /// Finds a job by its id or a unique prefix of it.
    public func job(_ reference: String) throws(StoreError) -> Job {
        let known = reference.allSatisfy("0123456789abcdef".contains)
        guard known, 1...32 ~= reference.count else {
            throw StoreError(
                .invalidInput, "\"\(reference.prefix(40))\" names no job",
                remedy: "use an id from kura job list, or its first digits")
        }
        try endDeadJobs()
        let found = try catalog().jobs(startingWith: reference)
        guard let job = found.first else {
            throw StoreError(
                .notFound, "there is no job \(reference)", remedy: "run: kura job list")
        }
        guard found.count == 1 else {
            throw StoreError(
                .invalidInput, "\(reference) is the start of \(found.count) jobs",
                remedy: "give more digits")
        }
        return job
    }

    /// Asks a running job to end at its next safe point. What it committed stays.
    /// - Returns: the job as it is now.
    public func cancelJob(_ reference: String) throws(StoreError) -> Job {
        let job = try job(reference)
        guard !job.status.isOver else {
            throw StoreError(
                .refused, "job \(job.id.prefix(8)) is over: it is \(job.status.rawValue)")
        }
        guard job.operation.canBeCancelled else {
            throw StoreError(
                .refused, "a job of \(job.operation.rawValue) cannot be cancelled: it is short, and "
                    + "stopping it half-way would leave its work half done")
        }
        try catalog().requestCancel(job.id)
        return try self.job(job.id)
    }
}

extension Job.Operation {
    /// Whether there are safe points in the middle.
    public var canBeCancelled: Bool {
        switch self {
        case .backup, .restore, .verify, .repair, .replicate, .prune, .drill, .deleteBackupData: true
        case .discover, .register, .unregister, .configureProtection, .stopProtection, .undelete:
            false
        }
    }
}
