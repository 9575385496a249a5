internal import KuraIO
package import KuraOperations
package import KuraPortal

/// Starts what takes long on threads of its own, and tells the job's id as soon as there is one.
package final class JobLauncher: @unchecked Sendable {
    /// What came of a start.
    package struct Launch: Sendable {
        /// Nil where the work ended before it was a job.
        package var job: String?
        /// Why it failed before that.
        package var failure: Problem?
    }

    /// Runs that may be at work beside each other.
    package static let atOnceMax = 8

    // `monitor` guards what follows.
    private let monitor = Monitor()
    private var running = 0
    private var isStopped = false
    /// Cancelled when the server stops: each job then ends at its next safe point.
    private let cancellation = Cancellation()

    package init() {}

    /// What one run has told so far.
    private final class Call: @unchecked Sendable {
        // The monitor of the launcher guards both.
        var launch = Launch()
        var isOver = false
    }

    /// Starts `body`, and waits until its first job begins, or until it is over.
    /// - Parameters:
    ///   - operations: whose jobs are told of; its context gets a cancellation of its own.
    ///   - body: what fails is in its job, or returned.
    package func start(
        _ operations: Operations, _ body: @escaping @Sendable (Operations) -> Problem?
    ) -> Launch {
        let isFull = monitor.withLock {
            if isStopped || running >= Self.atOnceMax { return true }
            running += 1
            return false
        }
        if isFull {
            return Launch(
                failure: Problem(
                    "\(Self.atOnceMax) jobs run already, or the server stops", code: "busy"))
        }
        var context = operations.context
        context.cancellation = cancellation.child()
        let call = Call()
        var own = Operations(operations.subscription, context)
        own.jobBegins = { [self] id in
            monitor.withLock {
                if call.launch.job == nil { call.launch.job = id }
                monitor.wakeAll()
            }
        }
        Threads.detach { [self, own] in
            let failure = body(own)
            monitor.withLock {
                call.launch.failure = failure
                call.isOver = true
                running -= 1
                monitor.wakeAll()
            }
        }
        return monitor.withLock {
            while call.launch.job == nil, !call.isOver { monitor.wait() }
            return call.launch
        }
    }

    /// Waits until nothing runs.
    /// - Returns: whether that is so.
    package func waitUntilIdle(withinSeconds seconds: Int64) -> Bool {
        wait(until: Clock.steady() + seconds * 1_000_000_000)
    }

    private func wait(until deadline: Int64) -> Bool {
        monitor.withLock {
            while running > 0, Clock.steady() < deadline { monitor.wait(until: deadline) }
            return running == 0
        }
    }

    /// Asks all runs to end at their next safe point, and waits for them.
    /// - Parameter deadline: in nanoseconds of the steady clock.
    /// - Returns: whether all are over.
    package func stop(until deadline: Int64) -> Bool {
        monitor.withLock { isStopped = true }
        cancellation.cancel()
        return wait(until: deadline)
    }
}
