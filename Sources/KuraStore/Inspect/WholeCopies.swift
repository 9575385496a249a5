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
        /// Whether every usable replica of this region holds every pack.
        public var isNone = true
        /// In no replica that can be used, of this region or of the paired one.
        public var nowhere: [PackID] = []
        /// In some, but not in all. Empty while an interrupted session waits for the next one,
        /// which copies what it left.
        public var partly: [PackID] = []
    }

    /// - Complexity: opens the index, and asks for the status of each copy of each pack.
    public func missingPacks() throws(KuraError) -> MissingPacks {
        try withLackingPacks { (_, index, here) throws(KuraError) in
            let nowhere = Set(here.packs(inFewerThan: 1, of: replicas.count))
            let there = PackPresence(
                index.packs.filter { nowhere.contains($0.id) }, of: self, in: pair)
            let lost = Set(there.packs(inFewerThan: 1, of: pair.count)).union(
                pair.isEmpty ? nowhere : [])
            var missing = MissingPacks(isNone: false, nowhere: lost.sorted())
            // What a command that was cut short left half done, the next one copies.
            if interruptedSessions().isEmpty {
                missing.partly = here.lacking.keys.filter { !lost.contains($0) }.sorted()
            }
            return missing
        } ?? MissingPacks()
    }

    /// Per recovery point that some usable replica does not hold whole, the ordinals of those.
    private func incompleteCopies() throws(KuraError) -> [RecoveryPointID: Set<Int>] {
        try withLackingPacks { (ids, index, presence) throws(KuraError) in
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
        } ?? [:]
    }

    /// Calls `body` where some usable replica does not hold every pack that the index lists, while
    /// nothing is removed: with the points, which were listed before the runs, so that the index
    /// has what they need; the index; and what is not there.
    /// - Returns: nil where every pack is in every replica.
    private func withLackingPacks<T>(
        _ body: ([RecoveryPointID], ChunkIndex, PackPresence) throws(KuraError) -> T
    ) throws(KuraError) -> T? {
        let seen = PackPresence(try ChunkIndex.open(self).packs, of: self, in: replicas)
        guard !seen.isComplete else { return nil }
        // Once more: packs may just have been swept.
        let lease = try lease()
        defer { lease.end() }
        let ids = try recoveryPointIDs()
        let index = try ChunkIndex.open(self)
        let presence = PackPresence(index.packs, of: self, in: replicas)
        return presence.isComplete ? nil : try body(ids, index, presence)
    }
}
