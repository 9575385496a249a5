/// In which state a recovery point holds its disks.
public enum Consistency: UInt8, Sendable, CaseIterable {
    case crashConsistent = 1
    case fileSystemConsistent = 2
    case applicationConsistent = 3

    /// The word in JSON and on screen.
    public var name: String {
        switch self {
        case .crashConsistent: "crash-consistent"
        case .fileSystemConsistent: "file-system-consistent"
        case .applicationConsistent: "application-consistent"
        }
    }
}

/// What a backup found in one disk, or in several together.
public struct DiskCounts: Equatable, Sendable {
    /// Size of the disk in bytes.
    public var logicalBytes: UInt64 = 0
    /// Bytes that are not holes.
    public var dataBytes: UInt64 = 0
    /// Plain bytes of chunks that the vault did not hold before.
    public var newBytes: UInt64 = 0
    public var chunks: UInt64 = 0
    public var newChunks: UInt64 = 0

    public init() {}

    public static func += (total: inout DiskCounts, part: DiskCounts) {
        total.logicalBytes.add(part.logicalBytes)
        total.dataBytes.add(part.dataBytes)
        total.newBytes.add(part.newBytes)
        total.chunks.add(part.chunks)
        total.newChunks.add(part.newChunks)
    }
}

/// One disk of a recovery point.
public struct DiskRecord: Equatable, Sendable {
    /// Unique within the recovery point. 1...`Limits.nameBytesMax` bytes.
    public var name: String
    /// Root of its manifest tree, of level `ManifestNode.rootLevel(diskBytes:)`; nil when the whole
    /// disk is a hole.
    public var root: NodeID?
    public var counts: DiskCounts
    /// True when size, mtime or ctime of the source differed before and after the read.
    public var changedWhileRead: Bool
    /// Where it was read from, for people.
    public var source: String

    public init(
        name: String, root: NodeID?, counts: DiskCounts, changedWhileRead: Bool, source: String
    ) {
        self.name = name
        self.root = root
        self.counts = counts
        self.changedWhileRead = changedWhileRead
        self.source = source
    }

    public var byteCount: UInt64 { counts.logicalBytes }
}

/// The state of all disks of an item at one time: the root of everything a restore reads.
///
/// Its file's appearance under its final name is the commit of a backup. Its name is its seal.
public struct RecoveryPoint: Equatable, Sendable {
    public var vault: UniqueID
    public var item: String
    /// 1 for an item's first recovery point, then one more each: the order that no clock decides.
    public var sequence: UInt64
    /// Start of the read, in nanoseconds since 1970-01-01T00:00:00Z.
    public var time: Int64
    public var consistency: Consistency
    /// The item's recovery point before this one.
    public var parent: RecoveryPointID?
    /// Bytes that the backup added to one replica, this record not counted.
    public var storedBytes: UInt64
    public var tags: [String]
    public var disks: [DiskRecord]
    /// Index runs that this backup published: what each replica must hold for it.
    public var runs: [RunID]

    public init(
        vault: UniqueID, item: String, sequence: UInt64, time: Int64, consistency: Consistency,
        parent: RecoveryPointID?, storedBytes: UInt64, tags: [String], disks: [DiskRecord],
        runs: [RunID]
    ) {
        self.vault = vault
        self.item = item
        self.sequence = sequence
        self.time = time
        self.consistency = consistency
        self.parent = parent
        self.storedBytes = storedBytes
        self.tags = tags
        self.disks = disks
        self.runs = runs
    }

    public var counts: DiskCounts {
        disks.reduce(into: DiskCounts()) { $0 += $1.counts }
    }

