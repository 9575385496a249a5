public import KuraFormat
public import KuraIO
internal import KuraReplicas

extension Vault {
    /// Entries of the journal that are not in `known`, oldest first. An entry without a good copy
    /// is left out and recorded as damage; it shows as a gap in the chain.
    /// - Complexity: one listing, and one read for each entry that is not in `known`.
    public func journal(
        after known: Set<JournalID> = []
    ) throws(KuraError) -> [(id: JournalID, entry: JournalEntry)] {
        var entries: [(id: JournalID, entry: JournalEntry)] = []
        for name in try listIfPresent(Layout.journal).keys {
            guard let id = JournalID(hex: name), !known.contains(id) else { continue }
            do throws(KuraError) {
                let entry = try read(.journal(id), max: SealedRecord.byteCountMax) { bytes, _ in
                    try VaultFile.journal(id).check(bytes, self.record)
                    return try JournalEntry.decode(bytes).entry
                }
                entries.append((id, entry))
            } catch {
                guard error.code == .damaged || error.code == .notFound else { throw error }
            }
        }
        return entries.sorted { $0.entry.precedes($1.entry, id: $0.id, otherID: $1.id) }
    }

    /// Ids of all entries of the journal, also of those that cannot be read.
    public func journalIDs() throws(KuraError) -> Set<JournalID> {
        Set(try listIfPresent(Layout.journal).keys.compactMap { JournalID(hex: $0) })
    }

    /// Runs `body` while no other process appends to the vault's journal in this region. Waits for
    /// its turn.
    public func withJournal<T>(
        _ body: (JournalWriter) throws(KuraError) -> T
    ) throws(KuraError) -> T {
        try requireWritable()
        let session = try Session.begin(
            self, operation: "settings", scope: .journal, required: requiredCopies)
        var clean = false
        defer { session.end(clean: clean) }
        let value = try body(JournalWriter(session))
        clean = session.writer.error == nil
        return value
    }
}

/// Appends to the journal, which no other process does at the same time.
public final class JournalWriter {
    private let session: Session
    private var hasDirectory = false

    init(_ session: Session) { self.session = session }

    /// Makes an entry durable in every live replica.
    /// - Returns: the entry's id.
    public func append(_ entry: JournalEntry) throws(KuraError) -> JournalID {
        if !hasDirectory { try session.prepare(Layout.journal) }
        hasDirectory = true
        let bytes = entry.encoded()
        let (decoded, id) = try withKuraErrors { try JournalEntry.decode(bytes) }
        precondition(decoded == entry, "a journal entry reads back as it was written")
        try session.writer.publish(bytes, as: .journal(id))
        return id
    }
}

extension JournalEntry {
    /// The order of the journal: by sequence; of several entries with one sequence, the one that
    /// counts comes last.
    public func precedes(
        _ other: JournalEntry, id: JournalID, otherID: JournalID
    ) -> Bool {
        (sequence, epoch, id) < (other.sequence, other.epoch, otherID)
    }
}
