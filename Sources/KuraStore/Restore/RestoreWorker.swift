internal import KuraCodec
internal import KuraFormat
internal import KuraIO

/// Finds out which frames extents need. `@unchecked Sendable`: one thread uses it at a time.
final class RestorePlanner: @unchecked Sendable {
    private let index: ChunkIndex
    private let blocks = BlockCache()
    private let manifest: ManifestReader
    private let skipsLost: Bool

    /// - Parameter skipsLost: whether a chunk or node that is in no pack is left out instead of
    ///   thrown.
    init(_ index: ChunkIndex, _ packs: PackReader, skipsLost: Bool) {
        self.index = index
        self.skipsLost = skipsLost
        manifest = ManifestReader(index, packs, blocks: blocks)
    }

    /// Calls `body` for every extent of a disk that has data.
    func forEachExtent(
        of disk: DiskRecord, _ body: (Int, NodeID) throws(KuraError) -> Void
    ) throws(KuraError) {
        try manifest.forEachExtent(of: disk, body)
    }

    /// The frames that an extent needs, and its data runs.
    /// - Parameters:
    ///   - node: of the extent; nil for a hole.
    ///   - buffer: where the extent will be put together.
    func plan(
        extent number: Int, at range: Range<UInt64>, node: NodeID?, buffer: AlignedBuffer
    ) throws(KuraError) -> ExtentPlan {
        let byteCount = Int(range.upperBound - range.lowerBound)
        var lost: [Range<Int>] = []
        var found: [(chunk: ExtentChunk, place: FoundChunk)] = []
        for chunk in try chunks(of: node, byteCount: byteCount, lost: &lost) {
            if let place = try index.find(chunk.id, blocks) {
                found.append((chunk, place))
            } else if skipsLost {
                lost.append(chunk.offset..<(chunk.offset + chunk.byteCount))
            } else {
                throw ChunkIndex.missing(chunk.id, .point(.leaveOutLost))
            }
        }
        let extent = AssembledExtent(
            number: number, range: range, runs: Self.runs(of: found.map(\.chunk)), buffer: buffer)
        if let last = extent.runs.last, last.upperBound > byteCount {
            throw KuraError(
                format: .invalidField(.node, field: "chunk beyond the disk"), at: nil)
        }
        var tasks: [FrameName: [ChunkPiece]] = [:]
        for (chunk, place) in found {
            let piece = ChunkPiece(
                id: chunk.id, plainOffset: place.plainOffset, byteCount: chunk.byteCount,
                target: buffer.base + chunk.offset, extent: number)
            tasks[FrameName(place), default: []].append(piece)
        }
        // By pack and frame: neighbours on disk are read one behind the other.
        let names = tasks.keys.sorted { ($0.pack, $0.number) < ($1.pack, $1.number) }
        return ExtentPlan(
            extent: extent, tasks: names.map { FrameTask(frame: $0, pieces: tasks[$0]!) },
            lost: lost)
    }

    /// The chunks of an extent. Where its nodes cannot be read, all of it is lost.
    private func chunks(
        of node: NodeID?, byteCount: Int, lost: inout [Range<Int>]
    ) throws(KuraError) -> [ExtentChunk] {
        guard let node else { return [] }
        do throws(KuraError) {
            return try manifest.chunks(ofExtent: node)
        } catch {
            guard skipsLost, error.code == .damaged else { throw error }
            lost = [0..<byteCount]
            return []
        }
    }

    /// Stretches of the extent that chunks cover without a gap, in ascending order.
    private static func runs(of chunks: [ExtentChunk]) -> [Range<Int>] {
        var runs: [Range<Int>] = []
        for chunk in chunks { runs.join(chunk.offset..<(chunk.offset + chunk.byteCount)) }
        return runs
    }
}

/// An extent that is to be put together, and the frames that it needs.
struct ExtentPlan {
    var extent: AssembledExtent
    var tasks: [FrameTask]
    /// What is in no pack, in bytes from the extent's start, ascending.
    var lost: [Range<Int>]
}

/// One thread of a restore.
final class RestoreWorker {
    private let restore: Restore
    private let decoder = FrameDecoder()
    private let scratch = FrameBuffer()
    private(set) var trace = StageTimes()
    private(set) var decodedBytes: UInt64 = 0
    private var hasher = BatchHasher()
    /// Names of the chunks in `hasher`.
    private var distinct: [ChunkID] = []

    init(_ restore: Restore) { self.restore = restore }

    func run() {
        do throws(KuraError) {
            while true {
                switch restore.next() {
                case .plan(let number, let buffer):
                    try trace.timeThrowing(.lookup) { () throws(KuraError) in
                        try restore.plan(number, buffer)
                    }
                case .decode(let tasks):
                    try decode(tasks)
                    restore.complete(tasks)
                case .finished:
                    return
                }
            }
        } catch {
            restore.fail(error)
        }
    }

    /// A frame that is to be decoded, and the chunks of it that are needed.
    private struct Decoding {
        var name: FrameName
        /// In the order of `plainOffset`.
        var pieces: [ChunkPiece]
        var frame: FrameTable.Frame
        /// Where the whole frame belongs in an extent; nil where only chunks of it do.
        var home: UnsafeMutableRawBufferPointer?
        /// Number of plain bytes to decode, from the first one on.
        var neededBytes: Int
    }

