internal import KuraFormat
internal import KuraIO
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
}
