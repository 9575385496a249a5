/// The root of the state of a vault after one record, named by its seal. What is small stands in
/// it; the rest is in pages.
///
/// Two programs that make a checkpoint of one record make the same one. It saves reading, and
/// proves nothing: FORMAT.md says what a reader of it checks.
public struct CheckpointRoot: Equatable, Sendable {
    /// An admitted key, and the place in the log where the root key signed for it.
    public struct Key: Equatable, Sendable {
        public var body: KeyBody
        /// Number of the record that the body was in.
        public var number: UInt64
        /// That record's `previous`; nil in record 1.
        public var previous: Digest?

        public init(body: KeyBody, number: UInt64, previous: Digest?) {
            self.body = body
            self.number = number
            self.previous = previous
        }
    }

    /// The pages of one kind.
    public struct Pages: Equatable, Sendable {
        public var kind: StatePage.Kind
        /// Level of the pages that stand here.
        public var level: UInt8
        public var pages: [StatePage.Reference]

        public init(kind: StatePage.Kind, level: UInt8, pages: [StatePage.Reference]) {
            self.kind = kind
            self.level = level
            self.pages = pages
        }
    }

    public var vault: UniqueID
    /// The record after which the state is.
    public var position: LogPosition
    /// Number of failovers.
    public var epoch: UInt64
    /// The region that decides.
    public var activeRegion: UniqueID
    public var settings: VaultBody
    /// Ascending by region, 1...`Limits.regionsMax`.
    public var members: [MembersBody]
    /// Ascending by name of the key, at most `Limits.keysMax`. Removed ones are left out.
    public var keys: [Key]
    /// Ascending by kind; a kind without entries is left out.
    public var pages: [Pages]

    public init(
        vault: UniqueID, position: LogPosition, epoch: UInt64, activeRegion: UniqueID,
        settings: VaultBody, members: [MembersBody], keys: [Key], pages: [Pages]
    ) {
        self.vault = vault
        self.position = position
        self.epoch = epoch
        self.activeRegion = activeRegion
        self.settings = settings
        self.members = members
        self.keys = keys
        self.pages = pages
    }
}

extension CheckpointRoot {
    /// - Returns: its bytes, and its name.
    public func encoded() -> (bytes: [UInt8], name: Digest) {
        var open = ByteWriter(reserving: 2048)
        var hidden = ByteWriter(reserving: 512)
        settings.write(open: &open, hidden: &hidden)
        open.longList(members) { writer, members in
            var none = ByteWriter()
            members.write(open: &writer, hidden: &none)
        }
        open.longList(keys) { writer, key in
            key.body.write(open: &writer, hidden: &hidden)
            writer.integer(key.number)
            writer.digest(key.previous ?? .zero)
        }
        open.longList(pages) { writer, pages in
            writer.integer(pages.kind.rawValue)
            writer.integer(pages.level)
            writer.longList(pages.pages) { $0.pageReference($1) }
        }
        // Keys of pages have names of items in them.
        for page in pages.flatMap(\.pages) {
            hidden.integer(UInt16(page.firstKey.count))
            hidden.append(page.firstKey)
        }
        var writer = ByteWriter(reserving: open.bytes.count + hidden.bytes.count + 128)
        writer.uniqueID(vault)
        writer.position(position)
        writer.integer(epoch)
        writer.uniqueID(activeRegion)
        // Key epoch: a plain vault.
        writer.integer(UInt32(0))
        writer.block(open.bytes)
        writer.block(hidden.bytes)
        let bytes = SealedRecord.encode(.checkpoint, body: writer.bytes)
        return (bytes, Digest(sealOf: bytes))
    }

    /// - Returns: the root, and its name.
    public static func decode(
        _ bytes: [UInt8]
    ) throws(FormatError) -> (root: CheckpointRoot, name: Digest) {
        let (root, seal) = try SealedRecord.decode(.checkpoint, from: bytes) {
            reader throws(FormatError) in try CheckpointRoot(reading: &reader)
        }
        return (root, seal)
    }

