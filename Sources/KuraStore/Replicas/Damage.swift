public import KuraFormat
internal import KuraIO
public import SystemPackage

/// One file of one replica that is not as it must be.
public struct Damage: Sendable, Equatable {
    public var region: String
    public var replica: Int
    public var path: FilePath
    /// The file by what it is; nil where it is no file of a vault.
    public var file: VaultFile?
    public var structure: Structure
    public var kind: DamageKind
    /// What exactly is wrong, for people.
    public var detail: String
    /// Where the good bytes came from; nil while it is not healed.
    public var repairedFrom: RepairSource?
    /// Why it could not be healed, where that was tried.
    public var obstacle: String?

    public var isRepaired: Bool { repairedFrom != nil }

    public init(
        region: String, replica: Int, path: FilePath, structure: Structure, kind: DamageKind,
        detail: String
    ) {
        self.region = region
        self.replica = replica
        self.path = path
        self.structure = structure
        self.kind = kind
        self.detail = detail
    }

    /// Classifies an error that reading a file or a directory ended with.
    init(_ replica: Replica, path: FilePath, structure: Structure, _ error: any Error) {
        let kind: DamageKind
        switch error {
        case let error as IOError: kind = error.isNotFound ? .missing : .unreadable
        case FormatError.truncated, FormatError.trailingBytes: kind = .wrongLength
        default: kind = .corrupt
        }
        let detail = kind == .missing ? "the file is not there" : "\(error)"
        self.init(
            region: replica.regionName, replica: replica.ordinal, path: path, structure: structure,
            kind: kind, detail: detail)
    }

    /// Classifies an error that reading a file of a vault ended with.
    init(_ replica: Replica, _ file: VaultFile, in vault: UniqueID, _ error: any Error) {
        self.init(
            replica, path: replica.path(of: file, in: vault), structure: file.structure, error)
        self.file = file
    }
}
