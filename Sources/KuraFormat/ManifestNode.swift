/// A chunk as a leaf lists it: where it starts in the leaf's stretch of the disk.
public struct LeafEntry: Equatable, Sendable {
    /// Bytes from the start of the leaf's stretch, below `Limits.leafSpanBytes`.
    public var offset: UInt32
    /// Plain bytes, 1...`Limits.chunkBytesMax`. May reach beyond the leaf's stretch.
    public var byteCount: UInt32
    public var id: ChunkID
    /// The chunk's code under the vault's key; in a leaf all entries have one, or none has.
    public var mac: ChunkMAC?

    public init(offset: UInt32, byteCount: UInt32, id: ChunkID, mac: ChunkMAC? = nil) {
        self.offset = offset
        self.byteCount = byteCount
        self.id = id
        self.mac = mac
    }

    public var end: UInt32 { offset + byteCount }
}

/// A node of the manifest tree, which maps a disk to chunks.
///
/// The tree is a radix tree by disk offset: a leaf (level 0) describes 512 KiB, a node of level n
/// 64 times what one of level n-1 describes. What no chunk covers is a hole and reads as zeros. A
/// leaf lists the chunks that start in its stretch; a stretch in which none starts has no node.
/// Nodes hold relative offsets only, so equal content anywhere gives equal nodes.
public enum ManifestNode: Equatable, Sendable {
    case leaf([LeafEntry])
    /// One child a slot, 64 slots; nil where no chunk starts.
    case inner(level: Int, children: [NodeID?])

    static let magic = Array("KURANODE".utf8)
    /// Version of inner nodes, and of leaves without codes.
    public static let version: UInt8 = 1
    /// Version of leaves with codes.
    public static let versionWithCodes: UInt8 = 2
    static let headerByteCount = 16
    private static func entryByteCount(_ version: UInt8) -> Int {
        version == versionWithCodes ? 36 + ChunkMAC.byteCount : 36
    }

    private static let lengthBits = 21

    /// Bytes of a disk that one node of `level` describes.
    public static func spanBytes(level: Int) -> UInt64 {
        UInt64(Limits.leafSpanBytes) << (6 * UInt64(level))
    }

    /// Level of the root of a disk's tree: the lowest whose span holds the whole disk.
    public static func rootLevel(diskBytes: UInt64) -> Int {
        var level = 1
        while level < Limits.nodeLevelMax, spanBytes(level: level) < diskBytes { level += 1 }
        return level
    }

    public func encoded() -> [UInt8] {
        var writer = ByteWriter(reserving: 1024)
        writer.append(Self.magic)
        switch self {
        case .leaf(let entries):
            precondition(!entries.isEmpty, "a leaf without chunks has no node")
            let hasCodes = entries[0].mac != nil
            writer.integer(hasCodes ? Self.versionWithCodes : Self.version)
            writer.integer(UInt8(0))
            writer.integer(UInt16(entries.count))
            writer.integer(entries[0].offset)
            var end = entries[0].offset
            for entry in entries {
                let gapBlocks = (entry.offset - end) / UInt32(Limits.blockBytes)
                precondition(end + gapBlocks * UInt32(Limits.blockBytes) == entry.offset)
                writer.integer(gapBlocks << UInt32(Self.lengthBits) | entry.byteCount)
                writer.digest(entry.id)
                precondition((entry.mac != nil) == hasCodes, "all chunks have codes, or none has")
                if let mac = entry.mac { writer.mac(mac) }
                end = entry.end
            }
        case .inner(let level, let children):
            precondition(children.count == Limits.nodeFanOut && 1...Limits.nodeLevelMax ~= level)
            let present = children.compactMap { $0 }
            precondition(!present.isEmpty, "a node without children has no node")
            writer.integer(Self.version)
            writer.integer(UInt8(level))
            writer.integer(UInt16(present.count))
            writer.zeros(4)
            var bitmap: UInt64 = 0
            for (slot, child) in children.enumerated() where child != nil { bitmap |= 1 << slot }
            writer.integer(bitmap)
            for child in present { writer.digest(child) }
        }
        return writer.bytes
    }

