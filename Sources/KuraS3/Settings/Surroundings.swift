package import KuraIO

/// Time, chance and the end of work, as a client sees them: of the machine, or of a test.
package struct Surroundings: Sendable {
    package var clock: WallClock = .system
    /// Nanoseconds since some fixed moment.
    package var steady: @Sendable () -> Int64 = { Clock.steady() }
    /// A number from 0 to the given one.
    package var random: @Sendable (Int64) -> Int64 = { Int64.random(in: 0...max(0, $0)) }
    package var cancellation: Cancellation
    /// Waits for some nanoseconds, or until the work is cancelled.
    package var pause: @Sendable (Int64) -> Void

    package init(cancellation: Cancellation = Cancellation()) {
        self.cancellation = cancellation
        pause = { cancellation.wait(until: Clock.steady() + $0) }
    }
}
