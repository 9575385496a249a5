internal import KuraCodec
internal import KuraFormat
internal import KuraIO

/// A chunk that is not at the location that the index has for it.
struct MisplacedPiece {
    var piece: ChunkPiece
    var frame: FrameName
}

extension Restore {
    /// Finds a chunk for which the index has a wrong location, and copies it to its target.
    func find(_ misplaced: MisplacedPiece, _ decoder: FrameDecoder) throws(KuraError) {
        let piece = misplaced.piece
        let wrong = FoundChunk(
            pack: misplaced.frame.pack, frame: misplaced.frame.number,
            plainOffset: piece.plainOffset)
        let blocks = BlockCache(blockCount: 64)
        let isCopied: Void? = try index.readElsewhere(piece.id, than: wrong, through: blocks) {
            try copy(piece, from: $0, decoder) ? () : nil
        }
        guard isCopied == nil else { return }
        throw KuraError(
            .damaged,
            "frame \(wrong.frame) of pack \(wrong.pack.short) does not hold what the index says",
            remedy: .vault(.repair(.chunks)))
    }

    /// Copies a chunk to its target from where it may be.
    /// - Returns: whether it is there.
    private func copy(
        _ piece: ChunkPiece, from place: FoundChunk, _ decoder: FrameDecoder
    ) throws(KuraError) -> Bool {
        let frame = try packs.frame(place.frame, of: place.pack)
        let room = AlignedBuffer(byteCount: Int(frame.entry.plainByteCount))
        try packs.read(frame, of: place.pack, decoder, checked: true, into: room.bytes)
        let end = place.plainOffset + piece.byteCount
        guard end <= room.bytes.count else { return false }
        let found = UnsafeRawBufferPointer(rebasing: room.bytes[place.plainOffset..<end])
        guard ChunkHasher.digest(found) == piece.id else { return false }
        if let start = found.baseAddress {
            piece.target.copyMemory(from: start, byteCount: found.count)
        }
        return true
    }
}
