/// Where wall time comes from: the machine, or a test.
public struct WallClock: Sendable {
    /// Whose word a time is.
    public enum Source: Sendable {
        /// The machine's clock, which may be wrong.
        case machine
        /// What the caller named.
        case given
        /// Likewise, and the caller confirmed that it is meant, however far from now it is.
        case confirmed
    }

    public let source: Source
    private let read: @Sendable () -> Int64

    /// - Parameter read: nanoseconds since 1970-01-01T00:00:00Z; called from any thread.
    public init(_ read: @escaping @Sendable () -> Int64) { self.init(.given, read) }

    private init(_ source: Source, _ read: @escaping @Sendable () -> Int64) {
        self.source = source
        self.read = read
    }

    public static let system = WallClock(.machine) { Clock.now() }

    /// A clock that stands still, for one step at a given time.
    public static func fixed(_ time: Int64) -> WallClock { WallClock { time } }

    /// A clock of the same source that stands still at this moment.
    public func stopped() -> WallClock {
        let time = now()
        return WallClock(source) { time }
    }

    /// The same clock, once the caller confirmed that its time is meant.
    public func confirmed() -> WallClock { WallClock(.confirmed, read) }

    /// Nanoseconds since 1970-01-01T00:00:00Z.
    public func now() -> Int64 { read() }
}
