/// A recovery point: its record, word for word.
public struct PointBody: Equatable, Sendable {
    /// The seal of its record.
    public let id: RecoveryPointID
    /// The sealed record.
    public let bytes: [UInt8]
    public let point: RecoveryPoint
    /// Its id in the vault that it was copied from. Private.
    public var original: RecoveryPointID?

    /// - Parameter bytes: a sealed record of a point, of at most `Limits.logDisksMax` disks.
    public init(bytes: [UInt8], original: RecoveryPointID? = nil) throws(FormatError) {
        (point, id) = try RecoveryPoint.decode(bytes, disksMax: Limits.logDisksMax)
        self.bytes = bytes
        self.original = original
    }
}

extension PointBody: LogBodyFields {
    func write(open: inout ByteWriter, hidden: inout ByteWriter) {
        open.digest(id)
        open.integer(UInt32(bytes.count))
        hidden.block(bytes)
        hidden.flag(original != nil)
        if let original { hidden.digest(original) }
    }

    init(open: inout ByteReader, hidden: inout ByteReader) throws(FormatError) {
        let id = try open.digest()
        let count = try open.uint32()
        let bytes = Array(try hidden.block("point", max: SealedRecord.byteCountMax))
        let original = try hidden.optionalDigest("original")
        try self.init(bytes: bytes, original: original)
        guard self.id == id, bytes.count == count else { throw open.invalid("point") }
    }
}
