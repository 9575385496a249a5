import KuraFormat

/// An index run in memory: what a look-up costs without the disk.
struct IndexSample: @unchecked Sendable {
    // Immutable after init.

    static let entryCount = 1 << 20

    private let trailer: IndexRunTrailer
    private let blocks: UnsafeMutableRawBufferPointer
    /// Names that the run holds, in no order.
    let known: [ChunkID]
    /// Names that it does not hold.
    let unknown: [ChunkID]

    init() {
        let vault = UniqueID(high: 1, low: 2)
        let names = Self.names(seed: 1, count: Self.entryCount)
        let sorted = names.sorted()
        let blockCount = Int(IndexRunTrailer.blockCount(entries: UInt64(sorted.count)))
        blocks = .allocate(byteCount: blockCount * IndexBlock.byteCount, alignment: 4096)
        var filter = BloomFilter(capacity: sorted.count)
        var fences: [UInt64] = []
        for name in sorted { filter.insert(name) }
        for number in 0..<blockCount {
            let start = number * IndexBlock.entriesMax
            let part = sorted[start..<min(start + IndexBlock.entriesMax, sorted.count)]
            let entries = part.map { IndexEntry(id: $0, location: ChunkLocation(bits: 7)) }
            let offset = number * IndexBlock.byteCount
            IndexBlock.encode(
                entries[...], number: UInt32(number),
                into: UnsafeMutableRawBufferPointer(
                    rebasing: blocks[offset..<(offset + IndexBlock.byteCount)]))
            fences.append(entries[0].id.word0)
        }
        trailer = IndexRunTrailer(
            header: IndexRunHeader(vault: vault, nonce: 1), entryCount: UInt64(sorted.count),
            blocksDigest: sorted[0], packs: [], superseded: [], fences: fences, filter: filter)
        known = Array(names.prefix(100_000))
        unknown = Self.names(seed: 2, count: 100_000)
    }

    /// Filter, fences, block: as `ChunkIndex` looks a name up when the block is in memory.
    func contains(_ id: ChunkID) -> Bool {
        guard trailer.filter.mayContain(id), let number = trailer.block(for: id) else {
            return false
        }
        let start = number * IndexBlock.byteCount
        let block = UnsafeRawBufferPointer(
            rebasing: UnsafeRawBufferPointer(blocks)[start..<(start + IndexBlock.byteCount)])
        let count = min(IndexBlock.entriesMax, Self.entryCount - number * IndexBlock.entriesMax)
        return IndexBlock.find(id, in: block, count: count) != nil
    }

    private static func names(seed: UInt64, count: Int) -> [ChunkID] {
        var state = seed
        func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var word = state
            word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
            word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
            return word ^ (word >> 31)
        }
        return (0..<count).map { _ in Digest(words: (next(), next(), next(), next())) }
    }
}
