/// Tells a thread that waits for a lock when its holder may have let go.
public protocol LockWatch: Sendable {
    /// Sleeps until the lock may be free, the work is cancelled, or it is `deadline`, in
    /// nanoseconds of `Clock.steady`.
    /// - Returns: whether the lock may be free.
    func wait(until deadline: Int64, _ cancellation: Cancellation) -> Bool
}

extension FileWatch: LockWatch {}
