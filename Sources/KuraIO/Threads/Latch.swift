/// Opens after a number of signals.
public final class Latch: @unchecked Sendable {
    // `monitor` guards it.
    private let monitor = Monitor()
    private var missing: Int

    public init(_ count: Int) { missing = count }

    /// - Returns: whether this was the last signal.
    @discardableResult
    public func signal() -> Bool {
        monitor.withLock {
            missing -= 1
            if missing == 0 { monitor.wakeAll() }
            return missing == 0
        }
    }

    public func wait() {
        monitor.withLock {
            while missing > 0 { monitor.wait() }
        }
    }

    /// Like `wait`, but not longer than until `deadline`, in nanoseconds of `Clock.steady`.
    /// - Returns: whether it is open.
    public func wait(until deadline: Int64) -> Bool {
        monitor.withLock {
            while missing > 0, Clock.steady() < deadline { monitor.wait(until: deadline) }
            return missing <= 0
        }
    }
}
