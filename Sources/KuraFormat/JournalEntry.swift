/// Name of a journal entry: its seal.
public typealias JournalID = Digest

/// One line of a vault's journal: who changed what, when, from what, to what.
///
/// The journal is append-only, and each entry names the one before it, so nothing in it can be
/// changed, taken out or put in between without breaking the chain. The settings of a vault
/// (policies, items, assignments) are what its entries say last of each subject: the journal is
/// both the record of what happened and the truth of what is.
///
/// Entries of two regions that did not know of each other share a sequence; of those the higher
/// epoch counts, then the higher name.
public struct JournalEntry: Equatable, Sendable {
    public var vault: UniqueID
    /// 1 for the first entry, then one more each.
    public var sequence: UInt64
    /// Number of failovers before the entry: `VaultRecord.epoch`.
    public var epoch: UInt64
    /// The entry before this one; nil for the first.
    public var previous: JournalID?
    /// Nanoseconds since 1970-01-01T00:00:00Z.
    public var time: Int64
    /// Who: user@host.
    public var actor: String
    /// The operation's name: "Register", "UpdatePolicy".
    public var operation: String
    /// What it is about: "policy/gold", "item/web-1", "vault"; empty when it is about no setting.
    public var subject: String
    /// The subject before: canonical JSON; empty when there was none.
    public var before: String
    /// The subject after: canonical JSON; empty when it is gone.
    public var after: String
    /// What else is to be known: a job's id, a reason. 0...`Limits.journalTextBytesMax` bytes.
    public var note: String

    public init(
        vault: UniqueID, sequence: UInt64, epoch: UInt64, previous: JournalID?, time: Int64,
        actor: String, operation: String, subject: String, before: String, after: String,
        note: String
    ) {
        self.vault = vault
        self.sequence = sequence
        self.epoch = epoch
        self.previous = previous
        self.time = time
        self.actor = actor
        self.operation = operation
        self.subject = subject
        self.before = before
        self.after = after
        self.note = note
    }

    public func encoded() -> [UInt8] {
        var writer = ByteWriter(reserving: 512)
        writer.uniqueID(vault)
        writer.integer(sequence)
        writer.integer(epoch)
        writer.optionalDigest(previous)
        writer.integer(time)
        writer.text(actor)
        writer.text(operation)
        writer.text(subject)
        writer.text(before, max: Limits.journalTextBytesMax)
        writer.text(after, max: Limits.journalTextBytesMax)
        writer.text(note, max: Limits.journalTextBytesMax)
        return SealedRecord.encode(.journal, body: writer.bytes)
    }

    /// - Returns: the entry, and its name.
    public static func decode(
        _ bytes: [UInt8]
    ) throws(FormatError) -> (entry: JournalEntry, id: JournalID) {
        let (entry, seal) = try SealedRecord.decode(.journal, from: bytes) {
            reader throws(FormatError) in try JournalEntry(reading: &reader)
        }
        return (entry, seal)
    }

    private init(reading reader: inout ByteReader) throws(FormatError) {
        vault = try reader.uniqueID()
        sequence = try reader.uint64()
        epoch = try reader.uint64()
        previous = try reader.optionalDigest("previous", of: .journal)
        guard 1...Limits.sequenceMax ~= sequence, (sequence == 1) == (previous == nil) else {
            throw .invalidField(.journal, field: "sequence")
        }
        time = try reader.int64()
        actor = try reader.name("actor")
        operation = try reader.name("operation")
        subject = try reader.text("subject", max: Limits.journalSubjectBytesMax)
        before = try reader.text("before", max: Limits.journalTextBytesMax)
        after = try reader.text("after", max: Limits.journalTextBytesMax)
        note = try reader.text("note", max: Limits.journalTextBytesMax)
    }
}
