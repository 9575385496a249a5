public import KuraFormat
internal import SystemPackage

/// A file of a vault, by what it is. Only this type knows where files are.
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

    /// Path below the vault's directory in a replica.
    public var relativePath: String {
        switch self {
        case .record: "vault"
        case .pack(let id): "packs/\(id.hex.prefix(2))/\(id.hex)"
        case .run(let id): "index/\(id.hex)"
        case .point(let id): "points/\(id.hex)"
        case .session(let id): "sessions/\(id.hex)"
        case .receipt(let id): "\(Layout.receipts)/\(id.hex)"
        case .repair(let id): "repairs/\(id.hex)"
        case .dropped(let id): "\(Layout.dropped)/\(id.hex)"
        case .condemned(let id): "\(Layout.condemned)/\(id.hex)"
        case .journal(let id): "\(Layout.journal)/\(id.hex)"
        }
    }

    public var structure: Structure {
        switch self {
        case .record: .vault
        case .pack: .pack
        case .run: .indexRun
        case .point: .recoveryPoint
        case .session: .session
        case .receipt: .receipt
        case .repair: .repair
        case .dropped: .dropped
        case .condemned: .condemned
        case .journal: .journal
        }
    }
}

extension VaultFile {
    /// Whether a copy may appear or go at any moment because another process commits, drops or ends:
    /// then one that is missing beside good ones is no damage. The next session copies it.
    var comesAndGoes: Bool {
        switch self {
        case .point, .session, .dropped, .condemned, .receipt, .journal: true
        case .record, .pack, .run, .repair: false
        }
    }

    /// The file's directory where that is made only when it is first needed.
    var lateDirectory: String? {
        switch self {
        case .repair: Layout.repairs
        case .dropped: Layout.dropped
        case .condemned: Layout.condemned
        case .receipt: Layout.receipts
        case .journal: Layout.journal
        case .record, .pack, .run, .point, .session: nil
        }
    }
}

/// Names of files and directories of a replica.
package enum Layout {
    static let replicaRecord = "replica"
    static let vaults = "vaults"
    static let packs = "packs"
    package static let index = "index"
    static let points = "points"
    static let sessions = "sessions"
    /// Made with the first receipt: older vaults have none.
    static let receipts = "receipts"
    static let locks = "locks"
    static let temporary = "tmp"
    static let repairs = "repairs"
    static let quarantine = "quarantine"
    /// Tombstones of recovery points. Made with the first one.
    static let dropped = "dropped"
    /// Packs that wait for their removal. Made with the first of them.
    static let condemned = "condemned"
    /// Who changed which setting. Made with the first entry.
    static let journal = "journal"
    static let verified = "verified"
    /// The identity of a replica that is being filled: see `ReplicaFilling`.
    static let fillingRecord = "filling"
    /// What `mkfs` leaves in the root of a new file system.
    static let lostAndFound = "lost+found"

    /// First two hexadecimal digits of a pack's name: its directory below `packs`.
    static let fanOut: [String] = (0..<256).map { value in
        let digits = String(value, radix: 16)
        return digits.count == 1 ? "0" + digits : digits
    }

    /// Held for a moment by whoever commits a recovery point or takes packs away.
    static let commitLock = "commit"

    static let topDirectories = [packs, index, points, sessions, locks, temporary]

    /// What a vault's directory has from the start, parents first. The others are
    /// made when they are first needed.
    static let vaultDirectories = topDirectories + fanOut.map { "\(packs)/\($0)" }
}
