internal import KuraFormat

/// Names in a directory that belong to no object: files that are being written, and locks of cells.
enum Draft {
    private static let prefix = "draft-"

    /// A name for a file that is being written, on the file system of its final name. In a vault it
    /// starts with its owner, so that a later session knows whether the file is still being
    /// written.
    static func name(in folder: StoreFolder, _ owner: UniqueID, _ number: Int) -> StoreName {
        guard let vault = Layout.vault(of: folder) else {
            return StoreName("\(prefix)\(owner.hex)-\(number)")
        }
        return vault.folder(Layout.temporary).object("\(owner.hex)-\(number)")
    }

    /// The owner of a file in a vault's `tmp/`; nil where the name has none.
    static func owner(of name: String) -> UniqueID? { UniqueID(hex: String(name.prefix(32))) }

    /// The file that is locked while a cell is replaced.
    static func lock(of cell: StoreName) -> StoreName {
        let name = "cell-\(SHA256.digest(Array(cell.key.utf8)).hex.prefix(32))"
        guard let vault = Layout.vault(of: cell.folder) else { return StoreName(name) }
        return vault.folder(Layout.locks).object(name)
    }

    /// Whether a name at the root stands for a file that is being written or was left by a crash:
    /// earlier versions began them with the name of the record.
    static func isRubbish(_ name: String) -> Bool {
        if name == "\(Layout.replicaRecord.key).new" { return true }
        return [prefix, "\(Layout.replicaRecord.key)-", "\(Layout.fillingRecord.key)-"]
            .contains { start in
                let rest = name.dropFirst(start.count)
                return name.hasPrefix(start) && UniqueID(hex: String(rest.prefix(32))) != nil
                    && (rest.count == 32 || rest.dropFirst(32).first == "-")
            }
    }

    /// Whether a name at the root belongs to no object.
    static func isAtRoot(_ name: String) -> Bool {
        isRubbish(name) || name == lostAndFound
            || (name.hasPrefix("cell-") && UniqueID(hex: String(name.dropFirst(5))) != nil)
    }

    /// What `mkfs` leaves in the root of a new file system.
    private static let lostAndFound = "lost+found"
}
