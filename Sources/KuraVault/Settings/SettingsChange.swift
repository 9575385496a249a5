internal import KuraFormat
public import KuraIO
public import KuraStore
internal import Logging

extension Subscription {
    /// Policies and items of a vault, from the catalog; where there is none that works, as on a
    /// full disk, from the region.
    public func settings(of vault: Vault) throws(KuraError) -> VaultSettings {
        guard let snapshot else { return try readSettings(of: vault) }
        return try snapshot.settings(of: vault.id) { () throws(KuraError) in
            try readSettings(of: vault)
        }
    }

    private func readSettings(of vault: Vault) throws(KuraError) -> VaultSettings {
        do throws(KuraError) {
            return VaultSettings(try catalog().journal(of: vault))
        } catch {
            return VaultSettings(try vault.journal())
        }
    }

    /// Changes settings of a vault: one entry of its journal for each setting that changed.
    ///
    /// On return the change is durable in the vault's region. No other process changes the vault's
    /// settings while `body` runs. If power fails between several entries, some are there and some
    /// are not, each of them whole.
    /// - Parameter operation: the name of what is done, for the journal.
    @discardableResult
    package func change<T>(
        _ vault: Vault, by operation: String, note: String = "",
        _ body: (inout VaultSettings) throws(KuraError) -> T
    ) throws(KuraError) -> T {
        let catalog = try catalog()
        defer { snapshot?.forgetSettings(of: vault.id) }
        return try vault.withJournal { writer throws(KuraError) in
            var settings = VaultSettings(try catalog.journal(of: vault))
            // A change of an older epoch would not hold.
            guard !settings.isOver(vault.record.epoch) else {
                throw KuraError(
                    .locked, "vault \(vault.record.name) failed over since it was read",
                    remedy: .retry())
            }
            let before = settings.documents
            let value = try body(&settings)
            let after = settings.documents
            var head = settings.head(of: vault.record.epoch)
            // Remembered at once, so that their removal would be noticed.
            for subject in Set(before.keys).union(after.keys).sorted()
            where before[subject] != after[subject] {
                let entry = JournalEntry(
                    operation, of: subject, before: before[subject] ?? "",
                    after: after[subject] ?? "", note: note, in: vault, following: head, context)
                guard entry.after.utf8.count <= Limits.journalTextBytesMax else {
                    throw KuraError(
                        .invalidInput,
                        "\(subject) has \(entry.after.utf8.count) bytes, the most "
                            + "is \(Limits.journalTextBytesMax)",
                        remedy: .advice("make it shorter"))
                }
                let id = try writer.append(entry)
                try catalog.remember([(id, entry)], of: vault)
                head = (id, entry.sequence)
                context.log(entry, in: vault)
            }
            return value
        }
    }

    /// Enters something in a vault's journal that changed no setting: a backup, a restore.
    package func record(
        _ operation: String, _ note: String, in vault: Vault
    ) throws(KuraError) {
        let catalog = try catalog()
        try vault.withJournal { writer throws(KuraError) in
            let settings = VaultSettings(try catalog.journal(of: vault))
            let entry = JournalEntry(
                operation, note: note, in: vault, following: settings.head(of: vault.record.epoch),
                context)
            // Remembered at once, so that its removal would be noticed.
            try catalog.remember([(try writer.append(entry), entry)], of: vault)
        }
    }
}

extension Context {
    fileprivate func log(_ entry: JournalEntry, in vault: Vault) {
        logger.info(
            "settings changed",
            metadata: [
                "operation": "\(entry.operation)", "vault": "\(vault.record.name)",
                "subject": "\(entry.subject)", "actor": "\(entry.actor)",
            ])
    }
}

extension JournalEntry {
    /// Longest name of an actor.
    private static let actorCharactersMax = 60
    private static let noteCharactersMax = 2000

    /// The entry that comes after `head`, by the caller of `context`, at its time.
    init(
        _ operation: String, of subject: String = "", before: String = "", after: String = "",
        note: String, in vault: Vault, following head: (id: JournalID, sequence: UInt64)?,
        _ context: Context
    ) {
        self.init(
            vault: vault.id, sequence: (head?.sequence ?? 0) + 1, epoch: vault.record.epoch,
            previous: head?.id, time: context.clock.now(),
            actor: String(context.caller.name.prefix(Self.actorCharactersMax)),
            operation: operation, subject: subject, before: before, after: after,
            note: String(note.prefix(Self.noteCharactersMax)))
    }
}
