internal import KuraFormat
internal import KuraIO

/// Which entries of an index some recovery point needs: one bit an entry.
///
/// A tree is followed from its root down; a node whose bit is set was followed before, so every
/// node is read once however many points share it. Exact: no name is guessed. Where a chunk is in
/// several packs, the place that look-ups find first is the one that counts. One thread uses it.
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
    /// - Parameter number: its place among the run's entries, every block but the last being full.
    func isLive(run: Int, _ number: Int) -> Bool {
        bits[run][number / 64] & (1 << UInt64(number % 64)) != 0
    }

    /// Where a chunk is that some point needs; nil where none does.
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

    /// Whether some point needs a chunk, and finds it in this pack.
    func isLive(_ id: ChunkID, in pack: PackID) throws(KuraError) -> Bool {
        try livePlace(of: id)?.pack == pack
    }

    /// Marks everything that a point needs. Throws at the first node or chunk that is not there:
    /// then it is unknown what else is needed.
    /// - Parameter allowsGaps: whether what is not there is passed over, and what is below it.
    func mark(_ point: RecoveryPoint, allowsGaps: Bool = false) throws(KuraError) {
        for disk in point.disks {
            guard let root = disk.root else { continue }
            let level = ManifestNode.rootLevel(diskBytes: disk.byteCount)
            try mark(node: root, level: level, allowsGaps: allowsGaps)
        }
    }

    private func mark(node id: NodeID, level: Int, allowsGaps: Bool) throws(KuraError) {
        let isNew = try mark(id, "manifest node", allowsGaps: allowsGaps)
        // A marked node may lack something below it where gaps are allowed, so there the marks do
        // not say what was followed.
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

    /// Calls `body` for every entry of a run, in order.
    /// - Parameter body: gets the entry, and whether some point needs it.
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
