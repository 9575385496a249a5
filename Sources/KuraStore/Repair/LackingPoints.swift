public import KuraFormat
public import KuraIO

extension Vault {
    /// Recovery points that a repair found to lack something, and that still do.
    public func lackingPoints() throws(KuraError) -> [RecoveryPointID] {
        let suspects = try givenUp(of: recoveryPointIDs())
        guard !suspects.isEmpty else { return [] }
        let lease = try lease()
        defer { lease.end() }
        return try PointWalker(ChunkIndex.open(self)).lacking(recoveryPoints(suspects))
    }
}
