internal import CLinux
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

    /// Runs `body` on a thread of its own that ends with it; the caller does not wait.
    public static func detach(_ body: @escaping @Sendable () -> Void) { Thread(body).detach() }
}
