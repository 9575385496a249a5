package import KuraIO
internal import Synchronization

/// What a program that commits needs of its surroundings.
package struct LogSurroundings: Sendable {
    /// Makes calls to several replicas, at the same time where it can: runs `body(0)` to
    /// `body(count - 1)` and returns when all are done.
    package typealias Calls = @Sendable (_ count: Int, _ body: @Sendable (Int) -> Void) -> Void

    package var calls: Calls
    /// Waits for a random time after another writer was met. Throws to end the attempt.
    /// - Parameter lost: how many ballots were lost so far.
    package var pause: @Sendable (_ lost: Int) throws(KuraError) -> Void
    /// Nanoseconds since 1970, for people.
    package var now: @Sendable () -> Int64

    package init(
        calls: @escaping Calls = Threads.run,
        pause: @escaping @Sendable (_ lost: Int) throws(KuraError) -> Void,
        now: @escaping @Sendable () -> Int64
    ) {
        self.calls = calls
        self.pause = pause
        self.now = now
    }

    /// Waits as a policy says: some milliseconds at first, half a second at most.
    package init(_ waits: WaitPolicy, _ clock: WallClock) {
        let cancellation = waits.cancellation
        self.init(
            pause: { lost throws(KuraError) in
                let longest = Int64(5_000_000) << Int64(min(lost, 7))
                let end = Clock.steady() + .random(in: 0...min(longest, 500_000_000))
                if cancellation.wait(until: end) { throw KuraError.interruptedByUser }
            },
            now: { clock.now() })
    }

    func map<T: Sendable>(_ count: Int, _ body: @Sendable (Int) -> T) -> [T] {
        let results = Mutex<[T?]>(Array(repeating: nil, count: count))
        calls(count) { number in
            let result = body(number)
            results.withLock { $0[number] = result }
        }
        return results.withLock { $0.compactMap(\.self) }
    }
}
