package import KuraIO
internal import KuraVault
internal import Logging
internal import Synchronization

/// A job while it runs: what its body calls to say how far it is.
///
/// Its process holds a kernel lock on a file of the home for as long as it lives. A job that is not
/// over and whose lock is free was left by a process that died.
package final class JobRun: Sendable {
    package let id: String
    /// Bytes that are done, and all bytes; the catalog shows their ratio.
    package let progress: Progress
    /// Set by a signal to this process, or by `Subscription.cancelJob` in any process.
    package let cancellation: Cancellation
    private let catalog: Catalog?
    /// Says with each line which job it is about.
    private let logger: Logger
    private let state = Mutex(State())

    private struct State {
        var task: Int?
        var warnings: [Warning] = []
        var output = ""
        var recoveryPoint: String?
        var isCancelledElsewhere = false
    }

    /// - Parameters:
    ///   - catalog: nil where the job has no entry there.
    ///   - context: of the request; the job is cancelled with it.
    init(_ job: Job, in catalog: Catalog?, for context: Context) {
        id = job.id
        logger = context.logger(about: job)
        self.catalog = catalog
        progress = context.progress
        cancellation = context.cancellation.child()
    }

    /// Ends the sub-task that runs and starts another one.
    package func begin(task ordinal: Int) {
        finishTask(.completed)
        logger.debug("sub-task begins", metadata: ["task": "\(ordinal)"])
        state.withLock { $0.task = ordinal }
        record(.inProgress, task: ordinal)
    }

    /// Marks a sub-task in which there is nothing to do.
    package func skip(task ordinal: Int) { record(.skipped, task: ordinal) }

    func finishTask(_ status: Job.Task.Status) {
        let task = state.withLock { state in
            defer { state.task = nil }
            return state.task
        }
        if let task { record(status, task: task) }
    }

    private func record(_ status: Job.Task.Status, task ordinal: Int) {
        do throws(KuraError) {
            try catalog?.record(status, task: ordinal, of: id)
        } catch {
            // The work matters more than what the catalog says of it.
            warn(error.message)
        }
    }

    /// Adds something that the user should know although the work is done.
    package func warn(_ message: String) { warn(Warning(message)) }

    package func warn(_ warning: Warning) {
        logger.warning("\(warning.message)")
        state.withLock { $0.warnings.append(warning) }
    }

    package func keep(output: String) { state.withLock { $0.output += output } }

    package func keep(recoveryPoint: String) { state.withLock { $0.recoveryPoint = recoveryPoint } }

    func logBegin() { logger.info("job begins") }

    func logEnd(_ status: Job.Status, _ failure: KuraError? = nil) {
        if let failure, status == .failed {
            logger.error("\(failure.message)", metadata: ["code": "\(failure.code.rawValue)"])
        }
        logger.info("job ends", metadata: ["status": "\(status.rawValue)"])
    }

    /// The error of a job that ends because it was cancelled, and not by a signal to its process.
    func failure(_ error: KuraError) -> KuraError {
        guard error.code == .interrupted, state.withLock({ $0.isCancelledElsewhere }) else {
            return error
        }
        return KuraError(
            .interrupted, "job \(id.prefix(8)) was cancelled; what was stored so far stays",
            remedy: .resume, cause: error)
    }

    var warnings: [Warning] { state.withLock { $0.warnings } }
    var output: String { state.withLock { $0.output } }
    var recoveryPoint: String? { state.withLock { $0.recoveryPoint } }

    /// Writes the progress to the catalog, and cancels the job where the catalog says so.
    func reportProgress() {
        let values = progress.current
        let share =
            values.totalBytes == 0
            ? 0 : min(1, Double(values.doneBytes) / Double(values.totalBytes))
        do throws(KuraError) {
            guard try catalog?.record(progress: share, of: id) == true else { return }
            state.withLock { $0.isCancelledElsewhere = true }
            cancellation.cancel()
        } catch {
            // The next report may succeed, and the work matters more.
            return
        }
    }
}

extension Context {
    /// The logger, with what its lines are about as metadata.
    fileprivate func logger(about job: Job) -> Logger {
        var logger = logger
        logger[metadataKey: "operation"] = "\(job.operation.rawValue)"
        logger[metadataKey: "job"] = "\(job.id)"
        if !job.vault.isEmpty { logger[metadataKey: "vault"] = "\(job.vault)" }
        if !job.item.isEmpty { logger[metadataKey: "item"] = "\(job.item)" }
        return logger
    }
}
