public import KuraFormat
public import KuraIO

extension Vault {
    /// Per recovery point, ordinals of the replicas that hold it whole: its record, and every pack
    /// that it needs.
    /// - Complexity: opens the index and asks for the status of each copy of each pack; where one
    ///   is missing, follows every point.
    public func wholeCopies() throws(KuraError) -> [RecoveryPointID: [Int]] {
        var holders = try pointHolders()
        for (id, lacking) in try incompleteCopies() {
            holders[id]?.removeAll(where: lacking.contains)
        }
        return holders
    }

    /// Packs that index runs list and that some usable replica of this region lacks.
    public struct MissingPacks: Sendable {
        /// Whether every usable replica of this region holds every pack.
        public var isNone = true
        /// Those that no usable replica of this region or of the paired one holds, ascending.
        public var nowhere: [PackID] = []
        /// The others, ascending. Left empty while there is an interrupted session: the next
        /// session copies what that one did not.
        public var partly: [PackID] = []
    }

    /// Packs that some usable replica of this region lacks.
    /// - Complexity: opens the index, and asks for the status of each copy of each pack.
    public func missingPacks() throws(KuraError) -> MissingPacks {
        try withLackingPacks { (_, index, here) throws(KuraError) in
            let nowhere = Set(here.packs(inFewerThan: 1, of: replicas.count))
            let there = PackPresence(
                index.packs.filter { nowhere.contains($0.id) }, of: self, in: pair)
            let lost = Set(there.packs(inFewerThan: 1, of: pair.count)).union(
                pair.isEmpty ? nowhere : [])
            var missing = MissingPacks(isNone: false, nowhere: lost.sorted())
            // The next session copies what an interrupted one did not.
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
                    if isDropped(id, error) { continue }
                    found[id] = Set(replicas.map(\.ordinal))
                }
            }
            return found
        } ?? [:]
    }

    /// Where some usable replica lacks a pack that the index lists, calls `body` under a lease, so
    /// that no pack is removed.
    /// - Parameter body: gets the points, which were listed before the index was opened, so that
    ///   the index has what they need; the index; and the missing copies.
    /// - Returns: nil where every pack is in every usable replica.
    private func withLackingPacks<T>(
        _ body: ([RecoveryPointID], ChunkIndex, PackPresence) throws(KuraError) -> T
    ) throws(KuraError) -> T? {
        let seen = PackPresence(try ChunkIndex.open(self).packs, of: self, in: replicas)
        guard !seen.isComplete else { return nil }
        // Once more under the lease: a sweep may have removed packs since the first look.
        let lease = try lease()
        defer { lease.end() }
        let ids = try recoveryPointIDs()
        let index = try ChunkIndex.open(self)
        let presence = PackPresence(index.packs, of: self, in: replicas)
        return presence.isComplete ? nil : try body(ids, index, presence)
    }
}
