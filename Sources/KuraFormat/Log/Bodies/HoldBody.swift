/// Recovery points that must not be dropped while a hold of this name is on them.
public struct HoldBody: Equatable, Sendable {
    /// At least one, none twice.
    public var points: [RecoveryPointID]
    /// Name of the hold, 1...`Limits.nameBytesMax` bytes. Private.
    public var name: String
    /// Private.
    public var reason: String

    public init(points: [RecoveryPointID], name: String, reason: String) {
        self.points = points
        self.name = name
        self.reason = reason
    }
}

extension HoldBody: LogBodyFields {
    func write(open: inout ByteWriter, hidden: inout ByteWriter) {
        open.digests(points)
        hidden.text(name, max: Limits.nameBytesMax)
        hidden.text(reason)
    }

    init(open: inout ByteReader, hidden: inout ByteReader) throws(FormatError) {
        points = try open.digests("points", min: 1)
        name = try hidden.name("name of a hold")
        reason = try hidden.text("reason")
    }
}

/// The end of a hold.
public struct ReleaseBody: Equatable, Sendable {
    /// At least one, none twice.
    public var points: [RecoveryPointID]
    /// Name of the hold, 1...`Limits.nameBytesMax` bytes. Private.
    public var name: String

    public init(points: [RecoveryPointID], name: String) {
        self.points = points
        self.name = name
    }
}

extension ReleaseBody: LogBodyFields {
    func write(open: inout ByteWriter, hidden: inout ByteWriter) {
        open.digests(points)
        hidden.text(name, max: Limits.nameBytesMax)
    }

    init(open: inout ByteReader, hidden: inout ByteReader) throws(FormatError) {
        points = try open.digests("points", min: 1)
        name = try hidden.name("name of a hold")
    }
}