    private init(reading reader: inout ByteReader) throws(FormatError) {
        vault = try reader.uniqueID()
        position = try reader.position("number")
        epoch = try reader.uint64()
        activeRegion = try reader.uniqueID()
        guard try reader.uint32() == 0 else { throw .unsupportedFeature(Feature.sealed) }
        var open = ByteReader(
            try reader.block("public part", max: Limits.recordBodyBytesMax), of: .checkpoint)
        var hidden = ByteReader(
            try reader.block("private part", max: Limits.recordBodyBytesMax), of: .checkpoint)
        settings = try VaultBody(open: &open, hidden: &hidden)
        members = try Self.members(&open)
        keys = try Self.keys(&open, &hidden)
        pages = try Self.pages(&open)
        for kind in pages.indices {
            for page in pages[kind].pages.indices {
                pages[kind].pages[page].firstKey = try hidden.pageKey()
            }
            let ascends = pages[kind].pages.ascends {
                $0.firstKey.lexicographicallyPrecedes($1.firstKey)
            }
            guard ascends else { throw reader.invalid("pages") }
        }
        try open.finish()
        try hidden.finish()
    }

    private static func members(
        _ open: inout ByteReader
    ) throws(FormatError) -> [MembersBody] {
        let members = try open.longList(
            "members", max: Limits.regionsMax, elementBytes: 2 * UniqueID.byteCount + 4
        ) { reader throws(FormatError) in
            var none = ByteReader(UnsafeRawBufferPointer(start: nil, count: 0), of: .checkpoint)
            return try MembersBody(open: &reader, hidden: &none)
        }
        guard !members.isEmpty, members.ascends(by: { $0.region < $1.region }) else {
            throw open.invalid("members")
        }
        return members
    }

    private static func keys(
        _ open: inout ByteReader, _ hidden: inout ByteReader
    ) throws(FormatError) -> [Key] {
        let keys = try open.longList(
            "keys", max: Limits.keysMax, elementBytes: 157
        ) { reader throws(FormatError) in
            let body = try KeyBody(open: &reader, hidden: &hidden)
            let number = try reader.recordNumber("number of a key")
            let previous = try reader.digest()
            guard (number == 1) == (previous == .zero) else { throw reader.invalid("keys") }
            return Key(body: body, number: number, previous: number == 1 ? nil : previous)
        }
        guard keys.ascends(by: { $0.body.id.raw < $1.body.id.raw }),
            keys.allSatisfy(\.body.isAdmitted)
        else { throw open.invalid("keys") }
        return keys
    }

    private static func pages(_ open: inout ByteReader) throws(FormatError) -> [Pages] {
        let pages = try open.longList(
            "pages", max: StatePage.Kind.allCases.count, elementBytes: 6
        ) { reader throws(FormatError) in
            guard let kind = StatePage.Kind(rawValue: try reader.uint8()) else {
                throw reader.invalid("pages")
            }
            let level = try reader.uint8()
            guard level <= Limits.pageLevelMax else { throw reader.invalid("pages") }
            let pages = try reader.longList(
                "pages", max: Limits.checkpointPagesMax, elementBytes: 44
            ) { reader throws(FormatError) in try reader.pageReference(firstKey: []) }
            guard !pages.isEmpty else { throw reader.invalid("pages") }
            return Pages(kind: kind, level: level, pages: pages)
        }
        guard pages.ascends(by: { $0.kind.rawValue < $1.kind.rawValue }) else {
            throw open.invalid("pages")
        }
        return pages
    }
}

extension Digest {
    /// The seal that a sealed record ends with.
    init(sealOf record: [UInt8]) {
        self = record.withUnsafeBytes {
            Digest(loadingFrom: $0.baseAddress! + (record.count - Digest.byteCount))
        }
    }
}
