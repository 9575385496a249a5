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

    /// Path below the vault's directory in a replica.
    public var relativePath: String {
        switch self {
        case .record: "vault"
        case .pack(let id): "packs/\(id.hex.prefix(2))/\(id.hex)"
        case .run(let id): "index/\(id.hex)"
        case .point(let id): "points/\(id.hex)"
        case .session(let id): "sessions/\(id.hex)"
        case .receipt(let id): "\(Layout.receipts)/\(id.hex)"
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
        }
    }
}

/// Names of files and directories of a replica.
enum Layout {
    static let replicaRecord = "replica"
    static let vaults = "vaults"
    static let packs = "packs"
    static let index = "index"
    static let points = "points"
    static let sessions = "sessions"
    /// Made with the first receipt: older vaults have none.
    static let receipts = "receipts"
    static let locks = "locks"
    static let temporary = "tmp"

    /// First two hexadecimal digits of a pack's name: its directory below `packs`.
    static let fanOut: [String] = (0..<256).map { value in
        let digits = String(value, radix: 16)
        return digits.count == 1 ? "0" + digits : digits
    }

    /// Everything below a vault's directory, parents first.
    static let vaultDirectories =
        [packs, index, points, sessions, locks, temporary] + fanOut.map { "\(packs)/\($0)" }
}
