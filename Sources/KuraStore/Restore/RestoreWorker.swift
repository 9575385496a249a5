internal import KuraCodec
internal import KuraFormat
internal import KuraIO

/// Finds out what extents need. One thread uses it at a time.
final class RestorePlanner: @unchecked Sendable {
    private let index: ChunkIndex
    private let blocks = BlockCache()
    private let manifest: ManifestReader

    init(_ index: ChunkIndex, _ packs: PackReader) {
        self.index = index
        manifest = ManifestReader(index, packs, blocks: blocks)
    }

    /// Calls `body` for every extent of a disk that has data.
    func forEachExtent(
        of disk: DiskRecord, _ body: (Int, NodeID) throws(StoreError) -> Void
    ) throws(StoreError) {
        try manifest.forEachExtent(of: disk, body)
    }

    /// The frames that an extent needs, and its data runs.
    func plan(
        _ number: Int, _ range: Range<UInt64>, _ node: NodeID?, _ buffer: AlignedBuffer
    ) throws(StoreError) -> (extent: AssembledExtent, tasks: [FrameTask]) {
        let chunks = try node.map { node throws(StoreError) in
            try manifest.chunks(ofExtent: node)
        } ?? []
        let extent = AssembledExtent(
            number: number, range: range, runs: Self.runs(of: chunks), buffer: buffer)
        if let last = extent.runs.last, last.upperBound > extent.byteCount {
            throw StoreError(
                format: .invalidField(.node, field: "chunk beyond the disk"), at: nil)
        }
        var tasks: [FrameName: [Piece]] = [:]
        for chunk in chunks {
            guard let place = try index.find(chunk.id, blocks) else {
                throw StoreError(
                    .damaged, "chunk \(chunk.id.short) is in no pack",
                    remedy: "run: kura verify --level chunks, to see what is affected")
            }
            let piece = Piece(
                id: chunk.id, plainOffset: place.plainOffset, byteCount: chunk.byteCount,
                target: buffer.base + chunk.offset, extent: number)
            tasks[FrameName(pack: place.pack, number: place.frame), default: []].append(piece)
        }
        // By pack and frame: neighbours on disk are read one behind the other.
        let names = tasks.keys.sorted { ($0.pack, $0.number) < ($1.pack, $1.number) }
        return (extent, names.map { FrameTask(frame: $0, pieces: tasks[$0]!) })
    }

    /// Stretches of the extent that chunks cover without a gap, in ascending order.
    private static func runs(of chunks: [ExtentChunk]) -> [Range<Int>] {
        var runs: [Range<Int>] = []
        for chunk in chunks {
            if let last = runs.last, last.upperBound == chunk.offset {
                runs[runs.count - 1] = last.lowerBound..<(chunk.offset + chunk.byteCount)
            } else {
                runs.append(chunk.offset..<(chunk.offset + chunk.byteCount))
            }
        }
        return runs
    }
}

/// One thread of a restore.
final class RestoreWorker {
    private let restore: Restore
    private let decoder = FrameDecoder()
    private let scratch = FrameBuffer()
    private(set) var trace = StageTimes()
    private var hasher = BatchHasher()
    /// Names of the chunks in `hasher`.
    private var distinct: [ChunkID] = []

    init(_ restore: Restore) { self.restore = restore }

    func run() {
        do throws(StoreError) {
            while true {
                switch restore.next() {
                case .plan(let number, let buffer):
                    try trace.timeThrowing(.lookup) { () throws(StoreError) in
                        try restore.plan(number, buffer)
                    }
                case .decode(let task):
                    try decode(task)
                    restore.complete(task)
                case .finished:
                    return
                }
            }
        } catch {
            restore.fail(error)
        }
    }

    /// Decodes a frame, into its place where it belongs there as a whole, checks the chunks that
    /// are needed, and copies them to their places. A chunk that occurs several times is checked
    /// once.
    private func decode(_ task: FrameTask) throws(StoreError) {
        let name = task.frame
        let pieces = task.pieces.sorted { $0.plainOffset < $1.plainOffset }
        let frame = try restore.packs.frame(name.number, of: name.pack)
        let target = Self.home(of: pieces, frame.entry)
            ?? scratch.bytes(Self.neededBytes(of: pieces, frame.entry))
        let plain = UnsafeRawBufferPointer(target)
        // A frame that is wrong is read once more, with the stored bytes compared: another replica
        // may have a good copy.
        for checked in [false, true] {
            try trace.timeThrowing(.decode) { () throws(StoreError) in
                try restore.packs.read(
                    frame, of: name.pack, decoder, checked: checked, into: target)
            }
            if trace.time(.hash, { isSound(pieces, in: plain) }) {
                return trace.time(.assemble) { Self.copy(pieces, from: plain) }
            }
        }
        throw StoreError(
            .damaged, "frame \(name.number) of pack \(name.pack.short) does not hold what "
                + "the index says", remedy: "run: kura verify --level chunks")
    }

    /// Where the frame lies as a whole among the extents, if it does.
    private static func home(
        of pieces: [Piece], _ frame: FrameEntry
    ) -> UnsafeMutableRawBufferPointer? {
        guard let first = pieces.first, first.plainOffset == 0 else { return nil }
        var end = 0
        for piece in pieces where piece.plainOffset == end && piece.target == first.target + end {
            end += piece.byteCount
        }
        guard end == Int(frame.plainByteCount) else { return nil }
        return UnsafeMutableRawBufferPointer(start: first.target, count: end)
    }

    /// Leading bytes of the frame that have to be decoded for its pieces: all, where less would
    /// save little.
    private static func neededBytes(of pieces: [Piece], _ frame: FrameEntry) -> Int {
        let end = pieces.map { $0.plainOffset + $0.byteCount }.max() ?? 0
        let all = Int(frame.plainByteCount)
        return end < all / 8 * 7 ? end : all
    }

    /// Whether every piece lies in the frame and hashes to its name.
    private func isSound(_ pieces: [Piece], in plain: UnsafeRawBufferPointer) -> Bool {
        hasher.removeAll()
        distinct.removeAll(keepingCapacity: true)
        for piece in pieces where distinct.last != piece.id {
            let end = piece.plainOffset + piece.byteCount
            guard end <= plain.count else { return false }
            hasher.append(UnsafeRawBufferPointer(rebasing: plain[piece.plainOffset..<end]))
            distinct.append(piece.id)
        }
        hasher.run()
        return hasher.digests == distinct
    }

    private static func copy(_ pieces: [Piece], from plain: UnsafeRawBufferPointer) {
        for piece in pieces {
            // Both ends were compared with the frame and the extent before.
            let source = plain.baseAddress! + piece.plainOffset
            if source != UnsafeRawPointer(piece.target) {
                piece.target.copyMemory(from: source, byteCount: piece.byteCount)
            }
        }
    }
}
