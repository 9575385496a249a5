/// The other region decides from here on. The epoch of this record is one more than before.
public struct FailoverBody: Equatable, Sendable {
    /// The region that becomes active.
    public var region: UniqueID
    /// The last record that both regions have, as far as the new active one knows.
    public var branch: LogPosition

    public init(region: UniqueID, branch: LogPosition) {
        self.region = region
        self.branch = branch
    }
}

extension FailoverBody: LogBodyFields {
    func write(open: inout ByteWriter, hidden: inout ByteWriter) {
        open.uniqueID(region)
        open.position(branch)
    }

    init(open: inout ByteReader, hidden: inout ByteReader) throws(FormatError) {
        region = try open.uniqueID()
        branch = try open.position("branch")
    }
}
