internal import KuraFormat
public import KuraIO
internal import KuraLog
internal import KuraReplicas

/// Keeps the number of index runs small: every backup adds one, and a look-up probes each.
///
/// `MergePlan` says which runs are merged. The new run names those that it holds (`superseded`) and
/// is durable in every replica before any of them is removed. What is on disk if power fails:
/// - before the new run has its name: a temporary file, which the next session removes;
/// - before it is in every replica: the old runs, and perhaps copies of a new one, which has the
///   same entries;
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

    /// Merges runs if there are enough of about one size, into one that has no name yet. This is
    /// the long part of a merge, and needs no lock, because runs do not change. Memory: that of
    /// `IndexRunWriter`, and 256 KiB for each run that is merged.
    /// - Returns: nil where there is nothing to merge, or a replica is away or has failed.
    func prepare(_ cancellation: Cancellation) throws(KuraError) -> Prepared? {
        let count = MergePlan.count(index.runs.map(\.trailer.entryCount))
        guard isComplete, count > 0 else { return nil }
        let runs = Array(index.runs[..<count])
        guard let merged = try merge(runs, and: [], cancellation) else { return nil }
        return Prepared(runs: runs, merged: merged)
    }

    /// Publishes a merged run and removes those that it holds. Call it under the commit lock.
    ///
    /// Abandons the merged run where one of its runs is gone or superseded since the merge began:
    /// it was rewritten because packs were condemned, or another process merged it.
    /// - Returns: whether it was published.
    func publish(_ prepared: Prepared) throws(KuraError) -> Bool {
        guard isComplete, try areUnchanged(prepared.runs) else {
            prepared.merged.abandon()
            return false
        }
        try prepared.merged.publish()
        // A replica that failed does not have the new run, so the old ones stay in all of them.
        guard isComplete else { return true }
        for run in prepared.runs { try remove(run.id) }
        return true
    }

    /// Whether every one of these runs is still in every replica, and no run that was published
    /// since the merge began supersedes one of them.
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

    /// Whether every replica of the vault can be written. Runs may be removed only when the one
    /// that holds their entries is durable in every replica.
    private var isComplete: Bool { writer.live.count == Int(writer.vault.record.copies) }

    /// Removes superseded runs, unless a replica is away or has failed. Replicas that were restored
    /// from an old copy bring them back, and processes that died leave them. Call it under the
    /// commit lock.
    func removeObsolete() throws(KuraError) {
        guard isComplete else { return }
        for run in index.obsolete { try remove(run.id) }
    }

    /// Writes the smallest run again, as one that also supersedes the lost runs.
    func supersede(_ lost: [RunID]) throws(KuraError) {
        guard !lost.isEmpty, let smallest = index.runs.first else { return }
        try merge([smallest], and: lost, Cancellation())?.publish()
    }

    /// Publishes the entries of each of these runs once more, in a run that supersedes none: they
    /// stay, also where these runs are superseded by one that does not have all of them.
    func keepEntries(of runs: [IndexRunReader]) throws(KuraError) {
        for run in runs {
            try merge([run], and: [], superseding: false, Cancellation())?.publish()
        }
    }

    /// - Parameters:
    ///   - lost: runs without a good copy whose packs other runs list.
    ///   - superseding: whether the new run supersedes these runs and the lost ones.
    /// - Returns: nil where the new run would list too many packs, or have no entries.
    private func merge(
        _ runs: [IndexRunReader], and lost: [RunID], superseding: Bool = true,
        _ cancellation: Cancellation
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
        let superseded =
            superseding ? runs.flatMap { [$0.id] + $0.trailer.superseded } + lost : []
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

    /// Calls `body` with every entry of all runs and the index of its run, in ascending order of
    /// the names; of equal names, that of the first run comes first.
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
        /// Whether the next entry of run `left` comes before that of run `right`.
        func comesFirst(_ left: Int, _ right: Int) -> Bool {
            heads[left].id < heads[right].id || (left < right && heads[left].id == heads[right].id)
        }
        // Runs in the order of their next entries. After each step the first one moves to where its
        // next entry belongs.
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

    /// A merge checks for cancellation each time after this many entries.
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
    /// It only makes look-ups faster, so call it after a backup has been reported. Each entry is
    /// rewritten a few times in its life, and some calls rewrite all of them; other sessions wait
    /// only while the new run gets its name. Does nothing while a replica is away or another
    /// process merges.
    public func mergeRuns(
        _ cancellation: Cancellation = Cancellation()
    ) throws(KuraError) {
        guard replicas.count == Int(record.copies), try mayHaveRunsToMerge() else { return }
        let session: Session
        do throws(KuraError) {
            session = try Session.begin(
                self, operation: "merge", scope: .index, required: replicas.count,
                waits: waits.until(cancellation), waitsForScope: false)
        } catch {
            if error.code == .locked { return }
            throw error
        }
        defer { session.end(clean: true) }
        if let log = session.log { return try session.mergeRuns(with: log, cancellation) }
        let index = try ChunkIndex.open(self)
        // A replica without some run is brought up to date by the next session that recovers; until
        // then no run is removed.
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

    /// Whether there are enough runs of about one size, as far as the numbers of entries in their
    /// trailers tell, which are not checked here. Runs that a merge left behind count, too. Costs
    /// two short reads a run.
    private func mayHaveRunsToMerge() throws(KuraError) -> Bool {
        var sizes: [UInt64] = []
        if let state = try state() {
            sizes = try state.liveRuns().map(\.run.entries)
            return MergePlan.count(sizes.sorted()) > 0
        }
        for (name, holders) in try list(Layout.index) {
            guard let id = RunID(hex: name) else { continue }
            do {
                sizes.append(
                    try IndexRunReader.entryCount(
                        id, holders[0].store.open(VaultFile.run(id).name(in: self.id))))
            } catch {
                // Merged and removed just now, or damaged: opening the index reports that.
                continue
            }
        }
        return MergePlan.count(sizes.sorted()) > 0
    }
}