    public func encoded() -> [UInt8] {
        var writer = ByteWriter(reserving: 1024)
        writer.uniqueID(vault)
        writer.text(item)
        writer.integer(sequence)
        writer.integer(time)
        writer.integer(consistency.rawValue)
        writer.optionalDigest(parent)
        writer.integer(storedBytes)
        writer.list(tags) { $0.text($1) }
        writer.list(disks) { writer, disk in
            writer.text(disk.name)
            writer.optionalDigest(disk.root)
            writer.integer(disk.counts.logicalBytes)
            writer.integer(disk.counts.dataBytes)
            writer.integer(disk.counts.newBytes)
            writer.integer(disk.counts.chunks)
            writer.integer(disk.counts.newChunks)
            writer.integer(UInt8(disk.changedWhileRead ? 1 : 0))
            writer.text(disk.source)
        }
        writer.list(runs) { $0.digest($1) }
        return SealedRecord.encode(.recoveryPoint, body: writer.bytes)
    }

    /// - Parameter disksMax: more in a log, see `Limits.logDisksMax`.
    /// - Returns: the recovery point, and its id.
    public static func decode(
        _ bytes: [UInt8], disksMax: Int = Limits.disksMax
    ) throws(FormatError) -> (point: RecoveryPoint, id: RecoveryPointID) {
        let (point, seal) = try SealedRecord.decode(.recoveryPoint, from: bytes) {
            reader throws(FormatError) in try RecoveryPoint(reading: &reader, disksMax: disksMax)
        }
        return (point, seal)
    }

    private init(reading reader: inout ByteReader, disksMax: Int) throws(FormatError) {
        vault = try reader.uniqueID()
        item = try reader.name("item")
        sequence = try reader.uint64()
        guard 1...Limits.sequenceMax ~= sequence else {
            throw .invalidField(.recoveryPoint, field: "sequence")
        }
        time = try reader.int64()
        guard let consistency = Consistency(rawValue: try reader.uint8()) else {
            throw .invalidField(.recoveryPoint, field: "consistency")
        }
        self.consistency = consistency
        parent = try reader.optionalDigest("parent", of: .recoveryPoint)
        storedBytes = try reader.uint64()
        tags = try reader.list("tags", max: Limits.tagsMax) { reader throws(FormatError) in
            try reader.text("tag", max: Limits.nameBytesMax)
        }
        disks = try reader.list("disks", max: disksMax) { reader throws(FormatError) in
            try Self.disk(&reader)
        }
        // Compared as bytes: String would take differently composed characters for equal.
        guard !disks.isEmpty, Set(disks.map { Array($0.name.utf8) }).count == disks.count else {
            throw .invalidField(.recoveryPoint, field: "disks")
        }
        runs = try reader.list("runs", max: Limits.pointRunsMax) { reader throws(FormatError) in
            try reader.digest()
        }
    }

    private static func disk(_ reader: inout ByteReader) throws(FormatError) -> DiskRecord {
        let name = try reader.name("disk name")
        let root = try reader.optionalDigest("disk root", of: .recoveryPoint)
        var counts = DiskCounts()
        counts.logicalBytes = try reader.uint64()
        counts.dataBytes = try reader.uint64()
        counts.newBytes = try reader.uint64()
        counts.chunks = try reader.uint64()
        counts.newChunks = try reader.uint64()
        let changed = try reader.uint8()
        guard changed <= 1, counts.logicalBytes <= Limits.diskBytesMax else {
            throw .invalidField(.recoveryPoint, field: "disk")
        }
        return DiskRecord(
            name: name, root: root, counts: counts, changedWhileRead: changed == 1,
            source: try reader.text("source"))
    }
}

extension UInt64 {
    /// Adds a count from a record, which may be wrong; a sum that does not fit becomes the maximum.
    package mutating func add(_ count: UInt64) {
        let (sum, overflow) = addingReportingOverflow(count)
        self = overflow ? .max : sum
    }
}

extension ByteWriter {
    mutating func optionalDigest(_ digest: Digest?) {
        integer(UInt8(digest == nil ? 0 : 1))
        if let digest { self.digest(digest) }
    }
}

extension ByteReader {
    mutating func optionalDigest(
        _ field: String, of structure: Structure
    ) throws(FormatError) -> Digest? {
        switch try uint8() {
        case 0: return nil
        case 1: return try digest()
        default: throw .invalidField(structure, field: field)
        }
    }
}
