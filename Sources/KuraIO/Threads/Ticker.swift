/// Calls a closure at regular intervals on a thread of its own, until it is stopped.
public final class Ticker: @unchecked Sendable {
    // `monitor` guards it.
    private let monitor = Monitor()
    private var stopped = false
    private var thread: Thread?

    public init(everyMilliseconds interval: Int64, _ body: @escaping @Sendable () -> Void) {
        thread = Thread { [unowned self] in
            while !waitOrStopped(interval) { body() }
        }
    }

    deinit { precondition(stopped, "a Ticker must be stopped") }

    /// Returns when the closure will not run again. Call it once.
    public func stop() {
        monitor.withLock {
            precondition(!stopped, "a Ticker is stopped once: a thread is joined once")
            stopped = true
            monitor.wakeAll()
        }
        thread?.join()
    }

    private func waitOrStopped(_ interval: Int64) -> Bool {
        monitor.withLock {
            let deadline = Clock.steady() + interval * 1_000_000
            while !stopped, Clock.steady() < deadline { monitor.wait(until: deadline) }
            return stopped
        }
    }
}
