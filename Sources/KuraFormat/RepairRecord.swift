/// What was wrong with a file that was healed.
public enum DamageKind: UInt8, Sendable, CaseIterable {
    case missing = 1
    /// Shorter or longer than its own tables say.
    case wrongLength = 2
    /// A hash or a field is wrong.
    case corrupt = 3
    /// The system could not read it.
    case unreadable = 4
    /// It refers to something that no replica holds.
    case dangling = 5

    /// The word in JSON and on screen.
    public var name: String {
        switch self {
        case .missing: "missing"
        case .wrongLength: "wrong-length"
        case .corrupt: "corrupt"
        case .unreadable: "unreadable"
        case .dangling: "dangling"
        }
    }
}

/// Where the good bytes of a repair came from.
public enum RepairSource: UInt8, Sendable, CaseIterable {
    /// A whole good copy in another replica of the region.
    case replica = 1
    /// A whole good copy in the paired region.
    case pair = 2
    /// Frames of several copies, none of which was whole.
    case assembled = 3
    /// Other files that hold the same: an index run from the trailers of packs.
    case rebuilt = 4
    /// Nowhere, for some of it. Of a pack: what was good is in other packs, the rest in no copy any
    /// more. Of a recovery point: it lacks something.
    case salvaged = 5

    /// The word in JSON and on screen.
    public var name: String {
        switch self {
        case .replica: "replica"
        case .pair: "pair"
        case .assembled: "assembled"
        case .rebuilt: "rebuilt"
        case .salvaged: "salvaged"
        }
    }
}

/// One line of the repair ledger: a file of one replica that was healed or given up. Its file's
/// name is its seal.
public struct RepairRecord: Equatable, Sendable {
    public var vault: UniqueID
    /// The region whose replica had the damage.
    public var region: UniqueID
    /// The replica that had the damage: 0, 1 or 2.
    public var replica: UInt8
    /// When it was healed, in nanoseconds since 1970-01-01T00:00:00Z.
    public var time: Int64
    /// The file, below the vault's directory: 1...`Limits.nameBytesMax` bytes.
    public var path: String
    public var damage: DamageKind
    public var source: RepairSource
    /// Length of the good copy, in bytes.
    public var byteCount: UInt64

    public init(
        vault: UniqueID, region: UniqueID, replica: UInt8, time: Int64, path: String,
        damage: DamageKind, source: RepairSource, byteCount: UInt64
    ) {
        self.vault = vault
        self.region = region
        self.replica = replica
        self.time = time
        self.path = path
        self.damage = damage
        self.source = source
        self.byteCount = byteCount
    }

    public func encoded() -> [UInt8] {
        var writer = ByteWriter(reserving: 256)
        writer.uniqueID(vault)
        writer.uniqueID(region)
        writer.integer(replica)
        writer.integer(time)
        writer.text(path)
        writer.integer(damage.rawValue)
        writer.integer(source.rawValue)
        writer.integer(byteCount)
        return SealedRecord.encode(.repair, body: writer.bytes)
    }

    /// - Returns: the record, and its name.
    public static func decode(
        _ bytes: [UInt8]
    ) throws(FormatError) -> (record: RepairRecord, id: RepairID) {
        let (record, seal) = try SealedRecord.decode(.repair, from: bytes) {
            reader throws(FormatError) in try RepairRecord(reading: &reader)
        }
        return (record, seal)
    }

    private init(reading reader: inout ByteReader) throws(FormatError) {
        vault = try reader.uniqueID()
        region = try reader.uniqueID()
        replica = try reader.uint8()
        guard replica < Limits.replicasMax else {
            throw .invalidField(.repair, field: "replica")
        }
        time = try reader.int64()
        path = try reader.name("path")
        guard let damage = DamageKind(rawValue: try reader.uint8()) else {
            throw .invalidField(.repair, field: "damage")
        }
        self.damage = damage
        guard let source = RepairSource(rawValue: try reader.uint8()) else {
            throw .invalidField(.repair, field: "source")
        }
        self.source = source
        byteCount = try reader.uint64()
    }
}
