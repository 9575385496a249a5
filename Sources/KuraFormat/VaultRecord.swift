/// How many copies of a vault there are, and where.
public enum Redundancy: UInt8, Sendable, CaseIterable {
    case lrs = 1
    case zrs = 2
    case grs = 3
    case raGRS = 4

    /// Whether a second region gets an asynchronous copy.
    public var hasPair: Bool { self == .grs || self == .raGRS }

    /// The word in JSON and on the command line.
    public var name: String {
        switch self {
        case .lrs: "lrs"
        case .zrs: "zrs"
        case .grs: "grs"
        case .raGRS: "ra-grs"
        }
    }
}

/// Features of the format. A vault names those that a reader must know.
public enum Feature {
    public static let sha256 = "sha256"
    public static let zstd = "zstd"
    /// The vault is what its log says: format 2.
    public static let log = "log-v2"
    /// Private parts of records and pages are encrypted. No code reads them yet.
    public static let sealed = "sealed-v1"

    /// Everything that a vault of version 1 may need and this code can read.
    public static let known: Set<String> = Set(
        ChunkerKind.allCases.map(\.rawValue) + [sha256, zstd])

    /// Everything that a vault of format 2 may need and this code can read.
    public static let knownInLog = known.union([log])
}

/// Named, versioned ways to cut a disk into chunks. The rules are in FORMAT.md.
public enum ChunkerKind: String, Sendable, CaseIterable {
    case gearTail = "gear-tail-v1"
    case fixed = "fixed-v1"
}

/// A vault's settings. The one file of a vault that is replaced; the highest revision counts.
public struct VaultRecord: Equatable, Sendable {
    public var id: UniqueID
    public var name: String
    /// Where the vault was created.
    public var region: UniqueID
    /// The region that gets an asynchronous copy; nil unless the redundancy is GRS or RA-GRS.
    public var pair: UniqueID?
    /// Whether the pair, and not `region`, takes the backups.
    public var failedOver: Bool
    /// 1 at first, then one more each time the record is replaced; a failover goes to
    /// `revisionAfterFailover`.
    public var revision: UInt64
    /// Nanoseconds since 1970-01-01T00:00:00Z.
    public var created: Int64
    public var redundancy: Redundancy
    /// Replicas of the region that hold this vault: the first `copies` of them, 1...3.
    public var copies: UInt8
    /// Replicas that must be durable before a recovery point is acknowledged, 1...`copies`.
    public var minCopies: UInt8
    public var chunker: ChunkerKind
    /// Mean chunk size of the chunker, in bytes: a power of two, 4 KiB...128 KiB.
    public var chunkBytesMean: UInt32
    /// Keys the authentication codes of chunks; nil in a vault that was made before there were any,
    /// which re-reads its disks by SHA-256.
    public var macKey: MACKey?
    /// A reader that does not know one of these must not read the vault.
    public var requiredFeatures: [String]
    /// A reader that does not know one of these may read, but not write.
    public var optionalFeatures: [String]

    public init(
        id: UniqueID, name: String, region: UniqueID, pair: UniqueID? = nil,
        failedOver: Bool = false, revision: UInt64, created: Int64,
        redundancy: Redundancy, copies: UInt8, minCopies: UInt8, chunker: ChunkerKind,
        chunkBytesMean: UInt32, macKey: MACKey? = nil, requiredFeatures: [String],
        optionalFeatures: [String]
    ) {
        self.id = id
        self.name = name
        self.region = region
        self.pair = pair
        self.failedOver = failedOver
        self.revision = revision
        self.created = created
        self.redundancy = redundancy
        self.copies = copies
        self.minCopies = minCopies
        self.chunker = chunker
        self.chunkBytesMean = chunkBytesMean
        self.macKey = macKey
        self.requiredFeatures = requiredFeatures
        self.optionalFeatures = optionalFeatures
    }

    /// The region that takes backups.
    public var activeRegion: UniqueID { failedOver ? pair ?? region : region }

    /// The region that gets the copies; nil without a pair.
    public var passiveRegion: UniqueID? { failedOver ? region : pair }

    /// Number of failovers so far.
    public var epoch: UInt64 { revision >> 32 }

    /// The next multiple of 2^32: above everything that the other region can have counted up to
    /// without knowing of the failover. Nil when there is no such number, after 2^32 failovers.
    public var revisionAfterFailover: UInt64? {
        let (next, overflow) = ((revision >> 32) + 1).multipliedReportingOverflow(by: 1 << 32)
        return overflow || next > Limits.sequenceMax ? nil : next
    }

