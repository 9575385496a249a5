/// A person accepted this chain although a program remembers another record of that number.
public struct AcceptBody: Equatable, Sendable {
    /// The record of this chain.
    public var accepted: LogPosition
    /// Private.
    public var reason: String

    public init(accepted: LogPosition, reason: String) {
        self.accepted = accepted
        self.reason = reason
    }
}

extension AcceptBody: LogBodyFields {
    func write(open: inout ByteWriter, hidden: inout ByteWriter) {
        open.position(accepted)
        hidden.text(reason)
    }

    init(open: inout ByteReader, hidden: inout ByteReader) throws(FormatError) {
        accepted = try open.position("accepted")
        reason = try hidden.text("reason")
    }
}
