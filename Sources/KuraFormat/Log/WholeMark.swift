/// The word that a replica has all records to a number, and all packs that the state there needs.
public struct WholeMark: Equatable, Sendable {
    public var vault: UniqueID
    /// The replica that the mark is of, by its id: a replica that takes its place has another.
    public var replica: UniqueID
    /// The last record that is there.
    public var position: LogPosition
    /// When the mark was made, in nanoseconds since 1970-01-01T00:00:00Z, for people.
    public var time: Int64
    /// Packs that the state needs at that record, for people.
    public var packs: UInt64
    /// Their bytes, for people.
    public var byteCount: UInt64
    public var signer: KeyID
    /// `Signature.byteCount` bytes over `signedBytes`, which are not checked here.
    public var signature: [UInt8]

    /// - Parameter signature: put in when `signedBytes` were signed.
    public init(
        vault: UniqueID, replica: UniqueID, position: LogPosition, time: Int64, packs: UInt64,
        byteCount: UInt64, signer: KeyID, signature: [UInt8] = Signature.none
    ) {
        self.vault = vault
        self.replica = replica
        self.position = position
        self.time = time
        self.packs = packs
        self.byteCount = byteCount
        self.signer = signer
        self.signature = signature
    }

    /// What the signer signs.
    public var signedBytes: [UInt8] { Signature.Purpose.whole.bytes(content()) }

    private func content() -> [UInt8] {
        var writer = ByteWriter(reserving: 256)
        writer.uniqueID(vault)
        writer.uniqueID(replica)
        writer.position(position)
        writer.integer(time)
        writer.integer(packs)
        writer.integer(byteCount)
        writer.keyID(signer)
        return writer.bytes
    }

    public func encoded() -> [UInt8] {
        var writer = ByteWriter()
        writer.append(content())
        writer.signature(signature)
        return SealedRecord.encode(.wholeMark, body: writer.bytes)
    }

    /// Checks structure and seal, not the signature.
    public static func decode(_ bytes: [UInt8]) throws(FormatError) -> WholeMark {
        try SealedRecord.decode(.wholeMark, from: bytes) { reader throws(FormatError) in
            WholeMark(
                vault: try reader.uniqueID(), replica: try reader.uniqueID(),
                position: try reader.position("number"), time: try reader.int64(),
                packs: try reader.uint64(), byteCount: try reader.uint64(),
                signer: try reader.keyID(), signature: try reader.signature())
        }.value
    }
}
