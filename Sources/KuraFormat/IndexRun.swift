/// One pack as an index run lists it. 56 bytes.
public struct PackSummary: Equatable, Sendable {
    public static let byteCount = 56

    public var id: PackID
    public var kind: PackKind
    public var chunkCount: UInt32
    /// Length of the pack file.
    public var fileByteCount: UInt64
    /// Plain bytes of all its chunks.
    public var plainByteCount: UInt64

    public init(
        id: PackID, kind: PackKind, chunkCount: UInt32, fileByteCount: UInt64,
        plainByteCount: UInt64
    ) {
        self.id = id
        self.kind = kind
        self.chunkCount = chunkCount
        self.fileByteCount = fileByteCount
        self.plainByteCount = plainByteCount
    }
}

/// The first 4 KiB of an index run; only the first 32 bytes are used.
public struct IndexRunHeader: Equatable, Sendable {
    public static let byteCount = 4096
    static let usedByteCount = 32
    static let magic = Array("KURAINDX".utf8)
    static let nonceByteCount = 6
    /// Values that a nonce may have.
    public static let nonces: Range<UInt64> = 1..<(1 << 48)

    public var vault: UniqueID
    /// A random value that keeps names from recurring: a run that lists again what a superseded run
    /// listed must not have its name. 0 in runs of version 1, which have none.
    public var nonce: UInt64

    public init(vault: UniqueID, nonce: UInt64) {
        precondition(nonce == 0 || Self.nonces ~= nonce)
        self.vault = vault
        self.nonce = nonce
    }

    func encodedUsed() -> [UInt8] {
        var writer = ByteWriter(reserving: Self.usedByteCount)
        writer.append(Self.magic)
        writer.integer(UInt16(nonce == 0 ? 1 : 2))
        writer.nonce(nonce, byteCount: Self.nonceByteCount)
        writer.uniqueID(vault)
        return writer.bytes
    }

    public func encoded() -> [UInt8] {
        let used = encodedUsed()
        return used + [UInt8](repeating: 0, count: Self.byteCount - used.count)
    }

    init(reading reader: inout ByteReader) throws(FormatError) {
        guard try reader.bytes(8).elementsEqual(Self.magic) else { throw .badMagic(.indexRun) }
        let version = try reader.uint16()
        guard 1...2 ~= version else { throw .unsupportedVersion(.indexRun, version: version) }
        nonce = try reader.nonce(byteCount: Self.nonceByteCount, in: version)
        vault = try reader.uniqueID()
    }
}

/// The tables at the end of an index run. What a lookup needs in memory: fences and filter.
public struct IndexRunTrailer: Equatable, Sendable {
    public var header: IndexRunHeader
    public var entryCount: UInt64
    /// SHA-256 over the checksums of all blocks in order: ties the blocks to this run.
    public var blocksDigest: Digest
    public var packs: [PackSummary]
    /// Runs whose every entry this one holds, too. They may be deleted once this one is durable.
    public var superseded: [RunID]
    /// First word of the first name of each block.
    public var fences: [UInt64]
    public var filter: BloomFilter

    public init(
        header: IndexRunHeader, entryCount: UInt64, blocksDigest: Digest, packs: [PackSummary],
        superseded: [RunID], fences: [UInt64], filter: BloomFilter
    ) {
        self.header = header
        self.entryCount = entryCount
        self.blocksDigest = blocksDigest
        self.packs = packs
        self.superseded = superseded
        self.fences = fences
        self.filter = filter
    }

    /// Bytes of a trailer before its tables.
    public static let fixedByteCount = IndexRunHeader.usedByteCount + 24 + Digest.byteCount

    public static func blockCount(entries: UInt64) -> UInt64 {
        let perBlock = UInt64(IndexBlock.entriesMax)
        return entries / perBlock + (entries % perBlock == 0 ? 0 : 1)
    }

    public var encodedByteCount: Int {
        Self.fixedByteCount + packs.count * PackSummary.byteCount
            + superseded.count * Digest.byteCount + fences.count * 8
            + filter.blockCount * BloomFilter.blockByteCount
    }

