internal import KuraFormat
internal import KuraIO
internal import KuraLog
internal import KuraReplicas

extension Session {
    /// Lists packs again that this session relied on and that no run lists any more. A sweep keeps
    /// condemned packs while this session is open; together the two make it safe to remove packs
    /// beside running backups. Call it under the commit lock, before the point is published.
    ///
    /// There is nothing to do unless packs were condemned while this session was open; then every
    /// chunk of the point is looked up as a restore will. Throws `damaged` where the point needs a
    /// pack that was condemned because it is lost (see `Salvage`), not because no point needed it.
    /// - Parameter index: the one that the session relied on.
    func resurrect(_ disks: [DiskRecord], _ index: ChunkIndex) throws(KuraError) {
        guard try vault.condemnations().contains(where: { $0.sessions.contains(id) }) else {
            return
        }
        let walker = PointWalker(index, unlessIn: try ChunkIndex.open(vault))
        for disk in disks { try walker.walk(disk) }
        let wanted = walker.packs
        let givenUp = try vault.givenUp()
        var found = PackWriter.Durable()
        for id in wanted.sorted() {
            if givenUp.contains(VaultFile.pack(id).relativePath),
                PackAssembly(id, vault).lostFrames(decoding: true) != nil
            {
                throw KuraError(
                    .damaged,
                    "pack \(id.short), which this backup relies on, was found to have no good copy",
                    remedy: .retry(note: "it stores what was lost"))
            }
            let trailer = try PackReader.trailer(id, vault)
            found.append(PackWriter.Durable(id, trailer))
        }
        _ = try IndexRunWriter.write(found.entries, packs: found.packs, to: writer)
    }

    /// What keeps packs that this session relied on and that no live run lists any more: a run that
    /// lists them again, and those of them that are condemned. Writes the run; it is named in the
    /// record of the point.
    ///
    /// The log says which runs are live, so there is nothing to do while those are that the session
    /// began with. Else every chunk of the point is looked up as a restore will.
    /// - Parameters:
    ///   - index: the one that the session relied on, with its own runs.
    ///   - unlisted: runs of the session that the same record lists.
    /// - Throws: `damaged` where a pack is on its way out that the point needs: it was swept, or
    ///   given up. Another backup stores again what was in it.
    func relist(
        _ disks: [DiskRecord], _ index: ChunkIndex, besides unlisted: [IndexRunReader],
        in state: VaultState
    ) throws(KuraError) -> (runs: [IndexRunReader], spared: [PackID]) {
        var live = Set(try state.liveRuns().map(\.run.id))
        live.formUnion(unlisted.map(\.id))
        if index.runs.allSatisfy({ live.contains($0.id) }) { return ([], []) }
        var now = try ChunkIndex.open(vault, at: state)
        for run in unlisted { now = now.adding(run) }
        let listed = Set(now.packs.map(\.id))
        if index.packs.allSatisfy({ listed.contains($0.id) }) { return ([], []) }
        let walker = PointWalker(index, unlessIn: now)
        for disk in disks { try walker.walk(disk) }
        var found = PackWriter.Durable()
        var spared: [PackID] = []
        for id in walker.packs.sorted() {
            guard let pack = try state.pack(id), pack.swept == nil,
                try state.lost(LostBody.Object(.pack, id)) == nil
            else { throw isGone(id) }
            spared.append(id)
            found.append(PackWriter.Durable(id, try PackReader.trailer(id, vault)))
        }
        let run = try IndexRunWriter.write(found.entries, packs: found.packs, to: writer)
        return (run.map { [$0] } ?? [], spared)
    }

    private func isGone(_ pack: PackID) -> KuraError {
        KuraError(
            .damaged,
            "pack \(pack.short), which this backup relies on, was removed or given up meanwhile",
            remedy: .retry(note: "it stores again what was in it"))
    }
}