    /// Length of the node that starts `bytes`, from its header. More bytes may follow it.
    public static func encodedByteCount(_ bytes: UnsafeRawBufferPointer) throws(FormatError) -> Int
    {
        var reader = ByteReader(bytes, of: .node)
        guard try reader.bytes(8).elementsEqual(magic) else { throw .badMagic(.node) }
        let version = try reader.uint8()
        let level = try reader.uint8()
        let count = Int(try reader.uint16())
        let byteCount =
            headerByteCount
            + (level == 0 ? count * entryByteCount(version) : 8 + count * Digest.byteCount)
        guard byteCount <= Limits.nodeBytesMax else { throw .invalidField(.node, field: "count") }
        guard byteCount <= bytes.count else {
            throw .truncated(.node, needed: UInt64(byteCount), available: UInt64(bytes.count))
        }
        return byteCount
    }

    /// Decodes a node that must be of `level`. The caller has compared its SHA-256 with its name.
    public init(decoding bytes: UnsafeRawBufferPointer, level: Int) throws(FormatError) {
        guard bytes.count <= Limits.nodeBytesMax else {
            throw .trailingBytes(.node, count: UInt64(bytes.count - Limits.nodeBytesMax))
        }
        var reader = ByteReader(bytes, of: .node)
        guard try reader.bytes(8).elementsEqual(Self.magic) else { throw .badMagic(.node) }
        let version = try reader.uint8()
        guard version == Self.version || level == 0 && version == Self.versionWithCodes else {
            throw .unsupportedVersion(.node, version: UInt16(version))
        }
        guard Int(try reader.uint8()) == level else { throw .invalidField(.node, field: "level") }
        let count = Int(try reader.uint16())
        guard count > 0 else { throw .invalidField(.node, field: "count") }
        self =
            level == 0
            ? .leaf(try Self.leaf(&reader, count: count, version: version))
            : .inner(level: level, children: try Self.children(&reader, count: count))
        try reader.finish()
    }

    private static func leaf(
        _ reader: inout ByteReader, count: Int, version: UInt8
    ) throws(FormatError) -> [LeafEntry] {
        var end = try reader.uint32()
        guard reader.remaining >= count * entryByteCount(version) else {
            throw .truncated(
                .node, needed: UInt64(headerByteCount + count * entryByteCount(version)),
                available: UInt64(headerByteCount + reader.remaining))
        }
        var entries: [LeafEntry] = []
        entries.reserveCapacity(count)
        for index in 0..<count {
            let packed = try reader.uint32()
            let byteCount = packed & (1 << UInt32(lengthBits) - 1)
            let gap = packed >> UInt32(lengthBits) * UInt32(Limits.blockBytes)
            // Both are bounded (gap < 8 MiB, end < 512 KiB + 1 MiB), so the sum cannot overflow.
            guard end < Limits.leafSpanBytes, end + gap < Limits.leafSpanBytes,
                index > 0 || gap == 0
            else {
                throw .invalidField(.node, field: "offset")
            }
            guard 1...UInt32(Limits.chunkBytesMax) ~= byteCount else {
                throw .invalidField(.node, field: "chunk length")
            }
            let entry = LeafEntry(
                offset: end + gap, byteCount: byteCount, id: try reader.digest(),
                mac: version == versionWithCodes ? try reader.mac() : nil)
            entries.append(entry)
            end = entry.end
        }
        return entries
    }

    private static func children(
        _ reader: inout ByteReader, count: Int
    ) throws(FormatError) -> [NodeID?] {
        try reader.zeros(4, "reserved")
        let bitmap = try reader.uint64()
        guard bitmap.nonzeroBitCount == count else {
            throw .invalidField(.node, field: "bitmap")
        }
        var children = [NodeID?](repeating: nil, count: Limits.nodeFanOut)
        for slot in 0..<Limits.nodeFanOut where bitmap >> UInt64(slot) & 1 == 1 {
            children[slot] = try reader.digest()
        }
        return children
    }
}
