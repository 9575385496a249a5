/// Where a chunk lies: pack number in the run's table, frame number in the pack, offset in the
/// frame.
///
/// Stored as 64 bits: pack in the upper 24, frame in 16, plain offset in the lower 24.
@frozen
public struct ChunkLocation: Equatable, Sendable, BitwiseCopyable {
    public var bits: UInt64

    @inlinable
    public init(bits: UInt64) { self.bits = bits }

    /// - Parameters:
    ///   - pack: 0..<`Limits.runPacksMax`.
    ///   - frame: 0..<`Limits.packFramesMax`.
    ///   - plainOffset: first byte of the chunk in the frame's plain bytes, below 2^24.
    public init(pack: Int, frame: Int, plainOffset: Int) {
        precondition(pack < Limits.runPacksMax && frame < Limits.packFramesMax)
        precondition(plainOffset < Limits.framePlainBytesMax)
        bits = UInt64(pack) << 40 | UInt64(frame) << 24 | UInt64(plainOffset)
    }

    /// The bits of frame and plain offset.
    public static let placeMask: UInt64 = 1 << 40 - 1

    public var pack: Int { Int(bits >> 40) }
    public var frame: Int { Int(bits >> 24 & 0xffff) }
    public var plainOffset: Int { Int(bits & 0xff_ffff) }
}

/// One entry of an index run: 40 bytes, the name and then the location.
@frozen
public struct IndexEntry: Equatable, Sendable, BitwiseCopyable {
    public static let byteCount = 40

    public var id: ChunkID
    public var location: ChunkLocation

    @inlinable
    public init(id: ChunkID, location: ChunkLocation) {
        self.id = id
        self.location = location
    }
}

/// A 4 KiB block of an index run: up to 101 entries in ascending order, and its own checksum.
///
///     0              4040    4042       4044     4048       4064           4096
///     | entries ...  | count | reserved | number | reserved | SHA-256 of [0, 4064) |
///
/// Unused entries are zero. One lookup that passes the filter reads one block.
public enum IndexBlock {
    public static let byteCount = 4096
    public static let entriesMax = 101
    /// Bytes that the checksum covers; the checksum follows them.
    public static let checkedByteCount = 4064
    private static let countOffset = 4040
    private static let numberOffset = 4044

    /// Fills `target` (exactly 4096 bytes) except for the checksum, which `seal` writes.
    public static func encode(
        _ entries: ArraySlice<IndexEntry>, number: UInt32,
        into target: UnsafeMutableRawBufferPointer
    ) {
        precondition(target.count == byteCount && 1...entriesMax ~= entries.count)
        let base = target.baseAddress!
        base.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
        var offset = 0
        for entry in entries {
            entry.id.store(to: base + offset)
            base.storeBytes(
                of: entry.location.bits.littleEndian, toByteOffset: offset + 32, as: UInt64.self)
            offset += IndexEntry.byteCount
        }
        base.storeBytes(
            of: UInt16(entries.count).littleEndian, toByteOffset: countOffset, as: UInt16.self)
        base.storeBytes(of: number.littleEndian, toByteOffset: numberOffset, as: UInt32.self)
    }

    public static func seal(_ digest: Digest, into target: UnsafeMutableRawBufferPointer) {
        digest.store(to: target.baseAddress! + checkedByteCount)
    }

    /// The checksum that a block carries.
    public static func storedDigest(_ block: UnsafeRawBufferPointer) -> Digest {
        precondition(block.count == byteCount)
        return Digest(loadingFrom: block.baseAddress! + checkedByteCount)
    }

    /// The number of entries of a checked block.
    @inline(__always)
    public static func count(of block: UnsafeRawBufferPointer) -> Int {
        Int(UInt16(littleEndian: block.load(fromByteOffset: countOffset, as: UInt16.self)))
    }

    /// Checks a block's fields. The caller has compared its checksum.
    /// - Returns: the number of entries.
    public static func check(
        _ block: UnsafeRawBufferPointer, number: UInt32
    ) throws(FormatError) -> Int {
        precondition(block.count == byteCount)
        let count = count(of: block)
        guard 1...entriesMax ~= count else {
            throw .invalidField(.indexBlock, field: "entry count")
        }
        let stored = block.load(fromByteOffset: numberOffset, as: UInt32.self)
        guard UInt32(littleEndian: stored) == number else {
            throw .invalidField(.indexBlock, field: "block number")
        }
        guard isZero(block, from: count * IndexEntry.byteCount, to: countOffset),
            isZero(block, from: countOffset + 2, to: numberOffset),
            isZero(block, from: numberOffset + 4, to: checkedByteCount)
        else {
            throw .invalidField(.indexBlock, field: "reserved")
        }
        for index in 1..<max(count, 1) where entry(block, index - 1).id >= entry(block, index).id {
            throw .invalidField(.indexBlock, field: "entry order")
        }
        return count
    }

    private static func isZero(
        _ block: UnsafeRawBufferPointer, from start: Int, to end: Int
    ) -> Bool {
        block[start..<end].allSatisfy { $0 == 0 }
    }

    /// Entry `index` of a checked block; `index` is below the block's count.
    @inline(__always)
    public static func entry(_ block: UnsafeRawBufferPointer, _ index: Int) -> IndexEntry {
        let base = block.baseAddress! + index &* IndexEntry.byteCount
        let bits = base.loadUnaligned(fromByteOffset: 32, as: UInt64.self)
        return IndexEntry(
            id: Digest(loadingFrom: base), location: ChunkLocation(bits: UInt64(littleEndian: bits))
        )
    }

    public static func find(
        _ id: ChunkID, in block: UnsafeRawBufferPointer, count: Int
    ) -> ChunkLocation? {
        slot(of: id, in: block, count: count).map { entry(block, $0).location }
    }

    /// Place of a name in a checked block of `count` entries. Binary search.
    public static func slot(
        of id: ChunkID, in block: UnsafeRawBufferPointer, count: Int
    ) -> Int? {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            let entry = entry(block, middle)
            if entry.id == id { return middle }
            if entry.id < id { low = middle + 1 } else { high = middle }
        }
        return nil
    }
}
