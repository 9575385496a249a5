/// Something that users should know although an operation did its work.
public struct Warning: Equatable, Sendable, Codable {
    public var message: String
    /// What to do next, where something can be done.
    public var remedy: Remedy?

    public init(_ message: String, remedy: Remedy? = nil) {
        self.message = message
        self.remedy = remedy
    }

    public init(_ error: KuraError) {
        self.init(error.message, remedy: error.remedy)
    }
}