    /// Decodes frames, checks the chunks that are needed, and copies them to their targets. A frame
    /// that belongs in an extent as a whole is decoded straight into it. A chunk that occurs
    /// several times is checked once.
    private func decode(_ tasks: [FrameTask]) throws(KuraError) {
        var decodings: [Decoding] = []
        decodings.reserveCapacity(tasks.count)
        var misplaced: [MisplacedPiece] = []
        for task in tasks {
            if let decoding = try decoding(task) {
                decodings.append(decoding)
            } else {
                misplaced += task.pieces.map { MisplacedPiece(piece: $0, frame: task.frame) }
            }
        }
        let room = scratch.bytes(
            decodings.reduce(1) { $0 + ($1.home == nil ? $1.neededBytes : 0) })
        var used = 0
        var plains: [UnsafeMutableRawBufferPointer] = []
        plains.reserveCapacity(tasks.count)
        for decoding in decodings {
            if let home = decoding.home {
                plains.append(home)
            } else {
                let end = used + decoding.neededBytes
                plains.append(UnsafeMutableRawBufferPointer(rebasing: room[used..<end]))
                used = end
            }
        }
        for (decoding, plain) in zip(decodings, plains) {
            try read(decoding, checked: false, into: plain)
        }
        let all = zip(decodings, plains)
        if !trace.time(.hash, { areSound(all.lazy.map { ($0.pieces, $1) }) }) {
            // Another replica may have a good copy of a frame that is wrong.
            for (number, plain) in zip(decodings.indices, plains) {
                misplaced += try mend(&decodings[number], in: plain)
            }
        }
        trace.time(.assemble) {
            for (decoding, plain) in zip(decodings, plains) {
                Self.copy(decoding.pieces, from: plain)
            }
        }
        // Last: a frame that was decoded straight into an extent may have written other bytes
        // there.
        for piece in misplaced { try restore.find(piece, decoder) }
    }

    /// Nil where the pack has no such frame.
    private func decoding(_ task: FrameTask) throws(KuraError) -> Decoding? {
        let pieces = task.pieces.sorted { $0.plainOffset < $1.plainOffset }
        let table = try restore.packs.frameTable(task.frame.pack)
        guard task.frame.number < table.frames.count else { return nil }
        let frame = table.frames[task.frame.number]
        let home = Self.home(of: pieces, frame.entry)
        return Decoding(
            name: task.frame, pieces: pieces, frame: frame, home: home,
            neededBytes: home?.count ?? Self.neededBytes(of: pieces, frame.entry))
    }

    private func read(
        _ decoding: Decoding, checked: Bool, into plain: UnsafeMutableRawBufferPointer
    ) throws(KuraError) {
        decodedBytes += UInt64(decoding.frame.entry.decodedBytes(upTo: plain.count))
        try trace.timeThrowing(.decode) { () throws(KuraError) in
            try restore.packs.read(
                decoding.frame, of: decoding.name.pack, decoder, checked: checked, into: plain)
        }
    }

    /// Where a chunk of a frame does not have its hash, reads the frame again, this time comparing
    /// its stored bytes with their hash.
    /// - Returns: pieces that are not in the frame although the index says so. They are removed
    ///   from `decoding`.
    private func mend(
        _ decoding: inout Decoding, in plain: UnsafeMutableRawBufferPointer
    ) throws(KuraError) -> [MisplacedPiece] {
        if areSound([(decoding.pieces, plain)]) { return [] }
        try read(decoding, checked: true, into: plain)
        if areSound([(decoding.pieces, plain)]) { return [] }
        let wrong = decoding.pieces.filter { !areSound([([$0], plain)]) }
        decoding.pieces.removeAll { piece in wrong.contains { $0.target == piece.target } }
        return wrong.map { MisplacedPiece(piece: $0, frame: decoding.name) }
    }

    /// Where in an extent the pieces lie one after the other, if they are the whole frame.
    private static func home(
        of pieces: [ChunkPiece], _ frame: FrameEntry
    ) -> UnsafeMutableRawBufferPointer? {
        guard let first = pieces.first, first.plainOffset == 0 else { return nil }
        var end = 0
        for piece in pieces where piece.plainOffset == end && piece.target == first.target + end {
            end += piece.byteCount
        }
        guard end == Int(frame.plainByteCount) else { return nil }
        return UnsafeMutableRawBufferPointer(start: first.target, count: end)
    }

    /// Plain bytes to decode: up to the last piece, or all, where stopping before would save
    /// little.
    private static func neededBytes(of pieces: [ChunkPiece], _ frame: FrameEntry) -> Int {
        let end = pieces.map { $0.plainOffset + $0.byteCount }.max() ?? 0
        let all = Int(frame.plainByteCount)
        return end < all / 8 * 7 ? end : all
    }

    /// Whether every piece lies in the plain bytes of its frame and has the hash that is its name.
    private func areSound(
        _ frames: some Sequence<(pieces: [ChunkPiece], plain: UnsafeMutableRawBufferPointer)>
    ) -> Bool {
        hasher.removeAll()
        distinct.removeAll(keepingCapacity: true)
        for (pieces, plain) in frames {
            var last: ChunkID?
            for piece in pieces where last != piece.id {
                last = piece.id
                let end = piece.plainOffset + piece.byteCount
                guard end <= plain.count else { return false }
                hasher.append(UnsafeRawBufferPointer(rebasing: plain[piece.plainOffset..<end]))
                distinct.append(piece.id)
            }
        }
        hasher.run()
        return hasher.digests == distinct
    }

    private static func copy(_ pieces: [ChunkPiece], from plain: UnsafeMutableRawBufferPointer) {
        for piece in pieces {
            // `areSound` compared the piece with the frame, and the planner with the extent.
            let source = plain.baseAddress! + piece.plainOffset
            if source != piece.target {
                piece.target.copyMemory(from: source, byteCount: piece.byteCount)
            }
        }
    }
}
