package import KuraFormat
package import KuraReplicas

/// What only one holder of a lease may do at a time, and the file in `locks/` that stands for it.
package enum LeaseScope: Hashable, Sendable {
    /// Writing one item.
    case item(String)
    /// The vault as a whole: repairing, copying, pruning, and replacing its record.
    case vault
    /// Freezing and thawing the machine of an item.
    case machine(String)
    /// Appending to the journal.
    case journal
    /// Merging index runs.
    case index
    /// Shows that a session is alive; its own process holds it.
    case session(UniqueID)
    /// Shows that a reader of packs is alive; its own process holds it.
    case reader(UniqueID)
    /// Publishing a recovery point, listing packs again, or removing packs.
    case commit

    /// What the record of a session with this lease has as its item. Other scopes than an item's
    /// have values that no item can have: an item's name is not empty and starts with no slash.
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

    /// What a process that waits for the lease waits for, in messages.
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
    /// Name of its lock in a store.
    package func name(in vault: UniqueID) -> StoreName {
        Layout.vault(vault).folder(Layout.locks).object(fileName)
    }
}
