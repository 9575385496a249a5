internal import KuraFormat
internal import KuraIO
internal import KuraReplicas

extension Vault {
    /// The index for a backup: every pack that it lists is in every live replica, or at least in as
    /// many as a point needs to be acknowledged.
    ///
    /// Missing copies are made again from others. A pack without a good copy is salvaged (see
    /// `Salvage`), so that the backup stores again what it needs of it.
    /// - Parameter writer: of the session of the backup.
    /// - Returns: the index, and what was healed for it.
    func dependableIndex(
        for writer: ReplicaWriter
    ) throws(KuraError) -> (index: ChunkIndex, healed: [Damage]) {
        let index = try ChunkIndex.open(self)
        let live = writer.live
        let presence = PackPresence(index.packs, of: self, in: live)
        guard !presence.isComplete else { return (index, []) }
        let healed = try heal(presence.damage(of: self, in: live), salvaging: true)
        let mended = try ChunkIndex.open(self)
        try require(mended.packs, in: writer, remedy: .vault(.repair(.chunks, vault: record.name)))
        return (mended, healed)
    }

    /// Throws `damaged` unless each of `packs` is in as many live replicas as a point needs to be
    /// acknowledged.
    func require(
        _ packs: [PackSummary], in writer: ReplicaWriter, remedy: Remedy
    ) throws(KuraError) {
        let live = writer.live
        let few = PackPresence(packs, of: self, in: live)
            .packs(inFewerThan: writer.required, of: live.count)
        guard let first = few.first else { return }
        let more = few.count > 1 ? " and \(few.count - 1) more are" : " is"
        throw KuraError(
            .damaged,
            "pack \(first.short)\(more) in fewer than \(writer.required) replicas of vault "
                + "\(record.name) that can be used: a recovery point that needs them could not be "
                + "relied on",
            remedy: remedy)
    }
}
