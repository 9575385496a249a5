/// What stands in `log/<n>`: a record, and the word of the one who saw that it was decided.
///
/// A record that was proposed and lost is signed, too; so a record alone is no proof. Two replicas
/// may have the decision of two programs for one record: compare the records.
public struct DecidedRecord: Equatable, Sendable {
    public let record: LogRecord.Encoded
    public let decider: KeyID
    /// `Signature.byteCount` bytes over `bytesToSign`, which are not checked here.
    public let signature: [UInt8]

    /// Bytes behind the record.
    public static let decisionBytes = KeyID.byteCount + Signature.byteCount
    /// Longest encoded form.
    public static let byteCountMax = Limits.logRecordBytesMax + decisionBytes

    public init(record: LogRecord.Encoded, decider: KeyID, signature: [UInt8]) {
        self.record = record
        self.decider = decider
        self.signature = signature
    }

    public var number: UInt64 { record.number }

    /// What `signature` was made over.
    public var signedBytes: [UInt8] { Self.bytesToSign(record) }

    /// What the decider signs.
    public static func bytesToSign(_ record: LogRecord.Encoded) -> [UInt8] {
        var writer = ByteWriter(reserving: 64)
        writer.uniqueID(record.vault)
        writer.integer(record.number)
        writer.digest(record.digest)
        return Signature.Purpose.decided.bytes(writer.bytes)
    }

    public func encoded() -> [UInt8] {
        var writer = ByteWriter(reserving: record.bytes.count + Self.decisionBytes)
        writer.append(record.bytes)
        writer.keyID(decider)
        writer.signature(signature)
        return writer.bytes
    }

    /// Checks structure, not signatures.
    public static func decode(_ bytes: [UInt8]) throws(FormatError) -> DecidedRecord {
        try bytes.parsed(as: .logRecord) { reader throws(FormatError) in
            try DecidedRecord(reading: &reader)
        }
    }

    init(reading reader: inout ByteReader) throws(FormatError) {
        record = try LogRecord.Encoded(reading: &reader)
        decider = try reader.keyID()
        signature = try reader.signature()
    }
}
