/// A thread that runs jobs one after the other, in the order they were given. It begins with the
/// first of them.
public final class SerialWorker: @unchecked Sendable {
    // `monitor` guards all of it.
    private let monitor = Monitor()
    private var jobs: [@Sendable () -> Void] = []
    private var busy = false
    private var stopped = false
    private var thread: Thread?

    public init() {}

    deinit { precondition(stopped, "a SerialWorker must be stopped") }

    public func submit(_ job: @escaping @Sendable () -> Void) {
        monitor.withLock {
            precondition(!stopped)
            jobs.append(job)
            if thread == nil { thread = Thread { [unowned self] in work() } }
            monitor.wakeAll()
        }
    }

    /// Waits until every job given so far is done.
    public func drain() {
        monitor.withLock {
            while busy || !jobs.isEmpty { monitor.wait() }
        }
    }

    /// Runs what was given, then ends the thread. Call it once.
    public func stop() {
        let thread = monitor.withLock {
            precondition(!stopped, "a SerialWorker is stopped once: a thread is joined once")
            stopped = true
            monitor.wakeAll()
            return self.thread
        }
        thread?.join()
    }

    private func work() {
        while true {
            let job: (@Sendable () -> Void)? = monitor.withLock {
                busy = false
                monitor.wakeAll()
                while jobs.isEmpty, !stopped { monitor.wait() }
                guard !jobs.isEmpty else { return nil }
                busy = true
                return jobs.removeFirst()
            }
            guard let job else { return }
            job()
        }
    }
}
