internal import KuraCodec
internal import KuraFormat
internal import KuraIO

/// One thread of a restore.
final class RestoreWorker {
    private let restore: Restore
    private let blocks = BlockCache()
    private let frames: FrameCache
    private let manifest: ManifestReader
    private(set) var trace = StageTimes()
    private var hasher = BatchHasher()
    /// Names of the chunks in `hasher`.
    private var distinct: [ChunkID] = []

    /// A chunk of the extent and where it is stored.
    private struct Piece {
        var chunk: ExtentChunk
        var place: FoundChunk
    }

    init(_ restore: Restore) {
        self.restore = restore
        frames = FrameCache(restore.packs, capacity: Tuning.cachedFrames)
        manifest = ManifestReader(restore.index, restore.packs, blocks: blocks)
    }

    func run() {
        do throws(StoreError) {
            while let (number, range, node) = restore.next() {
                try process(number, range, node)
            }
        } catch {
            restore.fail(error)
        }
    }

    private func process(
        _ number: Int, _ range: Range<UInt64>, _ node: NodeID?
    ) throws(StoreError) {
        let pieces = try trace.timeThrowing(.lookup) { () throws(StoreError) -> [Piece] in
            try placedChunks(of: node)
        }
        let extent = AssembledExtent(
            number: number, range: range, runs: Self.runs(of: pieces), buffer: restore.takeBuffer())
        do throws(StoreError) {
            try assemble(pieces, extent)
        } catch {
            restore.giveBack(extent.buffer)
            throw error
        }
        switch restore.target {
        case .file(let file): restore.submit(extent, to: file)
        case .stream(let stream): try restore.writeInOrder(extent, to: stream)
        }
    }

    private func assemble(_ pieces: [Piece], _ extent: AssembledExtent) throws(StoreError) {
        let end = pieces.map { $0.chunk.offset + $0.chunk.byteCount }.max() ?? 0
        guard end <= extent.byteCount else {
            throw StoreError(
                format: .invalidField(.node, field: "chunk beyond the disk"), at: nil)
        }
        try copyChunks(pieces, to: extent.bytes)
    }

    /// Stretches of the extent that chunks cover without a gap, in ascending order.
    private static func runs(of pieces: [Piece]) -> [Range<Int>] {
        var runs: [Range<Int>] = []
        for chunk in pieces.map(\.chunk).sorted(by: { $0.offset < $1.offset }) {
            if let last = runs.last, last.upperBound == chunk.offset {
                runs[runs.count - 1] = last.lowerBound..<(chunk.offset + chunk.byteCount)
            } else {
                runs.append(chunk.offset..<(chunk.offset + chunk.byteCount))
            }
        }
        return runs
    }

    /// The chunks of an extent with their places, in the order of packs and frames.
    private func placedChunks(of node: NodeID?) throws(StoreError) -> [Piece] {
        guard let node else { return [] }
        var pieces: [Piece] = []
        for chunk in try manifest.chunks(ofExtent: node) {
            guard let place = try restore.index.find(chunk.id, blocks) else {
                throw StoreError(
                    .damaged, "chunk \(chunk.id.short) is in no pack",
                    remedy: "run: kura verify --level chunks, to see what is affected")
            }
            pieces.append(Piece(chunk: chunk, place: place))
        }
        pieces.sort { left, right in
            if left.place.pack != right.place.pack { return left.place.pack < right.place.pack }
            if left.place.frame != right.place.frame { return left.place.frame < right.place.frame }
            return left.place.plainOffset < right.place.plainOffset
        }
        return pieces
    }

    /// Copies the bytes of every piece to its place, frame by frame. A chunk that occurs several
    /// times is checked once.
    private func copyChunks(
        _ pieces: [Piece], to extent: UnsafeMutableRawBufferPointer
    ) throws(StoreError) {
        var start = 0
        while start < pieces.count {
            var end = start + 1
            while end < pieces.count, pieces[end].place.isSameFrame(as: pieces[start].place) {
                end += 1
            }
            try copyChunks(ofFrame: pieces[start..<end], to: extent)
            start = end
        }
    }

    private func copyChunks(
        ofFrame pieces: ArraySlice<Piece>, to extent: UnsafeMutableRawBufferPointer
    ) throws(StoreError) {
        let place = pieces[pieces.startIndex].place
        var plain = try trace.timeThrowing(.decode) { () throws(StoreError) in
            try frames.frame(place.frame, of: place.pack)
        }
        if !trace.time(.hash, { isSound(pieces, in: plain) }) {
            // Once more, with the stored bytes compared: another replica may have a good copy.
            plain = try frames.frame(place.frame, of: place.pack, checked: true)
            guard isSound(pieces, in: plain) else {
                throw StoreError(
                    .damaged, "frame \(place.frame) of pack \(place.pack.short) does not hold what "
                        + "the index says", remedy: "run: kura verify --level chunks")
            }
        }
        trace.time(.assemble) {
            for piece in pieces {
                // Both ends were compared with the frame and the extent before.
                let target = extent.baseAddress! + piece.chunk.offset
                target.copyMemory(
                    from: plain.baseAddress! + piece.place.plainOffset,
                    byteCount: piece.chunk.byteCount)
            }
        }
    }

    /// Whether every piece lies in the frame and hashes to its name.
    private func isSound(_ pieces: ArraySlice<Piece>, in plain: UnsafeRawBufferPointer) -> Bool {
        hasher.removeAll()
        distinct.removeAll(keepingCapacity: true)
        for piece in pieces where distinct.last != piece.chunk.id {
            let end = piece.place.plainOffset + piece.chunk.byteCount
            guard end <= plain.count else { return false }
            hasher.append(UnsafeRawBufferPointer(rebasing: plain[piece.place.plainOffset..<end]))
            distinct.append(piece.chunk.id)
        }
        hasher.run()
        return hasher.digests == distinct
    }
}
