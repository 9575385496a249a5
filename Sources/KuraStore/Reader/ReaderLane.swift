internal import KuraFormat
internal import KuraIO

/// What one thread of a `PointReader` works with. `@unchecked Sendable`: one thread uses it at a
/// time.
final class ReaderLane: @unchecked Sendable {
    private let index: ChunkIndex
    private let packs: PackReader
    private let blocks = BlockCache(blockCount: Tuning.readerBlocks)
    private let manifest: ManifestReader
    private let decoder = FrameDecoder()

    init(_ index: ChunkIndex, _ packs: PackReader) {
        self.index = index
        self.packs = packs
        manifest = ManifestReader(index, packs, blocks: blocks)
    }

    /// Reads the nodes of an extent and looks up its chunks.
    func map(of number: Int, of disk: DiskRecord) throws(KuraError) -> ExtentMap {
        guard let node = try manifest.extent(number, of: disk) else { return ExtentMap([]) }
        let start = UInt64(number) * UInt64(Limits.extentBytes)
        let room = Int(min(UInt64(Limits.extentBytes), disk.byteCount - start))
        var chunks: [ExtentMap.Chunk] = []
        for chunk in try manifest.chunks(ofExtent: node) {
            guard chunk.offset + chunk.byteCount <= room else {
                throw KuraError(
                    format: .invalidField(.node, field: "chunk beyond the disk"), at: nil)
            }
            guard let place = try index.find(chunk.id, blocks) else {
                throw ChunkIndex.missing(chunk.id)
            }
            chunks.append(
                ExtentMap.Chunk(
                    offset: chunk.offset, byteCount: chunk.byteCount, id: chunk.id, place: place))
        }
        return ExtentMap(chunks)
    }

    /// Copies a part of a chunk, which is compared with its name as a whole.
    /// - Parameter start: of the part, in bytes from the chunk's start.
    func copy(
        _ chunk: ExtentMap.Chunk, from start: Int, to target: UnsafeMutableRawBufferPointer,
        through frames: DecodedFrames
    ) throws(KuraError) {
        let part = start..<(start + target.count)
        if try copy(chunk, part, at: chunk.place, to: target, through: frames) { return }
        let isCopied: Void? = try index.readElsewhere(chunk.id, than: chunk.place, through: blocks)
        {
            try copy(chunk, part, at: $0, to: target, through: frames) ? () : nil
        }
        guard isCopied == nil else { return }
        throw KuraError(
            .damaged, "chunk \(chunk.id.short) has no good copy",
            remedy: .vault(.repair(.chunks)))
    }

    private func copy(
        _ chunk: ExtentMap.Chunk, _ part: Range<Int>, at place: FoundChunk,
        to target: UnsafeMutableRawBufferPointer, through frames: DecodedFrames
    ) throws(KuraError) -> Bool {
        let entry = try packs.frame(place.frame, of: place.pack)
        let frame = frames.frame(FrameName(place), byteCount: Int(entry.entry.plainByteCount))
        return try frame.copy(
            chunk, at: place.plainOffset, part: part, to: target
        ) { (plain, checked) throws(KuraError) in
            try packs.read(entry, of: place.pack, decoder, checked: checked, into: plain)
        }
    }
}
