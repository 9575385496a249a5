internal import KuraIO

/// A few threads on which requests call the engine, which blocks. Never those of the event loops.
///
/// What takes long is not for this pool: it is a job, and `JobLauncher` gives it a thread of its
/// own.
package final class EnginePool: @unchecked Sendable {
    /// Threads, so many that pages answer while some of them wait for a disk or a lock.
    package static let threads = 4
    /// Requests that wait for a thread; one more is refused.
    package static let queueMax = 64

    // `monitor` guards what follows.
    private let monitor = Monitor()
    private var queue: [@Sendable () -> Void] = []
    private var isStopped = false

    package init(threads: Int = EnginePool.threads) {
        for _ in 0..<threads { Threads.detach { [self] in work() } }
    }

    /// Runs `body` on one of the threads, soon.
    /// - Returns: false where too many wait, or the pool is stopped; then it is not run.
    package func run(_ body: @escaping @Sendable () -> Void) -> Bool {
        monitor.withLock {
            guard !isStopped, queue.count < Self.queueMax else { return false }
            queue.append(body)
            monitor.wakeAll()
            return true
        }
    }

    /// Lets the threads end once nothing waits.
    package func stop() {
        monitor.withLock {
            isStopped = true
            monitor.wakeAll()
        }
    }

    private func work() {
        while let body = next() { body() }
    }

    private func next() -> (@Sendable () -> Void)? {
        monitor.withLock {
            while queue.isEmpty, !isStopped { monitor.wait() }
            return queue.isEmpty ? nil : queue.removeFirst()
        }
    }
}
