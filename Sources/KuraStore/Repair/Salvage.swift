internal import KuraFormat
internal import KuraIO
internal import KuraReplicas

/// Gives packs up of which no good copy can be made, and keeps what is left of them.
///
/// 1. Chunks of frames that some copy has right are copied to new packs.
/// 2. Those of the other frames are looked for in all other packs: a run keeps one place of each
///    chunk, and may have dropped one that is good.
/// 3. Recovery points that need what is lost are written down in the ledger.
/// 4. Under the commit lock the new places are listed, the lost packs condemned, and runs that list
///    them written again without them.
///
/// From then on a chunk that is nowhere is in no run, so the next backup that meets it stores it
/// again, and every recovery point that needs it is whole again. A backup that is under way and
/// counts on it does not commit (`Session.resurrect`). The files of the lost packs go with the next
/// collection; until then a good copy that comes back is found by a repair.
///
/// If power fails: before 4, more packs than before; within 4, condemned packs that are still
/// listed, which are kept, and given up by the next repair.
struct Salvage {
    private let session: Session
    private let vault: Vault

    init(_ session: Session) {
        self.session = session
        vault = session.vault
    }

    /// - Parameter damage: of packs, by pack.
    /// - Returns: those that were given up; of the others there is a good copy after all.
    func run(_ damage: [PackID: [Damage]]) throws(KuraError) -> [PackID] {
        let index = try ChunkIndex.open(vault)
        try vault.requireReadable(index)
        var lost: [PackID: LostFrames] = [:]
        for id in damage.keys { lost[id] = PackAssembly(id, vault).lostFrames(decoding: true) }
        guard !lost.isEmpty else { return [] }
        var copies = try copy(lost)
        let elsewhere = try findElsewhere(lost, except: copies.copied, in: index)
        if copies.copied?.entries.isEmpty ?? true, elsewhere.entries.isEmpty,
            index.packs.allSatisfy({ lost[$0.id] != nil })
        {
            try copies.store(Self.placeholder)
        }
        let given = lost.keys.sorted()
        let walked = try giveUpPoints(lost, except: [])
        let survivors = Survivors(marks: nil, repacked: copies.copied)
        var rewriting = RunRewriting(session, without: Set(given), survivors)
        defer { rewriting.abandon() }
        try rewriting.prepare(index)
        try session.withCommitLock { () throws(KuraError) in
            // Those that were committed meanwhile.
            _ = try giveUpPoints(lost, except: walked)
            // Before the index: a backup that counts on them asks the ledger.
            for id in given {
                for entry in damage[id, default: []] {
                    try session.publishLine(
                        .pack(id), in: entry.replica, entry.kind, from: .salvaged, byteCount: 0)
                }
            }
            try copies.list()
            _ = try IndexRunWriter.write(
                elsewhere.entries, packs: elsewhere.packs, to: session.writer)
            try session.condemn(Set(given))
            _ = try rewriting.run(try ChunkIndex.open(vault))
            try IndexMerge(try ChunkIndex.open(vault), session.writer).removeObsolete()
        }
        return given
    }

    /// Writes down which recovery points need what is lost: all of them, whatever was verified, and
    /// also those that are whole because it is elsewhere. They cost their item one full read.
    /// - Returns: the points that were followed.
    private func giveUpPoints(
        _ lost: [PackID: LostFrames], except known: Set<RecoveryPointID>
    ) throws(KuraError) -> Set<RecoveryPointID> {
        let ids = Set(try vault.recoveryPointIDs())
        let points = try vault.recoveryPoints(ids.subtracting(known))
        guard !points.isEmpty else { return ids }
        // Points before runs: whatever a point in the list needs is in the index.
        let walker = PointWalker(try ChunkIndex.open(vault), lost: lost)
        try session.giveUp(walker.lacking(points).map { .point($0) })
        return ids
    }

    /// What is stored where nothing at all is left: a run must have an entry, and without a run
    /// the others would still count. The next collection takes it away.
    private static let placeholder = Array("What this vault held is lost.".utf8)

    private func copy(_ lost: [PackID: LostFrames]) throws(KuraError) -> Repacking {
        var copies = Repacking(session) { (_, pack, frame) in
            lost[pack].map { !$0.contains(frame) } ?? false
        }
        for (id, frames) in lost {
            if case .some = frames { try copies.copy(id) }
        }
        try copies.flush()
        return copies
    }

    /// Where chunks of lost frames are in packs that stay.
    private func findElsewhere(
        _ lost: [PackID: LostFrames], except copied: RepackedChunks?, in index: ChunkIndex
    ) throws(KuraError) -> PackWriter.Durable {
        var wanted = Set<ChunkID>()
        for run in index.runs {
            let packs = run.trailer.packs
            guard packs.contains(where: { lost[$0.id] != nil }) else { continue }
            var cursor = RunCursor(run)
            while let entry = try cursor.next() {
                if let frames = lost[packs[entry.location.pack].id],
                    frames.contains(entry.location.frame), copied?.place(of: entry.id) == nil
                {
                    wanted.insert(entry.id)
                }
            }
        }
        var found = PackWriter.Durable()
        for pack in index.packs where lost[pack.id] == nil {
            if wanted.isEmpty { break }
            let all: PackWriter.Durable
            do throws(KuraError) {
                all = PackWriter.Durable(pack.id, try PackReader.trailer(pack.id, vault))
            } catch {
                // It cannot be read either; an operation that needs it reports that.
                continue
            }
            let entries = all.entries.filter { wanted.remove($0.id) != nil }
            if !entries.isEmpty {
                found.append(PackWriter.Durable(packs: all.packs, entries: entries))
            }
        }
        return found
    }
}
