internal import KuraFormat
internal import KuraIO
internal import KuraReplicas

/// Gives up packs of which no good copy can be made, and keeps what is left of them.
///
/// 1. Chunks of frames that are good in some copy are copied to new packs.
/// 2. Those of the other frames are looked for in all other packs: a run has one location of each
///    chunk, and a merge may have dropped the one that is good.
/// 3. The ledger records which recovery points need what is lost.
/// 4. Under the commit lock the new locations are listed, the lost packs condemned, and runs that
///    list them written again without them.
///
/// From then on no run lists a lost chunk, so the next backup that meets it stores it again, and
/// every recovery point that needs it is whole again. A backup in progress that relies on it does
/// not commit (`Session.resurrect`). The next collection removes the files of the lost packs; until
/// then a repair finds a good copy that comes back.
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

    /// - Parameter damage: by pack, its damage in each replica.
    /// - Returns: the packs that were given up, ascending; of the others a good copy can be made
    ///   after all.
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
            // Points that were committed since.
            _ = try giveUpPoints(lost, except: walked)
            // Before the index: a backup that relies on the packs reads the ledger when it commits.
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

    /// Records which recovery points need what is lost: of all points, not only of those that were
    /// verified, and also points that stay whole because another pack has the chunk. The next
    /// backup of the item of such a point reads everything.
    /// - Returns: the points that the vault has.
    private func giveUpPoints(
        _ lost: [PackID: LostFrames], except known: Set<RecoveryPointID>
    ) throws(KuraError) -> Set<RecoveryPointID> {
        let ids = Set(try vault.recoveryPointIDs())
        let points = try vault.recoveryPoints(ids.subtracting(known))
        guard !points.isEmpty else { return ids }
        // Points before runs, so that the index has everything that a point in the list needs.
        let walker = PointWalker(try ChunkIndex.open(vault), lost: lost)
        try session.giveUp(walker.lacking(points).map { .point($0) })
        return ids
    }

    /// A chunk that is stored where no chunk at all is left: a run must have an entry, and only a
    /// run can supersede the others. The next collection removes it.
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

    /// Locations of chunks of lost frames in packs that stay. Reads the trailers of all those
    /// packs, until every chunk is found.
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
                // This pack cannot be read either; an operation that needs it reports that.
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
