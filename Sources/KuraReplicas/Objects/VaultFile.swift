public import KuraFormat

/// An object of a vault, by its kind and id.
///
/// A new kind of objects needs a case here, its line in `entry`, and its row in the table of
/// `ObjectKind`; everything else reads the table.
public enum VaultFile: Hashable, Sendable {
    case record
    case pack(PackID)
    case run(RunID)
    case point(RecoveryPointID)
    case session(UniqueID)
    case receipt(RecoveryPointID)
    case repair(RepairID)
    case dropped(RecoveryPointID)
    case condemned(UniqueID)
    case journal(JournalID)

    /// The kind, and the last part of the name.
    private var entry: (kind: ObjectKind, leaf: String) {
        switch self {
        case .record: (.record, "vault")
        case .pack(let id): (.pack, id.hex)
        case .run(let id): (.run, id.hex)
        case .point(let id): (.point, id.hex)
        case .session(let id): (.session, id.hex)
        case .receipt(let id): (.receipt, id.hex)
        case .repair(let id): (.repair, id.hex)
        case .dropped(let id): (.dropped, id.hex)
        case .condemned(let id): (.condemned, id.hex)
        case .journal(let id): (.journal, id.hex)
        }
    }

    package var kind: ObjectKind { entry.kind }

    package var leaf: String { entry.leaf }

    public var structure: Structure { entry.kind.structure }

    /// Name below the vault's folder; the repair ledger uses it.
    public var relativePath: String {
        let (kind, leaf) = entry
        if kind.folder.isEmpty { return leaf }
        return kind.isFannedOut
            ? "\(kind.folder)/\(leaf.prefix(2))/\(leaf)" : "\(kind.folder)/\(leaf)"
    }

    package func name(in vault: UniqueID) -> StoreName {
        StoreName("\(Layout.vaults.key)/\(vault.hex)/\(relativePath)")
    }

    /// Compares every byte of an object with its name and the vault's record. Throws where they do
    /// not agree. Not for runs, which may be too long for memory.
    package func check(_ bytes: [UInt8], _ record: VaultRecord) throws {
        let (kind, leaf) = entry
        guard let check = kind.check else {
            preconditionFailure("\(kind.folder) may be too long for memory")
        }
        try check(bytes, leaf, record)
    }
}
