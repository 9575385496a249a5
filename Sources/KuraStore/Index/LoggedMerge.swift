internal import KuraFormat
internal import KuraIO
internal import KuraLog
internal import KuraReplicas

extension Session {
    /// Merges live runs where there are enough of about one size, and removes those that the new
    /// one takes the place of.
    ///
    /// If power fails before the record, there is a run that no record lists; after it, runs that
    /// are not live any more. A prune removes either.
    func mergeRuns(
        with log: VaultLog<VaultState>, _ cancellation: Cancellation
    ) throws(KuraError) {
        try catchUp(with: log)
        let merge = IndexMerge(try ChunkIndex.open(vault), writer)
        guard let prepared = try merge.prepare(cancellation) else { return }
        let merged = try prepared.publish(in: vault)
        let superseded = prepared.runs.map(\.id)
        let commit = try commit(log, addsObjects: true) { state throws(KuraError) in
            // A prune, or another merge, was first: its runs do not have what these have.
            for run in superseded where try state.run(run) == nil { return nil }
            return [.runs(RunsBody(listing: [merged], superseded: superseded))]
        }
        guard let commit else { return remove([merged.id], in: writer.live) }
        remove(superseded, in: log.replicas(of: vault, in: commit.copies))
    }

    /// Removes files of runs that are not live. One that cannot be removed now stays until a prune.
    private func remove(_ runs: [RunID], in replicas: [Replica]) {
        for replica in replicas {
            do throws(IOError) {
                try replica.store.delete(runs.map { VaultFile.run($0).name(in: vault.id) })
            } catch {
                continue
            }
        }
    }
}

extension VaultLog {
    /// Those of a vault's replicas that have these ids in the log.
    func replicas(of vault: Vault, in ids: Set<UniqueID>) -> [Replica] {
        let places = Set(replicas.filter { ids.contains($0.id) }.map(\.place))
        return vault.replicas.filter { places.contains($0.place) }
    }
}

extension IndexMerge.Prepared {
    /// Gives the merged run its name, in every live replica, and opens it.
    fileprivate func publish(in vault: Vault) throws(KuraError) -> IndexRunReader {
        try merged.publish()
        return try IndexRunReader(merged.id, vault)
    }
}

extension RunsBody {
    init(listing runs: [IndexRunReader], superseded: [RunID] = []) {
        self.init(added: runs.map { Run($0) }, superseded: superseded)
    }
}

extension RunsBody.Run {
    init(_ run: IndexRunReader) {
        self.init(
            id: run.id, byteCount: run.trailer.fileByteCount, entries: run.trailer.entryCount,
            packs: UInt32(clamping: run.trailer.packs.count))
    }
}
