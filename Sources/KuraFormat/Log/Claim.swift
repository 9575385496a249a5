/// The claim of one attempt to own a ballot.
///
/// The replica's id is signed and not stored, as in a `Vote`.
public struct Claim: Equatable, Sendable {
    public var vault: UniqueID
    public var number: UInt64
    /// 1...`Limits.ballotMax`: ballot 0 belongs to everybody.
    public var ballot: UInt32
    /// Random, new for each attempt.
    public var attempt: UniqueID
    public var signer: KeyID
    /// `Signature.byteCount` bytes over `signedBytes(in:)`, which are not checked here.
    public var signature: [UInt8]

    /// Length of the encoded form.
    public static let byteCount = 140

    static let magic = "KURACLAI"

    /// - Parameter signature: put in when `signedBytes(in:)` were signed.
    public init(
        vault: UniqueID, number: UInt64, ballot: UInt32, attempt: UniqueID, signer: KeyID,
        signature: [UInt8] = Signature.none
    ) {
        self.vault = vault
        self.number = number
        self.ballot = ballot
        self.attempt = attempt
        self.signer = signer
        self.signature = signature
    }

    /// What the signer signs for a claim in this replica.
    public func signedBytes(in replica: UniqueID) -> [UInt8] {
        var writer = ByteWriter()
        writer.append(content())
        writer.uniqueID(replica)
        return Signature.Purpose.claim.bytes(writer.bytes)
    }

    private func content() -> [UInt8] {
        var writer = ByteWriter(reserving: Self.byteCount)
        writer.logHeader(Self.magic)
        writer.integer(UInt32(Self.byteCount - 16))
        writer.uniqueID(vault)
        writer.integer(number)
        writer.integer(ballot)
        writer.uniqueID(attempt)
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
    public static func decode(_ bytes: [UInt8]) throws(FormatError) -> Claim {
        try bytes.parsed(as: .claim) { reader throws(FormatError) in
            try reader.logHeader(magic)
            guard try reader.uint32() == byteCount - 16 else { throw reader.invalid("length") }
            let vault = try reader.uniqueID()
            let number = try reader.recordNumber()
            let ballot = try reader.ballot()
            guard ballot > 0 else { throw reader.invalid("ballot") }
            return Claim(
                vault: vault, number: number, ballot: ballot, attempt: try reader.uniqueID(),
                signer: try reader.keyID(), signature: try reader.signature())
        }
    }
}
