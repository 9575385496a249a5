public import KuraFormat
public import KuraIO

extension Vault {
    /// Per usable replica, by ordinal, when everything that a recovery point needs was last read in
    /// full and found good: the oldest time of its packs, in nanoseconds since 1970. A replica in
    /// which some pack was never verified, or whose record of that cannot be read, is left out.
    /// - Complexity: follows the point down to its chunks, so it reads the point's whole manifest.
    public func lastFullReads(of point: RecoveryPoint) throws(KuraError) -> [Int: Int64] {
        let walker = PointWalker(try ChunkIndex.open(self))
        try walker.walk(point)
        let memory = VerificationMemory(self, replicas)
        var times: [Int: Int64] = [:]
        for replica in replicas {
            let reads = walker.packs.map { memory.time(of: $0, in: replica) }
            let known = reads.compactMap { $0 }
            if known.count == reads.count { times[replica.ordinal] = known.min() }
        }
        return times
    }
}
