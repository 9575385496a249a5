internal import KuraFormat
internal import KuraIO
internal import KuraReplicas

extension Session {
    /// Lists packs again that this session relied on and that no run gives any more: the other half
    /// of what makes it safe to take packs away beside running backups. Call it under the commit
    /// lock, before the point is published.
    ///
    /// There is nothing to do unless packs were condemned while this session was open; then every
    /// chunk of the point is looked up as a restore will. Throws where one was lost: then
    /// the packs were not taken away, they were salvaged.
    /// - Parameter index: what the session relied on.
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
                    "pack \(id.short), which this backup counted on, was found meanwhile "
                        + "to have no good copy",
                    remedy: .retry(note: "it stores what was lost"))
            }
            let trailer = try PackReader.trailer(id, vault)
            found.append(PackWriter.Durable(id, trailer))
        }
        _ = try IndexRunWriter.write(found.entries, packs: found.packs, to: writer)
    }
}
