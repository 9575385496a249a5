internal import KuraFormat
public import KuraIO
internal import KuraReplicas

extension Vault {
    /// Heals index runs of which no replica has a good copy: without them a restore does not find
    /// the chunks that they list, although the packs are there. Writes nothing where no run is
    /// lost.
    ///
    /// - Returns: a damage for each lost run and replica, with `repairedFrom` or `obstacle` set.
    public func healLostRuns() throws(KuraError) -> [Damage] {
        let index = try ChunkIndex.open(self)
        let readable = Set((index.runs + index.obsolete).map(\.id))
        let superseded = Set((index.runs + index.obsolete).flatMap(\.trailer.superseded))
        let listed = Set(try list(Layout.index).keys.compactMap { RunID(hex: $0) })
        let lost = listed.union(try runsOfPoints()).subtracting(readable).subtracting(superseded)
        guard !lost.isEmpty else { return [] }
        var found: [Damage] = []
        for id in lost.sorted() {
            for replica in replicas {
                do {
                    try RunFile.read(id, in: replica, of: self)
                } catch {
                    found.append(Damage(in: replica, .run(id), of: self.id, error))
                }
            }
        }
        return try heal(found)
    }

    /// Runs that the recovery points name of which there is a good copy.
    func runsOfPoints() throws(KuraError) -> Set<RunID> {
        var runs = Set<RunID>()
        for id in try recoveryPointIDs() {
            do throws(KuraError) {
                runs.formUnion(try recoveryPoint(id).runs)
            } catch {
                // Without a good copy the point cannot be restored anyway; verification reports it.
                continue
            }
        }
        return runs
    }
}
