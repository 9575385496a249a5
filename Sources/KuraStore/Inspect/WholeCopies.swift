public import KuraFormat
public import KuraIO

extension Vault {
    /// Per recovery point, ordinals of the replicas that hold it whole: its record, and every pack
    /// that it needs.
    /// - Complexity: opens the index and asks for the status of each copy of each pack; where one
    ///   is not there, follows every point.
    public func wholeCopies() throws(KuraError) -> [RecoveryPointID: [Int]] {
        var holders = try pointHolders()
        for (id, lacking) in try incompleteCopies() {
            holders[id]?.removeAll(where: lacking.contains)
        }
        return holders
    }

    /// Packs that index runs list and that are not where they should be.
    public struct MissingPacks: Sendable {
        /// In no replica that can be used, of this region or of the paired one.
        public var nowhere: [PackID] = []
        /// In some, but not in all. Empty while an interrupted session waits for the next one,
        /// which copies what it left.
        public var partly: [PackID] = []
    }

    /// - Complexity: opens the index, and asks for the status of each copy of each pack.
    public func missingPacks() throws(KuraError) -> MissingPacks {
        guard try !PackPresence(ChunkIndex.open(self).packs, of: self, in: replicas).isComplete
        else { return MissingPacks() }
        // Once more while nothing is removed: packs may just have been swept.
        let lease = try lease()
        defer { lease.end() }
        let packs = try ChunkIndex.open(self).packs
        let here = PackPresence(packs, of: self, in: replicas)
        let nowhere = Set(here.packs(inFewerThan: 1, of: replicas.count))
        let there = PackPresence(packs.filter { nowhere.contains($0.id) }, of: self, in: pair)
        let lost = Set(there.packs(inFewerThan: 1, of: pair.count)).union(
            pair.isEmpty ? nowhere : [])
        var missing = MissingPacks(nowhere: lost.sorted())
        // What a command that was cut short left half done, the next one copies.
        if interruptedSessions().isEmpty {
            missing.partly = here.lacking.keys.filter { !lost.contains($0) }.sorted()
        }
        return missing
    }

    /// Per recovery point that some usable replica does not hold whole, the ordinals of those.
    private func incompleteCopies() throws(KuraError) -> [RecoveryPointID: Set<Int>] {
        let seen = PackPresence(try ChunkIndex.open(self).packs, of: self, in: replicas)
        guard !seen.isComplete else { return [:] }
        // Once more while nothing is removed: packs may just have been swept.
        let lease = try lease()
        defer { lease.end() }
        let ids = try recoveryPointIDs()
        let index = try ChunkIndex.open(self)
        let presence = PackPresence(index.packs, of: self, in: replicas)
        guard !presence.isComplete else { return [:] }
        let walker = PointWalker(index, lacking: presence.lacking)
        var found: [RecoveryPointID: Set<Int>] = [:]
        for (id, point) in try recoveryPoints(ids) {
            do throws(KuraError) {
                let lacking = try walker.replicasLacking(point)
                if !lacking.isEmpty { found[id] = lacking }
            } catch {
                guard error.code == .damaged || error.code == .notFound else { throw error }
                found[id] = Set(replicas.map(\.ordinal))
            }
        }
        return found
    }
}
