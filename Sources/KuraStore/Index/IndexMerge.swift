internal import KuraFormat
public import KuraIO
internal import KuraReplicas

/// Keeps the number of index runs small: every backup adds one, and every look-up asks each.
///
/// `MergePlan` says which runs are merged. The new run names those it holds (`superseded`) and is
/// durable everywhere before any of them goes. What is on disk if power fails:
/// - before the new run has its name: a temporary file, which the next session removes;
/// - before it is everywhere: the old runs, and perhaps copies of a new one that adds nothing;
/// - after that: the new run, and any of the old ones, which readers leave out and the next merge
///   removes.
struct IndexMerge {
    private let index: ChunkIndex
    private let writer: ReplicaWriter

    init(_ index: ChunkIndex, _ writer: ReplicaWriter) {
        self.index = index
        self.writer = writer
    }

    /// The runs to merge, and the new run, whose bytes are durable already.
    struct Prepared {
        let runs: [IndexRunReader]
        let merged: PreparedRun
    }

    /// Merges runs if there are enough of about one size: all of it that takes long, and nothing
    /// that anybody sees. Needs no lock: runs do not change. Memory: see `IndexRunWriter`, and
    /// 256 KiB a run.
    func prepare(_ cancellation: Cancellation) throws(KuraError) -> Prepared? {
        let count = MergePlan.count(index.runs.map(\.trailer.entryCount))
        guard isComplete, count > 0 else { return nil }
        let runs = Array(index.runs[..<count])
        guard let merged = try merge(runs, and: [], cancellation) else { return nil }
        return Prepared(runs: runs, merged: merged)
    }

    /// Publishes a merged run and removes those that it holds. Under the commit lock.
    ///
    /// A run that was rewritten since the merge began (packs were condemned) or merged by another
    /// process is named by the run that took its place, or gone; then what was merged is dropped.
    /// - Returns: whether it was published.
    func publish(_ prepared: Prepared) throws(KuraError) -> Bool {
        guard isComplete, try areUnchanged(prepared.runs) else {
            prepared.merged.abandon()
            return false
        }
        try prepared.merged.publish()
        // The lock's holder saw every replica take the new run; one that failed keeps the old ones.
        guard isComplete else { return true }
        for run in prepared.runs { try remove(run.id) }
        return true
    }

    /// Whether every run is in every replica, so that its packs are there, too, and no other run
    /// holds what it does.
    private func areUnchanged(_ runs: [IndexRunReader]) throws(KuraError) -> Bool {
        let vault = writer.vault
        let names = try vault.list(Layout.index)
        guard runs.allSatisfy({ names[$0.id.hex]?.count == vault.replicas.count }) else {
            return false
        }
        let known = Set((index.runs + index.obsolete).map(\.id))
        let mine = Set(runs.map(\.id))
        for name in names.keys {
            guard let id = RunID(hex: name), !known.contains(id) else { continue }
            let other = try IndexRunReader(id, vault)
            if !mine.isDisjoint(with: other.trailer.superseded) { return false }
        }
        return true
    }

    /// Runs may go only when the one that holds their entries is durable in every replica, so not
    /// while one is away or has failed.
    private var isComplete: Bool { writer.live.count == Int(writer.vault.record.copies) }

    /// Removes runs that others hold: replicas that were put back from an old copy bring them with
    /// them, and processes that died leave them. Under the commit lock.
    func removeObsolete() throws(KuraError) {
        guard isComplete else { return }
        for run in index.obsolete { try remove(run.id) }
    }

    /// Writes the smallest run anew, so that it names lost runs as superseded too.
    func supersede(_ lost: [RunID]) throws(KuraError) {
        guard !lost.isEmpty, let smallest = index.runs.first else { return }
        try merge([smallest], and: lost, Cancellation())?.publish()
    }

    /// - Parameter lost: runs without a good copy whose packs other runs list.
    private func merge(
        _ runs: [IndexRunReader], and lost: [RunID], _ cancellation: Cancellation
    ) throws(KuraError) -> PreparedRun? {
        var packs: [PackSummary] = []
        var numbers: [PackID: UInt64] = [:]
        // Per run, what the numbers of its packs become.
        let moved = runs.map { run in
            run.trailer.packs.map { pack -> UInt64 in
                if let number = numbers[pack.id] { return number }
                let number = UInt64(packs.count)
                numbers[pack.id] = number
                packs.append(pack)
                return number
            }
        }
        guard packs.count <= Limits.runPacksMax else { return nil }
        let count = runs.reduce(0) { $0 + Int($1.trailer.entryCount) }
        let superseded = runs.flatMap { [$0.id] + $0.trailer.superseded } + lost
        return try IndexRunWriter.prepare(
            atMost: count, superseded: superseded, to: writer
        ) { (append) throws(KuraError) in
            try Self.forEachEntry(of: runs, cancellation) { (entry, run) throws(KuraError) in
                let pack = moved[run][entry.location.pack]
                let place = entry.location.bits & ChunkLocation.placeMask
                try append(
                    IndexEntry(
                        id: entry.id, location: ChunkLocation(bits: pack << 40 | place)))
            }
            return packs
        }
    }

