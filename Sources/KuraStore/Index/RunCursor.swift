internal import KuraCodec
internal import KuraFormat
internal import KuraIO

/// Goes through the entries of a run from the first to the last, in memory that does not depend on
/// how many there are.
struct RunCursor {
    private let run: IndexRunReader
    private let packCount: Int
    private let buffer: AlignedBuffer
    private var hasher = BatchHasher()
    /// Next block to read.
    private var nextBlock = 0
    /// Blocks in the buffer.
    private var held = 0
    /// The block in the buffer that has the next entry, the entry's slot in it, and the number of
    /// its entries.
    private var block = 0
    private var slot = 0
    private var count = 0

    /// Blocks that are read with one call: 256 KiB, because a merge reads many runs in turn, and a
    /// disk must seek from one to the next.
    private static let blocksAtOnce = 64

    init(_ run: IndexRunReader) {
        self.run = run
        packCount = run.trailer.packs.count
        let blocks = min(Self.blocksAtOnce, run.trailer.fences.count)
        buffer = AlignedBuffer(byteCount: blocks * IndexBlock.byteCount)
    }

    /// The next entry; nil after the last one.
    mutating func next() throws(KuraError) -> IndexEntry? {
        if slot == count, try !beginBlock() { return nil }
        let entry = IndexBlock.entry(bytes(ofBlock: block), slot)
        guard entry.location.pack < packCount else {
            throw KuraError(
                .damaged, "index run \(run.id.short) names a pack that it does not list",
                remedy: .vault(.repair(.files)))
        }
        slot += 1
        return entry
    }

    private func bytes(ofBlock number: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(
            start: buffer.base + number &* IndexBlock.byteCount, count: IndexBlock.byteCount)
    }

    /// - Returns: false after the last block.
    private mutating func beginBlock() throws(KuraError) -> Bool {
        block += 1
        if block >= held {
            held = min(Self.blocksAtOnce, run.trailer.fences.count - nextBlock)
            guard held > 0 else { return false }
            try run.readBlocks(
                from: nextBlock,
                into: UnsafeMutableRawBufferPointer(
                    rebasing: buffer.bytes[..<(held * IndexBlock.byteCount)]), &hasher)
            nextBlock += held
            block = 0
        }
        count = IndexBlock.count(of: bytes(ofBlock: block))
        slot = 0
        return true
    }
}
