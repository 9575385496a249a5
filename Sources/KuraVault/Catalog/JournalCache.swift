internal import FoundationEssentials
internal import GRDB
internal import KuraFormat
internal import KuraIO
internal import KuraStore

extension Catalog {
    /// Entries of a vault's journal that the catalog has read, in no order.
    func rememberedJournal(
        of vault: Vault
    ) throws(KuraError) -> [(id: JournalID, entry: JournalEntry)] {
        var entries: [(id: JournalID, entry: JournalEntry)] = []
        try read { database in
            let rows = try Row.fetchCursor(
                database, sql: "SELECT bytes FROM journal WHERE vault = ?",
                arguments: [vault.id.hex])
            while let row = try rows.next() {
                let bytes = Array(row[0] as Data)
                do throws(FormatError) {
                    let (entry, id) = try JournalEntry.decode(bytes)
                    entries.append((id, entry))
                } catch {
                    continue
                }
            }
        }
        return entries
    }

    /// Entries of a vault's journal that the catalog has read before and that no replica has,
    /// oldest first.
    func missingEntries(
        of vault: Vault
    ) throws(KuraError) -> [(id: JournalID, entry: JournalEntry)] {
        // In this order: an entry that another process appends now is in the region before the
        // catalog remembers it.
        let remembered = try read { database in
            try String.fetchAll(
                database, sql: "SELECT id FROM journal WHERE vault = ?", arguments: [vault.id.hex])
        }
        let listed = try vault.journalIDs()
        let missing = Set(remembered.compactMap { JournalID(hex: $0) }).subtracting(listed)
        // Mostly there are none, and no entry has to be read.
        guard !missing.isEmpty else { return [] }
        return try rememberedJournal(of: vault).filter { missing.contains($0.id) }
            .sorted(by: Self.isOlder)
    }

    /// Entries of a vault's journal, oldest first.
    func journal(
        of vault: Vault
    ) throws(KuraError) -> [(id: JournalID, entry: JournalEntry)] {
        let entries = try rememberedJournal(of: vault)
        let new = try vault.journal(after: Set(entries.map(\.id)))
        if !new.isEmpty { try remember(new, of: vault) }
        return (entries + new).sorted(by: Self.isOlder)
    }

    /// Enters entries of a vault's journal that were read from its region, or written to it.
    func remember(
        _ entries: [(id: JournalID, entry: JournalEntry)], of vault: Vault
    ) throws(KuraError) {
        try write { database in
            for (id, entry) in entries {
                try database.execute(
                    sql: "INSERT OR REPLACE INTO journal (vault, id, bytes) VALUES (?, ?, ?)",
                    arguments: [vault.id.hex, id.hex, Data(entry.encoded())])
            }
        }
    }

    private static func isOlder(
        _ left: (id: JournalID, entry: JournalEntry), _ right: (id: JournalID, entry: JournalEntry)
    ) -> Bool {
        left.entry.precedes(right.entry, id: left.id, otherID: right.id)
    }
}
