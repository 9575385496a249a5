package import KuraFormat

/// Names of objects and folders of a replica, as FORMAT.md has them.
package enum Layout {
    package static let replicaRecord = StoreName("replica")
    /// The identity of a replica that is being filled.
    package static let fillingRecord = StoreName("filling")
    package static let vaults = StoreFolder("vaults")

    package static let packs = "packs"
    package static let index = "index"
    package static let points = "points"
    package static let sessions = "sessions"
    /// Made with the first receipt: older vaults have none.
    package static let receipts = "receipts"
    package static let locks = "locks"
    package static let temporary = "tmp"
    package static let repairs = "repairs"
    package static let quarantine = "quarantine"
    /// Tombstones of recovery points. Made with the first one.
    package static let dropped = "dropped"
    /// Packs that wait for their removal. Made with the first of them.
    package static let condemned = "condemned"
    /// Who changed which setting. Made with the first entry.
    package static let journal = "journal"
    package static let verified = "verified"
    package static let reserve = "reserve"
    /// Held while a recovery point is committed, packs are listed again, or packs are removed.
    package static let commitLock = "commit"

    /// First two hexadecimal digits of a pack's name: its folder below `packs`.
    package static let fanOut: [String] = (0..<256).map { value in
        let digits = String(value, radix: 16)
        return digits.count == 1 ? "0" + digits : digits
    }

    /// Folders that a vault has from the start. The others are made when they are first needed.
    static let topFolders = [packs, index, points, sessions, locks, temporary]

    /// All folders that a vault may have.
    static let folders =
        topFolders + [receipts, repairs, quarantine, dropped, condemned, journal]

    package static func vault(_ id: UniqueID) -> StoreFolder {
        StoreFolder("\(vaults.key)/\(id.hex)")
    }

    /// The vault that a folder belongs to; nil outside of all vaults.
    package static func vault(of folder: StoreFolder) -> StoreFolder? {
        let parts = folder.key.split(separator: "/", maxSplits: 2)
        guard parts.count >= 2, parts[0] == vaults.key else { return nil }
        return vaults.folder(parts[1])
    }

    /// Whether packs are spread over folders of a folder.
    package static func isFannedOut(_ folder: StoreFolder) -> Bool {
        guard folder.key.hasSuffix("/\(packs)"), let vault = vault(of: folder) else { return false }
        return folder == vault.folder(packs)
    }
}
