internal import KuraFormat
internal import KuraIO

/// Which entries of an index some recovery point needs: one bit an entry.
///
/// A tree is followed from its root down; a node whose bit is set was followed before, so every
/// node is read once however many points share it. Exact: names are compared, not only their
/// filters. Where a chunk is in several packs, the entry that look-ups find first is the one that
/// is marked. Used by one thread.
final class LiveMarks {
    let index: ChunkIndex
    /// Every pack of the index, by its name.
    let summaries: [PackID: PackSummary]
    private var bits: [[UInt64]]
    private var followedWithGaps = Set<NodeID>()
    private let blocks = BlockCache()
    private let reader: ManifestReader

    init(_ index: ChunkIndex) {
        self.index = index
        summaries = Dictionary(uniqueKeysWithValues: index.packs.map { ($0.id, $0) })
        bits = index.runs.map { run in
            Array(repeating: 0, count: (run.trailer.fences.count * IndexBlock.entriesMax + 63) / 64)
        }
        reader = ManifestReader(index, PackReader(index.vault), blocks: blocks)
    }

    /// Whether some point needs an entry.
    /// - Parameters:
    ///   - run: index into `index.runs`.
    ///   - number: of the entry, every block but the last counted as full.
    func isLive(run: Int, _ number: Int) -> Bool {
        bits[run][number / 64] & (1 << UInt64(number % 64)) != 0
    }

    /// The marked location of a chunk; nil where no point needs the chunk.
    func livePlace(of id: ChunkID) throws(KuraError) -> FoundChunk? {
        for (run, reader) in index.runs.enumerated() where reader.trailer.filter.mayContain(id) {
            guard let (number, location) = try blocks.place(of: id, in: reader),
                isLive(run: run, number), location.pack < reader.trailer.packs.count
            else { continue }
            return FoundChunk(
                pack: reader.trailer.packs[location.pack].id, frame: location.frame,
                plainOffset: location.plainOffset)
        }
        return nil
    }

    /// Whether some point needs a chunk, and its marked location is in this pack.
    func isLive(_ id: ChunkID, in pack: PackID) throws(KuraError) -> Bool {
        try livePlace(of: id)?.pack == pack
    }

    /// Marks everything that a point needs. Throws at the first missing node or chunk: then it is
    /// unknown what else is needed.
    /// - Parameter allowsGaps: whether a missing node or chunk is passed over, with what is below
    ///   it.
    func mark(_ point: RecoveryPoint, allowsGaps: Bool = false) throws(KuraError) {
        for disk in point.disks {
            guard let root = disk.root else { continue }
            let level = ManifestNode.rootLevel(diskBytes: disk.byteCount)
            try mark(node: root, level: level, allowsGaps: allowsGaps)
        }
    }

    private func mark(node id: NodeID, level: Int, allowsGaps: Bool) throws(KuraError) {
        let isNew = try mark(id, "manifest node", allowsGaps: allowsGaps)
        // Where gaps are allowed, a node may be marked by a point that could not be followed below
        // it, so the marks do not tell which nodes were followed.
        guard allowsGaps ? followedWithGaps.insert(id).inserted : isNew else { return }
        let node: ManifestNode
        do throws(KuraError) {
            node = try reader.node(id, level: level)
        } catch {
            guard allowsGaps, error.code == .damaged || error.code == .notFound else { throw error }
            return
        }
        switch node {
        case .leaf(let entries):
            for entry in entries { _ = try mark(entry.id, "chunk", allowsGaps: allowsGaps) }
        case .inner(_, let children):
            for child in children {
                if let child { try mark(node: child, level: level - 1, allowsGaps: allowsGaps) }
            }
        }
    }

    /// - Returns: whether the entry was not marked before.
    private func mark(
        _ id: Digest, _ what: String, allowsGaps: Bool
    ) throws(KuraError) -> Bool {
        for (run, reader) in index.runs.enumerated() where reader.trailer.filter.mayContain(id) {
            guard let (number, _) = try blocks.place(of: id, in: reader) else { continue }
            guard !isLive(run: run, number) else { return false }
            bits[run][number / 64] |= 1 << UInt64(number % 64)
            return true
        }
        if allowsGaps { return false }
        throw KuraError(
            .damaged, "\(what) \(id.short) is in no pack",
            remedy: .anyOf([.vault(.repair(.chunks)), .point(.drop())]))
    }

    /// Calls `body` for every entry of a run, in ascending order of the names.
    /// - Parameter body: gets the entry, and whether it is marked.
    func forEachEntry(
        ofRun run: Int, _ body: (IndexEntry, Bool) throws(KuraError) -> Void
    ) throws(KuraError) {
        let reader = index.runs[run]
        let block = AlignedBuffer(byteCount: IndexBlock.byteCount)
        for number in reader.trailer.fences.indices {
            let count = try reader.readBlock(number, into: block.bytes)
            for slot in 0..<count {
                let entry = IndexBlock.entry(UnsafeRawBufferPointer(block.bytes), slot)
                guard entry.location.pack < reader.trailer.packs.count else {
                    throw KuraError(
                        .damaged, "index run \(reader.id.short) names a pack that it does not list",
                        remedy: .vault(.repair(.files)))
                }
                try body(entry, isLive(run: run, number * IndexBlock.entriesMax + slot))
            }
        }
    }
}
