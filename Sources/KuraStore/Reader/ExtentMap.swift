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
        let end = chunks[first...].partitioningIndex { $0.offset >= range.upperBound }
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
        chunks[...].partitioningIndex { $0.offset + $0.byteCount > offset }
    }
}

extension ArraySlice {
    /// The first index whose element belongs to the second part of the slice; `endIndex` where none
    /// does. Elements of the second part come after all others.
    func partitioningIndex(where belongs: (Element) -> Bool) -> Int {
        var (low, high) = (startIndex, endIndex)
        while low < high {
            let middle = low + (high - low) / 2
            if belongs(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
