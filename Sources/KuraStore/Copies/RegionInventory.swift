package import KuraFormat
package import KuraIO
package import KuraReplicas

/// What replication needs to know of an index run.
package struct RunSummary: Sendable {
    package var id: RunID
    package var byteCount: UInt64
    package var packs: [PackSummary]
    /// Runs that this one supersedes.
    package var superseded: [RunID]
}

/// What a vault holds in one region, by name, so that two regions can be compared. A replica that
/// cannot be listed is left out, as if it were not usable.
package struct RegionInventory: Sendable {
    /// Recovery points that some usable replica holds.
    package var points: Set<RecoveryPointID>
    /// Those of them that every usable replica holds.
    package var pointsEverywhere: Set<RecoveryPointID>
    /// Points that were dropped, by tombstones in some usable replica.
    package var dropped: Set<RecoveryPointID>
    /// Tombstones that every usable replica holds.
    package var droppedEverywhere: Set<RecoveryPointID>
    /// Entries of the journal that some usable replica holds.
    package var journal: Set<JournalID>
    /// Those of them that every usable replica holds.
    package var journalEverywhere: Set<JournalID>
    /// Runs of which some copy has a good trailer, ascending by name.
    package var runs: [RunSummary]
    /// Runs that every usable replica holds.
    package var runsEverywhere: Set<RunID>
    /// Runs without such a copy: it is unknown which packs they list.
    package var unreadableRuns: [RunID]
}

extension Vault {
    /// Lists every usable replica of this region.
    ///
    /// Points are listed before runs, and a point becomes durable after its runs. So the runs of
    /// the inventory have everything that its points need, also while a backup is in progress.
    /// Tombstones are listed last: a prune writes runs without what a point needs after the
    /// tombstone of that point.
    package func inventory() throws(KuraError) -> RegionInventory {
        let (points, pointsEverywhere) = try names(in: Layout.points)
        let (journal, journalEverywhere) = try names(in: Layout.journal)
        var attempts = 0
        while true {
            attempts += 1
            let (listed, runsEverywhere) = try names(in: Layout.index)
            var runs: [RunSummary] = []
            var unreadable: [RunID] = []
            for id in listed.sorted() {
                do throws(KuraError) {
                    let trailer = try IndexRunReader(id, self).trailer
                    runs.append(
                        RunSummary(
                            id: id, byteCount: trailer.fileByteCount, packs: trailer.packs,
                            superseded: trailer.superseded))
                } catch {
                    unreadable.append(id)
                }
            }
            // Another process may have merged and removed a run between listing and opening.
            if unreadable.isEmpty || attempts == 3 {
                let (dropped, droppedEverywhere) = try names(in: Layout.dropped)
                return RegionInventory(
                    points: points.subtracting(dropped), pointsEverywhere: pointsEverywhere,
                    dropped: dropped, droppedEverywhere: droppedEverywhere, journal: journal,
                    journalEverywhere: journalEverywhere, runs: runs,
                    runsEverywhere: runsEverywhere, unreadableRuns: unreadable)
            }
        }
    }

    /// Those of `packs` that some usable replica lacks. Lists one of 256 directories at a time, to
    /// keep memory small.
    /// - Parameter packs: ascending by name.
    package func lacking(_ packs: [PackSummary]) throws(KuraError) -> [PackSummary] {
        var lacking: [PackSummary] = []
        var rest = packs[...]
        while let first = rest.first {
            let shard = String(first.id.hex.prefix(2))
            let part = rest.prefix { $0.id.word0 >> 56 == first.id.word0 >> 56 }
            let (_, everywhere) = try names(in: "\(Layout.packs)/\(shard)")
            lacking += part.filter { !everywhere.contains($0.id) }
            rest = rest.dropFirst(part.count)
        }
        return lacking
    }

    /// Ids of the recovery points that some usable replica holds and that were not dropped; none
    /// where the region does not have the vault yet.
    package func heldPoints() throws(KuraError) -> Set<RecoveryPointID> {
        let points = try names(in: Layout.points).any
        return try points.subtracting(droppedPoints())
    }

    /// Names in a directory: those that any usable replica has, and those that every one has.
    ///
    /// A missing directory has no names: the vault is not in that replica yet. A replica in which
    /// the directory cannot be listed is recorded as damage and left out; when none can be listed,
    /// that is an error.
    private func names(
        in directory: String
    ) throws(KuraError) -> (any: Set<Digest>, everywhere: Set<Digest>) {
        var holders: [Digest: Int] = [:]
        var failures: [IOError] = []
        let folder = Layout.vault(id).folder(directory)
        for replica in replicas {
            do throws(IOError) {
                for name in try replica.store.names(in: folder) {
                    if let id = Digest(hex: name) { holders[id, default: 0] += 1 }
                }
            } catch {
                guard !error.isNotFound else { continue }
                failures.append(error)
                note(Damage(in: replica, folder, error))
            }
        }
        if let failure = failures.first, failures.count == replicas.count {
            throw KuraError(io: failure)
        }
        let everywhere = holders.filter { $0.value == replicas.count - failures.count }
        return (Set(holders.keys), Set(everywhere.keys))
    }

    /// Length of a file, in bytes, in the first replica that has it.
    package func byteCount(of file: VaultFile) throws(KuraError) -> UInt64 {
        try firstGood(file) { try $0.store.status(file.name(in: id)).byteCount }
    }
}
