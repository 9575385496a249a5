package import KuraFormat
package import KuraReplicas

/// What a lease keeps others away from, and the file in `locks/` that stands for it.
package enum LeaseScope: Hashable, Sendable {
    /// Writing one item.
    case item(String)
    /// The vault as a whole: repairs, copies, prunes, and replacing its record.
    case vault
    /// Freezing and thawing the machine of an item.
    case machine(String)
    /// Appending to the journal.
    case journal
    /// Merging index runs.
    case index
    /// Being a session that is alive.
    case session(UniqueID)
    /// Reading packs.
    case reader(UniqueID)
    /// Publishing a recovery point, listing packs again, or taking packs away.
    case commit

    /// The item that the record of a session with this lease names. No item's name is empty or
    /// starts with a slash.
    var item: String {
        switch self {
        case .item(let name): name
        case .vault, .session, .reader, .commit: ""
        case .machine(let item): "/machine/\(item)"
        case .journal: "/journal"
        case .index: "/index"
        }
    }

    static let readerPrefix = "reader-"

    package var fileName: String {
        switch self {
        case .item, .vault, .machine, .journal, .index:
            "item-\(SHA256.digest(Array(item.utf8)).hex.prefix(32))"
        case .session(let id): "session-\(id.hex)"
        case .reader(let id): "\(Self.readerPrefix)\(id.hex)"
        case .commit: Layout.commitLock
        }
    }

    /// What is waited for, as people call it.
    package func description(in vault: String) -> String {
        switch self {
        case .item(let name): "item \(name)"
        case .vault: "vault \(vault)"
        case .machine(let item): "machine \(item)"
        case .journal: "the settings of vault \(vault)"
        case .index: "the index of vault \(vault)"
        case .session(let id): "session \(id) of vault \(vault)"
        case .reader(let id): "reader \(id) of vault \(vault)"
        case .commit: "a commit to vault \(vault)"
        }
    }
}

extension LeaseScope {
    /// Its lock in a store.
    package func name(in vault: UniqueID) -> StoreName {
        Layout.vault(vault).folder(Layout.locks).object(fileName)
    }
}
