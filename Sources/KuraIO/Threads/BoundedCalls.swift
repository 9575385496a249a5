internal import Glibc
internal import Synchronization

/// Calls to a place that may never answer, such as a file server that is gone: no system call can
/// be taken back, but its caller need not wait for it.
///
/// Each place has one thread, which makes its calls one after the other and ends when there have
/// been none for a while. So a place that hangs costs this process one thread, however often it is
/// tried, and calls in a row do not begin a thread each.
public enum BoundedCalls {
    private enum Start { case queued, within, hangs }

    private static let places = Mutex<[String: Place]>([:])

    /// Calls `body` on the place's thread and waits for it.
    /// - Parameters:
    ///   - place: calls with the same name wait for each other.
    ///   - limit: longest wait, in nanoseconds.
    ///   - body: what it returns too late is dropped, so a thing that must be closed closes itself.
    /// - Returns: nil when it was cancelled, or there was no answer in time; at once when the call
    ///   before it has been without an answer for as long.
    public static func run<T: Sendable>(
        in place: String, within limit: Int64, _ cancellation: Cancellation,
        _ body: @escaping @Sendable () -> T
    ) -> T? {
        let deadline = Clock.steady() + limit
        let call = Call<T>()
        let job = { @Sendable in
            if call.isAwaited { call.answer(body()) }
        }
        switch enqueue(job, in: place, within: limit) {
        case .within: return body()
        case .hangs: return nil
        case .queued: break
        }
        return cancellation.notifying(
            { call.wake() }, during: { call.wait(until: deadline, cancellation) })
    }

    private static func enqueue(
        _ job: @escaping @Sendable () -> Void, in name: String, within limit: Int64
    ) -> Start {
        while true {
            let (place, isNew) = places.withLock { places -> (Place, Bool) in
                if let place = places[name] { return (place, false) }
                let place = Place()
                places[name] = place
                return (place, true)
            }
            if isNew {
                Threads.detach {
                    place.work()
                    forget(place, named: name)
                }
            }
            if let start = place.add(job, within: limit) { return start }
            // Its thread has ended just now, and may not have taken the place out yet.
            forget(place, named: name)
        }
    }

    private static func forget(_ place: Place, named name: String) {
        places.withLock { places in
            if places[name] === place { places[name] = nil }
        }
    }

    /// What may hang as a whole, and the thread that makes its calls.
    private final class Place: @unchecked Sendable {
        /// How long the thread waits for another call, in nanoseconds.
        private static let idleLimit: Int64 = 500_000_000

        // `monitor` guards all.
        private let monitor = Monitor()
        private var jobs: [@Sendable () -> Void] = []
        private var thread: pthread_t?
        /// When the call that runs was begun, in nanoseconds of `Clock.steady`.
        private var begun: Int64?
        private var isOver = false

        /// - Returns: nil when the thread has ended.
        func add(_ job: @escaping @Sendable () -> Void, within limit: Int64) -> Start? {
            monitor.withLock {
                if isOver { return nil }
                // A call that is made by a call would wait for itself.
                if let thread, pthread_equal(thread, pthread_self()) != 0 { return .within }
                if let begun, Clock.steady() - begun >= limit { return .hangs }
                jobs.append(job)
                monitor.wakeAll()
                return .queued
            }
        }

        /// Makes the calls until there have been none for a while.
        func work() {
            monitor.withLock { thread = pthread_self() }
            while let job = next() { job() }
        }

        private func next() -> (@Sendable () -> Void)? {
            monitor.withLock {
                begun = nil
                let deadline = Clock.steady() + Self.idleLimit
                while jobs.isEmpty, Clock.steady() < deadline { monitor.wait(until: deadline) }
                guard !jobs.isEmpty else {
                    isOver = true
                    return nil
                }
                begun = Clock.steady()
                return jobs.removeFirst()
            }
        }
    }

    /// One call, between the thread that makes it and the one that waits.
    private final class Call<T: Sendable>: @unchecked Sendable {
        // `monitor` guards both.
        private let monitor = Monitor()
        private var value: T?
        private var isGivenUp = false

        var isAwaited: Bool { monitor.withLock { !isGivenUp } }

        func answer(_ value: T) {
            monitor.withLock {
                if isGivenUp { return }
                self.value = value
                monitor.wakeAll()
            }
        }

        func wake() { monitor.withLock { monitor.wakeAll() } }

        func wait(until deadline: Int64, _ cancellation: Cancellation) -> T? {
            monitor.withLock {
                while value == nil, !cancellation.isCancelled, Clock.steady() < deadline {
                    monitor.wait(until: deadline)
                }
                isGivenUp = value == nil
                return value
            }
        }
    }
}