    /// Length that the whole run file must have.
    public var fileByteCount: UInt64 {
        UInt64(IndexRunHeader.byteCount + fences.count * IndexBlock.byteCount)
            + UInt64(encodedByteCount + Footer.byteCount)
    }

    public func encoded() -> [UInt8] {
        var bytes = encodedHead()
        bytes.reserveCapacity(encodedByteCount)
        filter.withUnsafeStoredBytes { bytes += $0 }
        return bytes
    }

    /// All of the trailer but the filter, which follows it and is larger than the rest.
    public func encodedHead() -> [UInt8] {
        var writer = ByteWriter(
            reserving: encodedByteCount - filter.blockCount * BloomFilter.blockByteCount)
        writer.append(header.encodedUsed())
        writer.integer(entryCount)
        writer.integer(UInt32(packs.count))
        writer.integer(UInt32(superseded.count))
        writer.integer(UInt32(filter.blockCount))
        writer.zeros(4)
        writer.digest(blocksDigest)
        for pack in packs {
            writer.digest(pack.id)
            writer.integer(pack.kind.rawValue)
            writer.zeros(3)
            writer.integer(pack.chunkCount)
            writer.integer(pack.fileByteCount)
            writer.integer(pack.plainByteCount)
        }
        for run in superseded { writer.digest(run) }
        for fence in fences { writer.integer(fence) }
        return writer.bytes
    }

    /// What the first `fixedByteCount` bytes of a trailer say about its size: within the limits of
    /// the format, and not compared with the run's name yet.
    public struct Counts: Equatable, Sendable {
        public var entries: UInt64
        public var packs: Int
        public var superseded: Int
        public var filterBlocks: Int

        public init(in fixed: UnsafeRawBufferPointer) throws(FormatError) {
            precondition(fixed.count >= fixedByteCount)
            var reader = ByteReader(fixed, of: .indexRun)
            _ = try reader.bytes(IndexRunHeader.usedByteCount)
            try self.init(reading: &reader)
        }

        init(reading reader: inout ByteReader) throws(FormatError) {
            entries = try reader.uint64()
            packs = Int(try reader.uint32())
            superseded = Int(try reader.uint32())
            filterBlocks = Int(try reader.uint32())
            try reader.zeros(4, "reserved")
            guard entries > 0, entries <= UInt64(UInt32.max) * UInt64(IndexBlock.entriesMax) else {
                throw .invalidField(.indexRun, field: "entry count")
            }
            guard packs <= Limits.runPacksMax else {
                throw .invalidField(.indexRun, field: "pack count")
            }
            guard filterBlocks == BloomFilter.blockCount(for: Int(entries)) else {
                throw .invalidField(.indexRun, field: "filter blocks")
            }
        }

        public var blocks: Int { Int(IndexRunTrailer.blockCount(entries: entries)) }
        public var packBytes: Int { packs * PackSummary.byteCount }
        public var supersededBytes: Int { superseded * Digest.byteCount }
        public var filterBytes: Int { filterBlocks * BloomFilter.blockByteCount }

        /// Length of the trailer without its filter. All counts have 32 bits: no overflow.
        public var headByteCount: Int {
            fixedByteCount + packBytes + supersededBytes + blocks * 8
        }
        public var trailerByteCount: UInt64 { UInt64(headByteCount + filterBytes) }
        /// Length that the whole run file must have.
        public var fileByteCount: UInt64 {
            UInt64(IndexRunHeader.byteCount + blocks * IndexBlock.byteCount + Footer.byteCount)
                + trailerByteCount
        }
    }

    /// Whether each row of a part of the table of packs can be one. Looks at little of each.
    public static func mayBePacks(_ rows: UnsafeRawBufferPointer) -> Bool {
        stride(from: Digest.byteCount, to: rows.count, by: PackSummary.byteCount).allSatisfy {
            PackKind(rawValue: rows[$0]) != nil
        }
    }

    /// Decodes a trailer whose SHA-256 the caller has compared with the file's name. O(bytes).
    public init(decoding bytes: UnsafeRawBufferPointer) throws(FormatError) {
        try self.init(ByteReader(bytes, of: .indexRun), filter: nil)
    }

