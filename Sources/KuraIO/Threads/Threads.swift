internal import CLinux
internal import Glibc
internal import Synchronization

/// Runs blocking work on threads of its own, never on the cooperative pool.
public enum Threads {
    /// Processors this process may run on.
    public static var processorCount: Int { max(1, Int(kura_processor_count())) }

    /// Runs `body(0) ... body(count - 1)`, each on its own thread, and returns when all are done.
    /// With a count of 1 it runs on the calling thread.
    public static func run(_ count: Int, _ body: @Sendable (Int) -> Void) {
        if count == 1 { return body(0) }
        // The closures cannot outlive this call, because it joins every thread.
        withoutActuallyEscaping(body) { body in
            let threads = (0..<count).map { index in Thread { body(index) } }
            for thread in threads { thread.join() }
        }
    }

    /// What `body(0) ... body(count - 1)` return, in that order, each run like by `run`.
    public static func map<T: Sendable>(_ count: Int, _ body: @Sendable (Int) -> T) -> [T] {
        let results = Mutex<[T?]>(Array(repeating: nil, count: count))
        run(count) { number in
            let result = body(number)
            results.withLock { $0[number] = result }
        }
        return results.withLock { $0.compactMap(\.self) }
    }
}

/// One thread that runs one closure. Somebody must join it.
final class Thread {
    private var handle = pthread_t()

    private final class Body {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    init(_ run: @escaping @Sendable () -> Void) {
        let body = Unmanaged.passRetained(Body(run))
        let status = pthread_create(&handle, nil, { context in
            Unmanaged<Body>.fromOpaque(context!).takeRetainedValue().run()
            return nil
        }, body.toOpaque())
        // Without threads nothing works; the kernel refuses them only far beyond our numbers.
        precondition(status == 0, "pthread_create failed with \(status)")
    }

    func join() { pthread_join(handle, nil) }
}

/// A mutex with a condition variable, which Synchronization's Mutex does not have.
public final class Monitor: @unchecked Sendable {
    // Both live at fixed addresses, as pthread demands.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    public init() {
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
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

    /// Like `wait`, but not longer than until `deadline`, in nanoseconds since 1970.
    func wait(until deadline: Int64) {
        var time = timespec(
            tv_sec: Int(deadline / 1_000_000_000), tv_nsec: Int(deadline % 1_000_000_000))
        pthread_cond_timedwait(condition, mutex, &time)
    }

    /// Waits until somebody calls `wakeAll`; call it with the lock held and in a loop.
    public func wait() { pthread_cond_wait(condition, mutex) }

    public func wakeAll() { pthread_cond_broadcast(condition) }
}

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
}

/// A fixed number of things to borrow. Who finds none waits: back-pressure without a queue.
public final class Pool<Element>: @unchecked Sendable {
    // `monitor` guards it.
    private let monitor = Monitor()
    private var free: [Element]

    public init(_ elements: [Element]) { free = elements }

    public func take() -> Element {
        monitor.withLock {
            while free.isEmpty { monitor.wait() }
            return free.removeLast()
        }
    }

    public func give(_ element: Element) {
        monitor.withLock {
            free.append(element)
            monitor.wakeAll()
        }
    }
}

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
            if !stopped { monitor.wait(until: Clock.now() + interval * 1_000_000) }
            return stopped
        }
    }
}