    public func encoded() -> [UInt8] {
        var writer = ByteWriter(reserving: 256)
        // The features come first, so that a reader can refuse before it meets what it cannot
        // parse.
        writer.list(requiredFeatures) { $0.text($1) }
        writer.list(optionalFeatures) { $0.text($1) }
        writer.uniqueID(id)
        writer.text(name)
        writer.uniqueID(region)
        writer.integer(revision)
        writer.integer(created)
        writer.integer(redundancy.rawValue)
        writer.integer(copies)
        writer.integer(minCopies)
        writer.text(chunker.rawValue)
        writer.integer(chunkBytesMean)
        writer.integer(UInt8(pair == nil ? 0 : 1))
        if let pair { writer.uniqueID(pair) }
        writer.integer(UInt8(failedOver ? 1 : 0))
        writer.integer(UInt8(macKey == nil ? 0 : 1))
        if let macKey { writer.digest(macKey.bytes) }
        return SealedRecord.encode(.vault, body: writer.bytes)
    }

    /// Throws `unsupportedFeature` for a vault that needs what this code does not know.
    public static func decode(_ bytes: [UInt8]) throws(FormatError) -> VaultRecord {
        try SealedRecord.decodeVersioned(.vault, from: bytes) {
            reader, version throws(FormatError) in
            try VaultRecord(reading: &reader, version: version)
        }.value
    }

    private init(reading reader: inout ByteReader, version: UInt16) throws(FormatError) {
        func features(_ field: String) throws(FormatError) -> [String] {
            try reader.list(field, max: Limits.featuresMax) { reader throws(FormatError) in
                try reader.text("feature", max: Limits.nameBytesMax)
            }
        }
        requiredFeatures = try features("required features")
        for feature in requiredFeatures where !Feature.known.contains(feature) {
            throw .unsupportedFeature(feature)
        }
        optionalFeatures = try features("optional features")
        id = try reader.uniqueID()
        name = try reader.name("name")
        region = try reader.uniqueID()
        revision = try reader.uint64()
        guard 1...Limits.sequenceMax ~= revision else {
            throw .invalidField(.vault, field: "revision")
        }
        created = try reader.int64()
        guard let redundancy = Redundancy(rawValue: try reader.uint8()) else {
            throw .invalidField(.vault, field: "redundancy")
        }
        self.redundancy = redundancy
        copies = try reader.uint8()
        minCopies = try reader.uint8()
        guard 1...UInt8(Limits.replicasMax) ~= copies, 1...copies ~= minCopies else {
            throw .invalidField(.vault, field: "copies")
        }
        let chunkerName = try reader.text("chunker", max: Limits.nameBytesMax)
        guard let chunker = ChunkerKind(rawValue: chunkerName) else {
            throw .unsupportedFeature(chunkerName)
        }
        self.chunker = chunker
        chunkBytesMean = try reader.uint32()
        guard Self.chunkBytesMeanRange ~= chunkBytesMean, chunkBytesMean.nonzeroBitCount == 1 else {
            throw .invalidField(.vault, field: "mean chunk size")
        }
        (pair, failedOver) = (nil, false)
        if version >= 2 { try readPair(&reader) }
        macKey = version >= 3 ? try Self.readKey(&reader) : nil
    }

    private static func readKey(_ reader: inout ByteReader) throws(FormatError) -> MACKey? {
        switch try reader.uint8() {
        case 0: nil
        case 1: MACKey(try reader.digest())
        default: throw .invalidField(.vault, field: "key")
        }
    }

    private mutating func readPair(_ reader: inout ByteReader) throws(FormatError) {
        switch try reader.uint8() {
        case 0: pair = nil
        case 1: pair = try reader.uniqueID()
        default: throw .invalidField(.vault, field: "pair")
        }
        let flag = try reader.uint8()
        failedOver = flag == 1
        guard flag <= 1, pair != region, pair != nil || !failedOver else {
            throw .invalidField(.vault, field: "pair")
        }
    }

    /// Mean sizes that a chunker takes: max is 8 times the mean and `Limits.chunkBytesMax` at most.
    public static let chunkBytesMeanRange: ClosedRange<UInt32> = 4096...131072
}
