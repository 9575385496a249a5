/// How long workers were in one stage of an operation: for people who look for the slow one.
public struct StageTime: Equatable, Sendable {
    /// "read", "hash", "compress".
    public var name: String
    /// Of all threads together.
    public var nanoseconds: Int64
    /// Whether threads of their own did it beside the workers.
    public var isBeside: Bool

    public init(_ name: String, nanoseconds: Int64, isBeside: Bool = false) {
        self.name = name
        self.nanoseconds = nanoseconds
        self.isBeside = isBeside
    }
}
