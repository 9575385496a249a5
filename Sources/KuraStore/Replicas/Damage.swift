public import KuraFormat
internal import KuraIO
public import KuraReplicas

/// One file of one replica that is not as it must be.
public struct Damage: Sendable, Equatable {
    public var region: String
    public var replica: Int
    /// Where it is, for people.
    public var place: String
    /// The file by what it is; nil where it is no file of a vault.
    public var file: VaultFile?
    /// The folder, where a whole one is not as it must be.
    var folder: StoreFolder?
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
        region: String, replica: Int, place: String, structure: Structure, kind: DamageKind,
        detail: String
    ) {
        self.region = region
        self.replica = replica
        self.place = place
        self.structure = structure
        self.kind = kind
        self.detail = detail
    }

    /// Classifies an error that reading an object ended with.
    init(in replica: Replica, _ name: StoreName, as structure: Structure, _ error: any Error) {
        self.init(in: replica, at: replica.store.address(of: name), as: structure, error)
    }

    /// Classifies an error that listing a folder of a vault ended with.
    init(in replica: Replica, _ folder: StoreFolder, _ error: any Error) {
        self.init(in: replica, at: replica.store.address(of: folder), as: .vault, error)
        self.folder = folder
    }

    private init(
        in replica: Replica, at place: String, as structure: Structure, _ error: any Error
    ) {
        let kind: DamageKind
        switch error {
        case let error as IOError: kind = error.isNotFound ? .missing : .unreadable
        case FormatError.truncated, FormatError.trailingBytes: kind = .wrongLength
        default: kind = .corrupt
        }
        let detail = kind == .missing ? "the file is not there" : "\(error)"
        self.init(
            region: replica.regionName, replica: replica.ordinal, place: place,
            structure: structure, kind: kind, detail: detail)
    }

    /// Classifies an error that reading a file of a vault ended with.
    init(in replica: Replica, _ file: VaultFile, of vault: UniqueID, _ error: any Error) {
        self.init(in: replica, file.name(in: vault), as: file.structure, error)
        self.file = file
    }
}
