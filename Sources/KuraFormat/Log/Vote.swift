/// A vote of one replica in one ballot: for a record, or a blank.
///
/// The replica's id is signed and not stored, so a vote that was copied to another replica does
/// not pass for a vote of that one.
public struct Vote: Equatable, Sendable {
    public var vault: UniqueID
    public var number: UInt64
    /// At most `Limits.ballotMax`.
    public var ballot: UInt32
    /// Nil: a blank. Of the same vault and number.
    public var record: LogRecord.Encoded?
    public var signer: KeyID
    /// `Signature.byteCount` bytes over `signedBytes(in:)`, which are not checked here.
    public var signature: [UInt8]

    /// Longest encoded form.
    public static let byteCountMax = 16 + 29 + Limits.logRecordBytesMax + 80

    static let magic = "KURAVOTE"

    /// - Parameter signature: put in when `signedBytes(in:)` were signed.
    public init(
        vault: UniqueID, number: UInt64, ballot: UInt32, record: LogRecord.Encoded?,
        signer: KeyID, signature: [UInt8] = Signature.none
    ) {
        self.vault = vault
        self.number = number
        self.ballot = ballot
        self.record = record
        self.signer = signer
        self.signature = signature
    }

    /// What the signer signs for a vote of this replica.
    public func signedBytes(in replica: UniqueID) -> [UInt8] {
        var writer = ByteWriter()
        writer.append(content())
        writer.uniqueID(replica)
        return Signature.Purpose.vote.bytes(writer.bytes)
    }

    private func content() -> [UInt8] {
        let recordBytes = record?.bytes ?? []
        var writer = ByteWriter(reserving: recordBytes.count + 128)
        writer.logHeader(Self.magic)
        writer.integer(
            UInt32(29 + recordBytes.count + KeyID.byteCount + Signature.byteCount))
        writer.uniqueID(vault)
        writer.integer(number)
        writer.integer(ballot)
        writer.flag(record != nil)
        writer.append(recordBytes)
        writer.keyID(signer)
        return writer.bytes
    }

    public func encoded() -> [UInt8] {
        var writer = ByteWriter()
        writer.append(content())
        writer.signature(signature)
        return writer.bytes
    }

    /// Checks structure, not signatures.
    public static func decode(_ bytes: [UInt8]) throws(FormatError) -> Vote {
        try bytes.parsed(as: .vote) { reader throws(FormatError) in
            try reader.logHeader(magic)
            guard Int(try reader.uint32()) == reader.remaining else {
                throw reader.invalid("length")
            }
            let vault = try reader.uniqueID()
            let number = try reader.recordNumber()
            let ballot = try reader.ballot()
            let isRecord = try reader.flag("kind")
            let record = isRecord ? try LogRecord.Encoded(reading: &reader) : nil
            if let record {
                guard record.number == number, record.vault == vault else {
                    throw reader.invalid("record")
                }
            }
            return Vote(
                vault: vault, number: number, ballot: ballot, record: record,
                signer: try reader.keyID(), signature: try reader.signature())
        }
    }
}

extension ByteReader {
    mutating func ballot() throws(FormatError) -> UInt32 {
        let ballot = try uint32()
        guard ballot <= Limits.ballotMax else { throw invalid("ballot") }
        return ballot
    }
}
