/// One record of a vault's log: what one writer proposes to change, all of it or nothing.
///
///     magic 8 | version 2 | reserved 2 | length 4 | vault 16 | number 8 | previous 32 | epoch 8 |
///     time 8 | salt 32 | key epoch 4 | public part | private part | signer 16 | signature 64
///
/// Each names the digest of the one before it. Who has no key of a sealed vault will see the public
/// part alone: names of objects and numbers, but no item, no disk and no person.
public struct LogRecord: Equatable, Sendable {
    /// Where the request came from.
    public enum Surface: UInt8, Sendable, CaseIterable {
        case commandLine = 1
        case scheduler = 2
        case server = 3
        case library = 4
    }

    /// Nil in record 1 alone: the id of the vault is the first half of that record's digest.
    public var vault: UniqueID?
    /// 1...`Limits.sequenceMax`.
    public var number: UInt64
    /// Digest of the record before this one; nil in record 1 alone.
    public var previous: Digest?
    /// Number of failovers before this record.
    public var epoch: UInt64
    /// For people: nanoseconds since 1970-01-01T00:00:00Z. Nothing is ordered by it.
    public var time: Int64
    /// 32 random bytes, new for every attempt, so that no two attempts have one digest.
    public var salt: Digest
    public var surface: Surface
    /// Who: user@host. 1...`Limits.nameBytesMax` bytes.
    public var actor: String
    /// Name of the operation. 1...`Limits.nameBytesMax` bytes.
    public var operation: String
    /// A job, a reason. At most `Limits.journalTextBytesMax` bytes.
    public var note: String
    /// 1...`Limits.logBodiesMax`.
    public var bodies: [LogBody]

    public init(
        vault: UniqueID?, number: UInt64, previous: Digest?, epoch: UInt64, time: Int64,
        salt: Digest, surface: Surface, actor: String, operation: String, note: String = "",
        bodies: [LogBody]
    ) {
        self.vault = vault
        self.number = number
        self.previous = previous
        self.epoch = epoch
        self.time = time
        self.salt = salt
        self.surface = surface
        self.actor = actor
        self.operation = operation
        self.note = note
        self.bodies = bodies
    }

    static let magic = "KURALOGR"

    /// Every byte before the signature. It is not checked here that a reader takes it: `Encoded`
    /// does that, and so finds what is too much for one record before it is proposed.
    public func content(signer: KeyID) -> [UInt8] {
        var open = ByteWriter(reserving: 512)
        open.integer(surface.rawValue)
        open.integer(UInt16(clamping: bodies.count))
        var hidden = ByteWriter(reserving: 512)
        hidden.text(actor, max: Limits.nameBytesMax)
        hidden.text(operation, max: Limits.nameBytesMax)
        hidden.text(note, max: Limits.journalTextBytesMax)
        for body in bodies { body.write(open: &open, hidden: &hidden) }
        var writer = ByteWriter(reserving: open.bytes.count + hidden.bytes.count + 256)
        writer.logHeader(Self.magic)
        let fixed = 16 + 8 + 32 + 8 + 8 + 32 + 4 + 4 + 4 + KeyID.byteCount + Signature.byteCount
        writer.integer(UInt32(clamping: fixed + open.bytes.count + hidden.bytes.count))
        writer.uniqueID(vault ?? .zero)
        writer.integer(number)
        writer.digest(previous ?? .zero)
        writer.integer(epoch)
        writer.integer(time)
        writer.digest(salt)
        // Key epoch: a plain vault.
        writer.integer(UInt32(0))
        writer.block(open.bytes)
        writer.block(hidden.bytes)
        writer.keyID(signer)
        return writer.bytes
    }

    /// What the signer signs.
    public static func bytesToSign(content: [UInt8]) -> [UInt8] {
        Signature.Purpose.record.bytes(content)
    }
}
