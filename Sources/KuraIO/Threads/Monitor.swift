internal import Glibc

/// A mutex with a condition variable, which Synchronization's Mutex does not have.
///
/// Deadlines are of the steady clock: a wall clock that is set makes no wait longer or shorter.
public final class Monitor: @unchecked Sendable {
    // Both live at fixed addresses, as pthread demands.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    public init() {
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    public func withLock<T>(_ body: () -> T) -> T {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body()
    }

    /// Like `wait`, but not longer than until `deadline`, in nanoseconds of `Clock.steady`.
    public func wait(until deadline: Int64) {
        let deadline = max(0, deadline)
        var time = timespec(
            tv_sec: Int(deadline / 1_000_000_000), tv_nsec: Int(deadline % 1_000_000_000))
        pthread_cond_timedwait(condition, mutex, &time)
    }

    /// Waits until another thread calls `wakeAll`; call it with the lock held and in a loop.
    public func wait() { pthread_cond_wait(condition, mutex) }

    public func wakeAll() { pthread_cond_broadcast(condition) }
}