    /// Calls `body` for every entry of all runs and the number of its run, in ascending order; of
    /// equal names, that of the first run comes first.
    private static func forEachEntry(
        of runs: [IndexRunReader], _ cancellation: Cancellation,
        _ body: (IndexEntry, Int) throws(KuraError) -> Void
    ) throws(KuraError) {
        var cursors = runs.map { RunCursor($0) }
        var heads: [IndexEntry] = []
        for run in cursors.indices {
            guard let first = try cursors[run].next() else {
                throw KuraError(.damaged, "index run \(runs[run].id.short) has no entries")
            }
            heads.append(first)
        }
        /// Whether the run `left` goes on before the run `right`.
        func comesFirst(_ left: Int, _ right: Int) -> Bool {
            heads[left].id < heads[right].id || (left < right && heads[left].id == heads[right].id)
        }
        // Runs in the order in which they go on; one that went on sinks to its new place.
        var order = heads.indices.sorted(by: comesFirst)
        var done = 0
        while let run = order.first {
            done += 1
            if done % cancellationStride == 0, cancellation.isCancelled {
                throw .interruptedByUser
            }
            try body(heads[run], run)
            guard let next = try cursors[run].next() else {
                order.removeFirst()
                continue
            }
            heads[run] = next
            var place = 0
            while place + 1 < order.count, comesFirst(order[place + 1], run) {
                order[place] = order[place + 1]
                place += 1
            }
            order[place] = run
        }
    }

    /// Entries after which a merge looks whether it is to stop.
    private static let cancellationStride = 1 << 16

    private func remove(_ id: RunID) throws(KuraError) {
        let vault = writer.vault
        for replica in vault.replicas {
            do throws(IOError) {
                try replica.store.delete([VaultFile.run(id).name(in: vault.id)])
            } catch {
                throw KuraError(io: error)
            }
        }
    }
}

extension Vault {
    /// Merges index runs, where there are many of about one size, into one.
    ///
    /// Nothing depends on it: call it when a backup was reported. Each entry is rewritten a few
    /// times in its life, and now and then a call rewrites them all; other sessions wait only while
    /// the new run gets its name. Does nothing while a replica is away or another process merges.
    public func mergeRuns(
        _ cancellation: Cancellation = Cancellation()
    ) throws(KuraError) {
        guard replicas.count == Int(record.copies), try mayHaveRunsToMerge() else { return }
        let session: Session
        do throws(KuraError) {
            session = try Session.begin(
                self, operation: "merge", scope: .index, required: replicas.count,
                waits: waits.until(cancellation).once)
        } catch {
            if error.code == .locked { return }
            throw error
        }
        defer { session.end(clean: true) }
        let index = try ChunkIndex.open(self)
        // What a replica lacks the next session that settles brings to it; until then nothing goes.
        let holders = try list(Layout.index)
        guard index.runs.allSatisfy({ holders[$0.id.hex]?.count == replicas.count }) else { return }
        let merge = IndexMerge(index, session.writer)
        let prepared = try merge.prepare(cancellation)
        guard prepared != nil || !index.obsolete.isEmpty else { return }
        try session.withCommitLock { () throws(KuraError) in
            if let prepared { _ = try merge.publish(prepared) }
            try merge.removeObsolete()
        }
    }

    /// Whether what the runs of one replica say about themselves asks for a merge, or some may have
    /// been left behind by one. Costs two short reads a run.
    private func mayHaveRunsToMerge() throws(KuraError) -> Bool {
        var sizes: [UInt64] = []
        for (name, holders) in try list(Layout.index) {
            guard let id = RunID(hex: name) else { continue }
            do {
                sizes.append(
                    try IndexRunReader.entryCount(
                        id, holders[0].store.open(VaultFile.run(id).name(in: self.id))))
            } catch {
                // Merged away just now, or damaged: the next one to open the index reports it.
                continue
            }
        }
        return MergePlan.count(sizes.sorted()) > 0
    }
}
