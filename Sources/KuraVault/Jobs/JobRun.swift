public import KuraIO
internal import KuraStore
internal import Logging
internal import Synchronization
internal import SystemPackage

/// A job while it runs: what its body calls to say how far it is.
///
/// Its process holds a kernel lock on a file of the home for as long as it lives. A job that is not
/// over and whose lock is free was left by a process that died.
public final class JobRun: Sendable {
    public let id: String
    /// Bytes behind us and before us; the catalog shows their ratio.
    public let progress: Progress
    /// Set by a signal to this process, or by `kura job cancel` in any process.
    public let cancellation: Cancellation
    private let catalog: Catalog?
    /// Says with each line which job it is about.
    private let logger: Logger
    private let state = Mutex(State())

    private struct State {
        var task: Int?
        var warnings: [Warning] = []
        var output = ""
        var recoveryPoint: String?
    }

    /// - Parameter parent: the request's own; the job is cancelled with it.
    init(
        id: String, _ catalog: Catalog?, _ progress: Progress, _ parent: Cancellation,
        logger: Logger
    ) {
        self.id = id
        self.logger = logger
        self.catalog = catalog
        self.progress = progress
        cancellation = parent.child()
    }

    /// Ends the sub-task that runs and starts another one.
    public func begin(task ordinal: Int) {
        finishTask(.completed)
        logger.debug("sub-task begins", metadata: ["task": "\(ordinal)"])
        state.withLock { $0.task = ordinal }
        note(.inProgress, ordinal)
    }

    /// Marks a sub-task that there is nothing to do for.
    public func skip(task ordinal: Int) { note(.skipped, ordinal) }

    func finishTask(_ status: Job.Task.Status) {
        let task = state.withLock { state in
            defer { state.task = nil }
            return state.task
        }
        if let task { note(status, task) }
    }

    private func note(_ status: Job.Task.Status, _ ordinal: Int) {
        do throws(KuraError) {
            try catalog?.note(status, task: ordinal, of: id)
        } catch {
            // The work matters more than what the catalog says of it.
            warn(error.message)
        }
    }

    /// Adds something that the user should know although the work is done.
    public func warn(_ message: String) { warn(Warning(message)) }

    public func warn(_ warning: Warning) {
        logger.warning("\(warning.message)")
        state.withLock { $0.warnings.append(warning) }
    }

    public func keep(output: String) { state.withLock { $0.output += output } }

    public func keep(recoveryPoint: String) { state.withLock { $0.recoveryPoint = recoveryPoint } }

    func logBegin() { logger.info("job begins") }

    func logEnd(_ status: Job.Status, _ failure: KuraError? = nil) {
        if let failure, status == .failed {
            logger.error("\(failure.message)", metadata: ["code": "\(failure.code.rawValue)"])
        }
        logger.info("job ends", metadata: ["status": "\(status.rawValue)"])
    }

    var warnings: [Warning] { state.withLock { $0.warnings } }
    var output: String { state.withLock { $0.output } }
    var recoveryPoint: String? { state.withLock { $0.recoveryPoint } }

    /// Writes the progress to the catalog and learns there of a wish to cancel.
    func reportProgress() {
        let values = progress.current
        let share =
            values.totalBytes == 0
            ? 0 : min(1, Double(values.doneBytes) / Double(values.totalBytes))
        do throws(KuraError) {
            if try catalog?.note(progress: share, of: id) == true { cancellation.cancel() }
        } catch {
            // The next report may succeed, and the work matters more.
            return
        }
    }
}
