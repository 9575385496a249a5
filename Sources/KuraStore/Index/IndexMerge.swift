internal import KuraFormat
internal import KuraIO

/// Keeps the number of index runs small: every backup adds one, and every look-up asks each.
///
/// Small runs are merged into one as soon as there are `Tuning.smallRunsMax` of them; large ones are
/// left alone, so an entry is rewritten a bounded number of times. The new run names those it holds
/// (`superseded`) and is durable everywhere before any of them goes. What is on disk if power fails:
/// - before the new run is everywhere: the old runs, and perhaps copies of a new one that adds nothing;
/// - after that: the new run, and any of the old ones, which readers leave out and the next merge
///   removes.
struct IndexMerge {
    private let index: ChunkIndex
    private let writer: ReplicaWriter

    init(_ index: ChunkIndex, _ writer: ReplicaWriter) {
        self.index = index
        self.writer = writer
    }

    /// Merges small runs if there are enough of them, and removes runs that others hold.
    ///
    /// Not while a replica is away or has failed: a run may go only when the one that holds its
    /// entries is durable in every replica.
    func run() throws(StoreError) {
        guard isComplete else { return }
        var obsolete = index.obsolete
        let small = index.runs.filter { $0.trailer.entryCount < Tuning.smallRunEntries }
        if small.count >= Tuning.smallRunsMax {
            try merge(small)
            obsolete += small
        }
        for run in obsolete { try remove(run.id) }
    }

    private var isComplete: Bool { writer.live.count == Int(writer.vault.record.copies) }

    /// Removes runs that others hold, which replicas put back from an old copy bring with them.
    func removeObsolete() throws(StoreError) {
        guard isComplete else { return }
        for run in index.obsolete { try remove(run.id) }
    }

    /// Writes the smallest run anew, so that it names lost runs as superseded too.
    func supersede(_ lost: [RunID]) throws(StoreError) {
        guard !lost.isEmpty, let smallest = index.runs.last else { return }
        try merge([smallest], and: lost)
    }

    /// - Parameter lost: runs without a good copy whose packs other runs list.
    private func merge(
        _ runs: [IndexRunReader], and lost: [RunID] = []
    ) throws(StoreError) {
        var entries: [IndexEntry] = []
        var packs: [PackSummary] = []
        var places: [PackID: Int] = [:]
        var superseded: [RunID] = []
        let block = AlignedBuffer(byteCount: IndexBlock.byteCount)
        for run in runs {
            let moved = run.trailer.packs.map { pack in
                if let place = places[pack.id] { return place }
                places[pack.id] = packs.count
                packs.append(pack)
                return packs.count - 1
            }
            for number in run.trailer.fences.indices {
                let count = try run.readBlock(number, into: block.bytes)
                for slot in 0..<count {
                    let entry = IndexBlock.entry(UnsafeRawBufferPointer(block.bytes), slot)
                    entries.append(try Self.move(entry, moved, run))
                }
            }
            superseded += [run.id] + run.trailer.superseded
        }
        _ = try IndexRunWriter.write(
            entries, packs: packs, superseded: superseded + lost, to: writer)
    }

    private static func move(
        _ entry: IndexEntry, _ places: [Int], _ run: IndexRunReader
    ) throws(StoreError) -> IndexEntry {
        let location = entry.location
        guard location.pack < places.count else {
            throw StoreError(
                .damaged, "index run \(run.id.short) names a pack that it does not list",
                remedy: "run: kura verify --repair")
        }
        return IndexEntry(
            id: entry.id,
            location: ChunkLocation(
                pack: places[location.pack], frame: location.frame,
                plainOffset: location.plainOffset))
    }

    private func remove(_ id: RunID) throws(StoreError) {
        let vault = writer.vault
        for replica in vault.replicas {
            do throws(IOError) {
                try vault.fileSystem.remove(replica.path(of: .run(id), in: vault.id))
            } catch {
                if !error.isNotFound { throw StoreError(io: error) }
            }
        }
    }
}
