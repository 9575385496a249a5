/// A checkpoint that was made of the state after an earlier record.
public struct CheckpointBody: Equatable, Sendable {
    /// Number of the record after which the state was.
    public var number: UInt64
    /// Name of the root.
    public var root: Digest

    public init(number: UInt64, root: Digest) {
        self.number = number
        self.root = root
    }
}

extension CheckpointBody: LogBodyFields {
    func write(open: inout ByteWriter, hidden: inout ByteWriter) {
        open.integer(number)
        open.digest(root)
    }

    init(open: inout ByteReader, hidden: inout ByteReader) throws(FormatError) {
        number = try open.recordNumber()
        root = try open.digest()
    }
}
