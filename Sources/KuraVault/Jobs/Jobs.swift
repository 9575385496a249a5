public import KuraIO
internal import SystemPackage

extension Subscription {
    // MARK: Locks

    private var jobDirectory: FilePath { home.appending("jobs") }

    /// Takes the kernel lock that says that a job's process lives.
    package func lockJob(_ id: String) throws(KuraError) -> OpenFile? {
        let fileSystem = LocalFileSystem()
        do throws(IOError) {
            try fileSystem.makeDirectories(jobDirectory)
            return try fileSystem.lock(jobDirectory.appending(id))
        } catch {
            throw KuraError(io: error)
        }
    }

    /// Gives the lock of a job back that is over.
    package func releaseJobLock(_ id: String, _ lock: OpenFile) {
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
    package func endDeadJobs() throws(KuraError) {
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
                    releaseJobLock(job.id, lock)
                }
            } catch {
                throw KuraError(io: error)
            }
            try catalog.end(
                job.id, as: .failed, at: context.clock.now(),
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
