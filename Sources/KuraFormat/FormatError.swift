/// The structures of the format, as they are named in messages and in FORMAT.md.
public enum Structure: String, Sendable {
    case replica = "replica identity"
    case vault = "vault record"
    case session = "session record"
    case recoveryPoint = "recovery point"
    case receipt = "durability receipt"
    case pack = "pack"
    case packTrailer = "pack trailer"
    case frame = "frame"
    case indexRun = "index run"
    case indexBlock = "index block"
    case node = "manifest node"
    case repair = "repair record"
    case verification = "verification memory"
    case dropped = "tombstone"
    case condemned = "condemnation"
    case journal = "journal entry"
    case vaultIdentity = "vault identity"
    case logRecord = "log record"
    case vote = "vote"
    case claim = "claim to a ballot"
    case segment = "log segment"
    case wholeMark = "mark of a whole replica"
    case checkpoint = "checkpoint"
    case statePage = "page of a checkpoint"
    case checkpointHint = "hint to a checkpoint"
}

/// Why bytes are not a valid structure. Closed on purpose: a reader can tell every case apart.
public enum FormatError: Error, Equatable, Sendable {
    /// The structure needs more bytes than there are.
    case truncated(Structure, needed: UInt64, available: UInt64)
    /// Bytes are left over behind the structure's end.
    case trailingBytes(Structure, count: UInt64)
    /// The first bytes are not the structure's magic.
    case badMagic(Structure)
    /// Written by a version of the format that this one does not know.
    case unsupportedVersion(Structure, version: UInt16)
    /// The vault needs a feature that this version does not know.
    case unsupportedFeature(String)
    /// Stored and computed checksum differ.
    case checksumMismatch(Structure)
    /// A field holds a value outside its range.
    case invalidField(Structure, field: String)
}

extension FormatError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .truncated(let structure, let needed, let available):
            "\(structure.rawValue) is truncated: \(needed) bytes needed, \(available) there"
        case .trailingBytes(let structure, let count):
            "\(structure.rawValue) has \(count) bytes too many"
        case .badMagic(let structure):
            "not a \(structure.rawValue): its first bytes are others"
        case .unsupportedVersion(let structure, let version):
            "\(structure.rawValue) has format version \(version), which this Kura does not know"
        case .unsupportedFeature(let feature):
            "the vault needs the feature \(feature), which this Kura does not know"
        case .checksumMismatch(let structure):
            "\(structure.rawValue) is damaged: its checksum differs"
        case .invalidField(let structure, let field):
            "\(structure.rawValue) is damaged: its field \(field) is out of range"
        }
    }
}
