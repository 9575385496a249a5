public import KuraFormat
internal import KuraIO
public import KuraReplicas

/// One file of one replica that is not as it must be.
public struct Damage: Sendable, Equatable {
    public var region: String
    public var replica: Int
    /// Path or address of the file, for people.
    public var place: String
    /// Kind and name of the file; nil where it is no file of a vault.
    public var file: VaultFile?
    /// Whether the file is whole but its content is wrong, in every replica: a copy from another
    /// replica does not help.
    var isUntrue = false
    /// Whether the file was written by a newer Kura: no damage, and nothing to repair.
    public private(set) var isTooNew = false
    /// The folder, where the damage is that it cannot be listed.
    var folder: StoreFolder?
    public var structure: Structure
    public var kind: DamageKind
    /// What exactly is wrong, for people.
    public var detail: String
    /// Where the good bytes came from; nil until it is healed.
    public var repairedFrom: RepairSource?
    /// Why it could not be healed; nil where nothing tried to.
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

    /// Classifies the error of reading an object.
    init(in replica: Replica, _ name: StoreName, as structure: Structure, _ error: any Error) {
        self.init(in: replica, at: replica.store.address(of: name), as: structure, error)
    }

    /// Classifies the error of listing a folder of a vault.
    init(in replica: Replica, _ folder: StoreFolder, _ error: any Error) {
        self.init(in: replica, at: replica.store.address(of: folder), as: .vault, error)
        self.folder = folder
        if (error as? IOError)?.isNoFolder == true {
            kind = .unreadable
            detail = "\(error)"
        } else if kind == .missing {
            detail = "the folder is not there"
        }
    }

    private init(
        in replica: Replica, at place: String, as structure: Structure, _ error: any Error
    ) {
        let kind: DamageKind
        var isTooNew = false
        switch error {
        case FormatError.unsupportedVersion, FormatError.unsupportedFeature:
            kind = .unreadable
            isTooNew = true
        case let error as IOError: kind = error.isNotFound ? .missing : .unreadable
        case FormatError.truncated, FormatError.trailingBytes: kind = .wrongLength
        default: kind = .corrupt
        }
        let detail = kind == .missing ? "the file is not there" : "\(error)"
        self.init(
            region: replica.regionName, replica: replica.ordinal, place: place,
            structure: structure, kind: kind, detail: detail)
        self.isTooNew = isTooNew
    }

    /// A point that cannot be restored.
    init(of point: RecoveryPointID, in vault: Vault, _ replica: Replica?, _ error: KuraError) {
        self.init(
            region: vault.region.name, replica: replica?.ordinal ?? 0,
            place: replica?.store.address(of: VaultFile.point(point).name(in: vault.id)) ?? "",
            structure: .recoveryPoint, kind: .dangling,
            detail: "it cannot be restored: \(error.message)")
        file = .point(point)
        isTooNew = error.code == .unsupported
    }

    /// An index run that contradicts a pack.
    init(of run: RunID, in vault: Vault, _ replica: Replica, detail: String) {
        self.init(
            region: vault.region.name, replica: replica.ordinal,
            place: replica.store.address(of: VaultFile.run(run).name(in: vault.id)),
            structure: .indexRun, kind: .corrupt, detail: detail)
        file = .run(run)
        isUntrue = true
    }

    /// Classifies the error of reading a file of a vault.
    init(in replica: Replica, _ file: VaultFile, of vault: UniqueID, _ error: any Error) {
        self.init(in: replica, file.name(in: vault), as: file.structure, error)
        self.file = file
    }
}
