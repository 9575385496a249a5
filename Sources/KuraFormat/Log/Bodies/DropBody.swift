/// Recovery points that go: they are hidden at once, and can come back until they are forgotten.
public struct DropBody: Equatable, Sendable {
    /// At least one, none twice.
    public var points: [RecoveryPointID]
    /// When, in nanoseconds since 1970-01-01T00:00:00Z: their time of grace counts from it.
    /// Private.
    public var time: Int64
    /// Private.
    public var reason: String

    public init(points: [RecoveryPointID], time: Int64, reason: String) {
        self.points = points
        self.time = time
        self.reason = reason
    }
}

extension DropBody: LogBodyFields {
    func write(open: inout ByteWriter, hidden: inout ByteWriter) {
        open.digests(points)
        hidden.integer(time)
        hidden.text(reason)
    }

    init(open: inout ByteReader, hidden: inout ByteReader) throws(FormatError) {
        points = try open.digests("points", min: 1)
        time = try hidden.int64()
        reason = try hidden.text("reason")
    }
}

/// Dropped points that come back.
public struct UndropBody: Equatable, Sendable {
    /// At least one, none twice.
    public var points: [RecoveryPointID]
    /// Private.
    public var reason: String

    public init(points: [RecoveryPointID], reason: String) {
        self.points = points
        self.reason = reason
    }
}

extension UndropBody: LogBodyFields {
    func write(open: inout ByteWriter, hidden: inout ByteWriter) {
        open.digests(points)
        hidden.text(reason)
    }

    init(open: inout ByteReader, hidden: inout ByteReader) throws(FormatError) {
        points = try open.digests("points", min: 1)
        reason = try hidden.text("reason")
    }
}

/// Dropped points whose time of grace is over: from here on collection does not follow them.
public struct ForgetBody: Equatable, Sendable {
    /// At least one, none twice.
    public var points: [RecoveryPointID]

    public init(points: [RecoveryPointID]) { self.points = points }
}

extension ForgetBody: LogBodyFields {
    func write(open: inout ByteWriter, hidden: inout ByteWriter) { open.digests(points) }

    init(open: inout ByteReader, hidden: inout ByteReader) throws(FormatError) {
        points = try open.digests("points", min: 1)
    }
}
