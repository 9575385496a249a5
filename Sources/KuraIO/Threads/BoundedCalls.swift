internal import Glibc
internal import Synchronization

/// Calls to a place that may never answer, such as a file server that is gone: no system call can
/// be taken back, but its caller need not wait for it.
///
/// Each place has one thread, which makes its calls one after the other and ends when there are
/// none. So a place that hangs costs this process one thread, however often it is tried.
public enum BoundedCalls {
    private struct Place {
        var jobs: [@Sendable () -> Void] = []
        /// The thread that makes the calls, once it runs.
        var thread: pthread_t?
        /// When the call that runs was begun, in nanoseconds of `Clock.steady`.
        var begun = Clock.steady()
    }

    private enum Start { case queued, first, within, hangs }

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
        let now = Clock.steady()
        let call = Call<T>()
        let job = { @Sendable in
            if call.isAwaited { call.answer(body()) }
        }
        let start = places.withLock { places -> Start in
            guard places[place] != nil else {
                places[place] = Place(jobs: [job])
                return .first
            }
            // A call that is made by a call would wait for itself.
            if let thread = places[place]!.thread, pthread_equal(thread, pthread_self()) != 0 {
                return .within
            }
            if now - places[place]!.begun >= limit { return .hangs }
            places[place]!.jobs.append(job)
            return .queued
        }
        switch start {
        case .within: return body()
        case .hangs: return nil
        case .first: Threads.detach { work(place) }
        case .queued: break
        }
        return cancellation.notifying(
            { call.wake() },
            during: {
                call.wait(until: now + limit, cancellation)
            })
    }

    private static func work(_ place: String) {
        let thread = pthread_self()
        while true {
            let job = places.withLock { places -> (@Sendable () -> Void)? in
                guard let state = places[place], !state.jobs.isEmpty else {
                    places[place] = nil
                    return nil
                }
                places[place]!.thread = thread
                places[place]!.begun = Clock.steady()
                return places[place]!.jobs.removeFirst()
            }
            guard let job else { return }
            job()
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