    /// Decodes a trailer that is in two pieces, so that a large filter is not copied.
    /// - Parameters:
    ///   - head: all of it but the filter.
    ///   - filter: what follows the head in the file.
    public init(
        decodingHead head: UnsafeRawBufferPointer, filter: BloomFilter
    ) throws(FormatError) {
        try self.init(ByteReader(head, of: .indexRun), filter: filter)
    }

    /// - Parameter known: the filter, where it is not among the bytes.
    private init(_ bytes: ByteReader, filter known: BloomFilter?) throws(FormatError) {
        var reader = bytes
        header = try IndexRunHeader(reading: &reader)
        let counts = try Counts(reading: &reader)
        entryCount = counts.entries
        blocksDigest = try reader.digest()
        let (packCount, supersededCount) = (counts.packs, counts.superseded)
        let (fenceCount, filterBlocks) = (counts.blocks, counts.filterBlocks)
        guard filterBlocks == known?.blockCount ?? filterBlocks else {
            throw .invalidField(.indexRun, field: "filter blocks")
        }
        // All counts have 32 bits, so this sum cannot overflow; nothing is allocated before it
        // holds.
        let tables =
            packCount * PackSummary.byteCount + supersededCount * Digest.byteCount
            + fenceCount * 8 + (known == nil ? filterBlocks * BloomFilter.blockByteCount : 0)
        guard reader.remaining >= tables else {
            throw .truncated(
                .indexRun, needed: UInt64(reader.offset + tables),
                available: UInt64(reader.offset + reader.remaining))
        }
        packs = []
        packs.reserveCapacity(packCount)
        for _ in 0..<packCount { packs.append(try Self.pack(&reader)) }
        superseded = []
        for _ in 0..<supersededCount { superseded.append(try reader.digest()) }
        fences = try Self.words(&reader, count: fenceCount)
        for index in 1..<max(fences.count, 1) where fences[index - 1] > fences[index] {
            throw .invalidField(.indexRun, field: "fences")
        }
        if let known {
            filter = known
        } else {
            let raw = try reader.bytes(filterBlocks * BloomFilter.blockByteCount)
            filter = BloomFilter(blockCount: filterBlocks) { $0.copyMemory(from: raw) }
        }
        try reader.finish()
    }

    private static func pack(_ reader: inout ByteReader) throws(FormatError) -> PackSummary {
        let id = try reader.digest()
        guard let kind = PackKind(rawValue: try reader.uint8()) else {
            throw .invalidField(.indexRun, field: "pack kind")
        }
        try reader.zeros(3, "reserved")
        let chunkCount = try reader.uint32()
        let fileByteCount = try reader.uint64()
        guard fileByteCount <= UInt64(Limits.packBytesMax) else {
            throw .invalidField(.indexRun, field: "pack length")
        }
        let plainByteCount = try reader.uint64()
        guard chunkCount <= Limits.packChunksMax, plainByteCount <= PackTrailer.plainByteCountMax
        else {
            throw .invalidField(.indexRun, field: "pack size")
        }
        return PackSummary(
            id: id, kind: kind, chunkCount: chunkCount, fileByteCount: fileByteCount,
            plainByteCount: plainByteCount)
    }

    private static func words(
        _ reader: inout ByteReader, count: Int
    ) throws(FormatError) -> [UInt64] {
        let raw = try reader.bytes(count * 8)
        return [UInt64](unsafeUninitializedCapacity: count) { buffer, initialized in
            for index in 0..<count {
                let word = raw.loadUnaligned(fromByteOffset: index &* 8, as: UInt64.self)
                buffer[index] = UInt64(littleEndian: word)
            }
            initialized = count
        }
    }

    /// The block that holds `id` if any does: the last one whose fence is not above it.
    /// Where the next lower block has the same fence as the name's first word, it may be there too.
    public func block(for id: ChunkID) -> Int? {
        var low = 0
        var high = fences.count
        while low < high {
            let middle = (low + high) / 2
            if fences[middle] <= id.word0 { low = middle + 1 } else { high = middle }
        }
        return low == 0 ? nil : low - 1
    }
}
