internal import KuraCodec
internal import KuraFormat
internal import KuraIO

/// One thread of a restore.
final class RestoreWorker {
    private let restore: Restore
    private let blocks = BlockCache()
    private let frames: FrameCache
    private let manifest: ManifestReader
    /// The whole extent, for a target that takes bytes in order.
    private var extentBuffer: AlignedBuffer?
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
        let count = Int(range.upperBound - range.lowerBound)
        if let last = pieces.map({ $0.chunk.offset + $0.chunk.byteCount }).max(), last > count {
            throw StoreError(
                format: .invalidField(.node, field: "chunk beyond the disk"), at: nil)
        }
        switch restore.target {
        case .file(let file):
            if file.needsZeros { try zeroGaps(pieces, range, in: file) }
            try forEachChunk(pieces) { (offset, bytes) throws(IOError) in
                try file.write(at: range.lowerBound + UInt64(offset), bytes)
            }
            if !pieces.isEmpty { trace.time(.write) { file.startWriteback(range) } }
        case .stream(let stream):
            try writeInOrder(number, pieces, byteCount: count, to: stream)
        }
        restore.finish(range, dataBytes: pieces.reduce(0) { $0 + UInt64($1.chunk.byteCount) })
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

    /// Hands out the bytes of every piece, frame by frame. A chunk that occurs several times is
    /// checked once.
    private func forEachChunk(
        _ pieces: [Piece], _ write: (Int, UnsafeRawBufferPointer) throws(IOError) -> Void
    ) throws(StoreError) {
        var start = 0
        while start < pieces.count {
            var end = start + 1
            while end < pieces.count, pieces[end].place.isSameFrame(as: pieces[start].place) {
                end += 1
            }
            try forEachChunk(ofFrame: pieces[start..<end], write)
            start = end
        }
    }

    private func forEachChunk(
        ofFrame pieces: ArraySlice<Piece>,
        _ write: (Int, UnsafeRawBufferPointer) throws(IOError) -> Void
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
        let start = Clock.steady()
        do throws(IOError) {
            for piece in pieces {
                let end = piece.place.plainOffset + piece.chunk.byteCount
                let bytes = UnsafeRawBufferPointer(rebasing: plain[piece.place.plainOffset..<end])
                try write(piece.chunk.offset, bytes)
            }
        } catch {
            throw StoreError(io: error)
        }
        trace[.write] += Clock.steady() - start
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

    private func zeroGaps(
        _ pieces: [Piece], _ range: Range<UInt64>, in file: TargetFile
    ) throws(StoreError) {
        var end = range.lowerBound
        let chunks = pieces.map(\.chunk).sorted { $0.offset < $1.offset }
        do throws(IOError) {
            for chunk in chunks {
                let start = range.lowerBound + UInt64(chunk.offset)
                try file.zero(end..<start)
                end = start + UInt64(chunk.byteCount)
            }
            try file.zero(end..<range.upperBound)
        } catch {
            throw StoreError(io: error)
        }
    }

    private func writeInOrder(
        _ number: Int, _ pieces: [Piece], byteCount: Int, to stream: OutputStream
    ) throws(StoreError) {
        let buffer = extentBuffer ?? AlignedBuffer(byteCount: Limits.extentBytes)
        extentBuffer = buffer
        let extent = UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[..<byteCount])
        extent.initializeMemory(as: UInt8.self, repeating: 0)
        try forEachChunk(pieces) { (offset, bytes) throws(IOError) in
            (extent.baseAddress! + offset).copyMemory(
                from: bytes.baseAddress!, byteCount: bytes.count)
        }
        restore.turnstile.wait(for: number)
        do throws(IOError) {
            try stream.write(UnsafeRawBufferPointer(extent))
        } catch {
            throw StoreError(io: error)
        }
        restore.turnstile.pass()
    }
}
