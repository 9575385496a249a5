internal import KuraFormat

/// Where the chunks of one extent are: on the disk, and in packs.
final class ExtentMap: Sendable {
    struct Chunk: Sendable {
        /// Bytes from the extent's start.
        var offset: Int
        var byteCount: Int
        var id: ChunkID
        var place: FoundChunk
    }

    /// Ascending, without overlap.
    private let chunks: [Chunk]

    init(_ chunks: [Chunk]) { self.chunks = chunks }

    /// Chunks that have a byte in `range`, ascending.
    func chunks(in range: Range<Int>) -> ArraySlice<Chunk> {
        let first = firstIndex(endingAfter: range.lowerBound)
        let end = KuraFormat.firstIndex(in: first..<chunks.count) {
            chunks[$0].offset >= range.upperBound
        }
        return chunks[first..<end]
    }

    /// The stretch that chunks cover without a gap and that ends after `offset`, the first of them;
    /// nil where none does.
    func firstRun(endingAfter offset: Int) -> Range<Int>? {
        let first = firstIndex(endingAfter: offset)
        guard first < chunks.count else { return nil }
        var end = chunks[first].offset
        for chunk in chunks[first...] {
            guard chunk.offset == end else { break }
            end += chunk.byteCount
        }
        return chunks[first].offset..<end
    }

    private func firstIndex(endingAfter offset: Int) -> Int {
        KuraFormat.firstIndex(in: 0..<chunks.count) {
            chunks[$0].offset + chunks[$0].byteCount > offset
        }
    }
}
