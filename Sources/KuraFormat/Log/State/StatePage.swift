/// A part of the state of a vault, named by its seal: a sorted list of keys and values of one kind.
///
/// A page of level 0 has the entries themselves. A page of a higher level has an entry for each
/// page of the level below: its key is the first key there, its value a `Reference` without key.
public struct StatePage: Equatable, Sendable {
    /// What the entries are; FORMAT.md has the layouts of keys and values.
    public enum Kind: UInt8, Sendable, CaseIterable {
        case points = 1
        case runs = 2
        case settings = 3
        /// Condemned, or swept and not yet deleted everywhere.
        case packs = 4
        case lost = 5
        /// Digest of the last record of each segment.
        case segments = 6
        /// Branches that a failover left behind and that were adopted.
        case branches = 7
        /// Points by their ids.
        case names = 8

        /// Low bits of the SHA-256 of a key that are zero where a page ends: so that pages have
        /// about 64 KiB, by the usual size of an entry.
        var boundaryBits: UInt64 {
            switch self {
            case .points: 8
            case .settings: 7
            case .runs, .packs, .lost, .segments, .branches, .names: 10
            }
        }
    }

    public struct Entry: Equatable, Sendable {
        /// 1...`Limits.pageKeyBytesMax` bytes.
        public var key: [UInt8]
        public var value: [UInt8]

        public init(key: [UInt8], value: [UInt8]) {
            self.key = key
            self.value = value
        }

        /// Bytes in a page.
        public var byteCount: Int { 2 + key.count + 4 + value.count }
    }

    /// A page as the root or a page above names it.
    public struct Reference: Equatable, Sendable {
        public var firstKey: [UInt8]
        /// Its name.
        public var page: Digest
        /// Entries of level 0 in it or below it.
        public var entries: UInt64
        /// Length of its file.
        public var byteCount: UInt32

        public init(firstKey: [UInt8], page: Digest, entries: UInt64, byteCount: UInt32) {
            self.firstKey = firstKey
            self.page = page
            self.entries = entries
            self.byteCount = byteCount
        }
    }

    public var vault: UniqueID
    public var kind: Kind
    /// At most `Limits.pageLevelMax`.
    public var level: UInt8
    /// 1...`Limits.pageEntriesMax`, keys ascending as bytes.
    public var entries: [Entry]

    public init(vault: UniqueID, kind: Kind, level: UInt8, entries: [Entry]) {
        self.vault = vault
        self.kind = kind
        self.level = level
        self.entries = entries
    }

    /// Most bytes of entries in one page.
    public static let entriesBytesMax = Limits.recordBodyBytesMax - fixedBytes

    private static let fixedBytes = 16 + 1 + 1 + 2 + 4 + 4

    /// Whether a page ends behind the entry with this key, wherever it stands: so equal states have
    /// equal pages. A page also ends before its entries would exceed `entriesBytesMax` or
    /// `Limits.pageEntriesMax`.
    public static func ends(after key: [UInt8], kind: Kind, level: UInt8) -> Bool {
        let bits = level == 0 ? kind.boundaryBits : 9
        return SHA256.digest(key).word3 & (1 << bits - 1) == 0
    }

    /// - Returns: its bytes, and its name.
    public func encoded() -> (bytes: [UInt8], name: Digest) {
        var writer = ByteWriter(reserving: 64 << 10)
        writer.uniqueID(vault)
        writer.integer(kind.rawValue)
        writer.integer(level)
        writer.zeros(2)
        // Key epoch: a plain vault.
        writer.integer(UInt32(0))
        writer.longList(entries) { writer, entry in
            writer.integer(UInt16(entry.key.count))
            writer.append(entry.key)
            writer.block(entry.value)
        }
        let bytes = SealedRecord.encode(.statePage, body: writer.bytes)
        return (bytes, Digest(sealOf: bytes))
    }

    /// - Returns: the page, and its name.
    public static func decode(
        _ bytes: [UInt8]
    ) throws(FormatError) -> (page: StatePage, name: Digest) {
        let (page, seal) = try SealedRecord.decode(.statePage, from: bytes) {
            reader throws(FormatError) in try StatePage(reading: &reader)
        }
        return (page, seal)
    }

    private init(reading reader: inout ByteReader) throws(FormatError) {
        vault = try reader.uniqueID()
        guard let kind = Kind(rawValue: try reader.uint8()) else { throw reader.invalid("kind") }
        self.kind = kind
        level = try reader.uint8()
        guard level <= Limits.pageLevelMax else { throw reader.invalid("level") }
        try reader.zeros(2, "reserved")
        guard try reader.uint32() == 0 else { throw .unsupportedFeature(Feature.sealed) }
        entries = try reader.longList("entries", max: Limits.pageEntriesMax, elementBytes: 7) {
            reader throws(FormatError) in
            let key = try reader.pageKey()
            return Entry(
                key: key, value: Array(try reader.block("value", max: Self.entriesBytesMax)))
        }
        let ascends = entries.ascends { $0.key.lexicographicallyPrecedes($1.key) }
        guard !entries.isEmpty, ascends else { throw reader.invalid("entries") }
        if level > 0 { _ = try references() }
    }

    /// The pages below a page of a level above 0.
    public func references() throws(FormatError) -> [Reference] {
        var references: [Reference] = []
        for entry in entries {
            references.append(
                try entry.value.parsed(as: .statePage) { reader throws(FormatError) in
                    try reader.pageReference(firstKey: entry.key)
                })
        }
        return references
    }
}

extension StatePage.Reference {
    /// The entry of a page of the level above.
    public var entry: StatePage.Entry {
        var writer = ByteWriter(reserving: 44)
        writer.pageReference(self)
        return StatePage.Entry(key: firstKey, value: writer.bytes)
    }
}

extension ByteReader {
    mutating func pageKey() throws(FormatError) -> [UInt8] {
        let count = Int(try uint16())
        guard 1...Limits.pageKeyBytesMax ~= count else { throw invalid("key") }
        return Array(try bytes(count))
    }

    /// What a reference says but for its key.
    mutating func pageReference(
        firstKey: [UInt8]
    ) throws(FormatError) -> StatePage.Reference {
        let reference = StatePage.Reference(
            firstKey: firstKey, page: try digest(), entries: try uint64(),
            byteCount: try uint32())
        guard reference.entries > 0, reference.byteCount <= SealedRecord.byteCountMax else {
            throw invalid("page")
        }
        return reference
    }
}

extension ByteWriter {
    mutating func pageReference(_ reference: StatePage.Reference) {
        digest(reference.page)
        integer(reference.entries)
        integer(reference.byteCount)
    }
}
