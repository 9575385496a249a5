internal import KuraFormat
internal import KuraIO

/// Finds the frames that an extent needs little of, so that a backup can store their chunks once
/// more, close together.
///
/// A restore decodes a frame as far as the last chunk that it needs. Each change of a disk leaves
/// fewer needed chunks in its old frames, so without this the newest recovery point of a long
/// history, which is restored most often, would be the slowest to restore. Rewriting the chunks of
/// sparse containers is due to Fu et al., "Accelerating Restore and Garbage Collection in
/// Deduplication-based Backup Systems via Exploiting Historical Information" (USENIX ATC 2014).
/// Used by one thread.
final class SparseFrames {
    private struct Use {
        /// Plain bytes of the chunks that are needed.
        var needed = 0
        /// Where the last of them ends, in plain bytes of the frame.
        var end = 0
    }

    private let packs: PackReader
    private let blocks: BlockCache

    init(_ packs: PackReader, _ blocks: BlockCache) {
        self.packs = packs
        self.blocks = blocks
    }

    /// Chunks in large frames of which a restore of the extent decodes more than three times what
    /// it needs, the worst frames first. Frames that are stored raw need no decoding.
    ///
    /// Rewritten chunks are in small frames, so no chunk is rewritten twice, however many extents
    /// and items share it. The frames at both ends of the extent are left out: those of a first
    /// backup also hold chunks of the next extent. Costs a look-up of the index for each chunk.
    /// - Parameters:
    ///   - chunks: of one extent, ascending.
    ///   - isAllowed: whether that many plain bytes may be rewritten.
    /// - Returns: their names; none where a location cannot be read.
    func chunks(
        of chunks: [ExtentChunk], _ index: ChunkIndex, isAllowed: (Int) -> Bool
    ) -> Set<ChunkID> {
        do throws(KuraError) {
            let places = try chunks.map { chunk throws(KuraError) in
                try index.find(chunk.id, blocks)
            }
            let sparse = try frames(of: chunks, places).filter { isAllowed($0.needed) }
            guard !sparse.isEmpty else { return [] }
            let names = Set(sparse.map(\.name))
            return Set(
                zip(chunks, places).lazy.compactMap { chunk, place in
                    place.flatMap { names.contains(FrameName($0)) ? chunk.id : nil }
                })
        } catch {
            // Rewriting only saves work later. A damaged chunk is reported when it is read.
            return []
        }
    }

    /// Sparse frames, and the plain bytes that are needed of each.
    private func frames(
        of chunks: [ExtentChunk], _ places: [FoundChunk?]
    ) throws(KuraError) -> [(name: FrameName, needed: Int)] {
        var uses: [FrameName: Use] = [:]
        for case (let chunk, let place?) in zip(chunks, places) {
            var use = uses[FrameName(place)] ?? Use()
            use.needed += chunk.byteCount
            use.end = max(use.end, place.plainOffset + chunk.byteCount)
            uses[FrameName(place)] = use
        }
        for case let end?? in [places.first, places.last] { uses[FrameName(end)] = nil }
        var sparse: [(name: FrameName, needed: Int, share: Double)] = []
        for (name, use) in uses {
            let frame = try packs.frame(name.number, of: name.pack).entry
            let isLarge = frame.plainByteCount > Tuning.smallFrameBytes && frame.chunkCount > 1
            let decoded = frame.decodedBytes(upTo: use.end)
            guard isLarge, frame.codec == .zstd, use.needed * 3 < decoded else { continue }
            sparse.append((name, use.needed, Double(use.needed) / Double(decoded)))
        }
        return sparse.sorted { $0.share < $1.share }.map { ($0.name, $0.needed) }
    }
}
