internal import Glibc
internal import KuraFormat
public import KuraIO
public import KuraStore

extension Subscription {
    /// Policies and items of a vault, from the catalog; where there is none that works, as on a full
    /// disk, from the region.
    public func settings(of vault: Vault) throws(KuraError) -> VaultSettings {
        do throws(KuraError) {
            return VaultSettings(try catalog().journal(of: vault))
        } catch {
            return VaultSettings(try vault.journal())
        }
    }

    /// Changes settings of a vault: one entry of its journal for each that is another afterwards.
    ///
    /// On return the change is durable in the vault's region. Nobody else changes the vault's
    /// settings meanwhile. If power fails among several entries, some are there and some are not,
    /// each of them whole.
    /// - Parameters:
    ///   - operation: the name of what is done, for the journal.
    ///   - time: nanoseconds since 1970; nil for now.
    @discardableResult
    func change<T>(
        _ vault: Vault, _ operation: String, note: String = "", time: Int64? = nil,
        _ body: (inout VaultSettings) throws(KuraError) -> T
    ) throws(KuraError) -> T {
        let catalog = try catalog()
        return try vault.withJournal { writer throws(KuraError) in
            var settings = VaultSettings(try catalog.journal(of: vault))
            let before = settings.documents
            let value = try body(&settings)
            let after = settings.documents
            var head = settings.head
            for subject in Set(before.keys).union(after.keys).sorted()
            where before[subject] != after[subject] {
                let entry = Self.entry(
                    operation, subject, before[subject] ?? "", after[subject] ?? "", note, time,
                    vault, head)
                guard entry.after.utf8.count <= Limits.journalTextBytesMax else {
                    throw KuraError(
                        .invalidInput, "\(subject) has \(entry.after.utf8.count) bytes, the most "
                            + "is \(Limits.journalTextBytesMax)", remedy: "make it shorter")
                }
                head = (try writer.append(entry), entry.sequence)
            }
            _ = try catalog.journal(of: vault)
            return value
        }
    }

    /// Enters something in a vault's journal that changed no setting: a backup, a restore.
    package func record(
        _ operation: String, _ note: String, in vault: Vault, time: Int64? = nil
    ) throws(KuraError) {
        let catalog = try catalog()
        try vault.withJournal { writer throws(KuraError) in
            let settings = VaultSettings(try catalog.journal(of: vault))
            _ = try writer.append(
                Self.entry(operation, "", "", "", note, time, vault, settings.head))
            // Remembered at once, so that its removal would be noticed.
            _ = try catalog.journal(of: vault)
        }
    }

    private static func entry(
        _ operation: String, _ subject: String, _ before: String, _ after: String, _ note: String,
        _ time: Int64?, _ vault: Vault, _ head: (id: JournalID, sequence: UInt64)?
    ) -> JournalEntry {
        JournalEntry(
            vault: vault.id, sequence: (head?.sequence ?? 0) + 1, epoch: vault.record.epoch,
            previous: head?.id, time: time ?? Clock.now(), actor: actor, operation: operation,
            subject: subject, before: before, after: after, note: String(note.prefix(2000)))
    }

    /// Who does it: user@host.
    private static let actor: String = {
        let user = getpwuid(geteuid()).map { String(cString: $0.pointee.pw_name) }
        return String("\(user ?? "uid \(Process.userID)")@\(Process.hostName)".prefix(60))
    }()
}
