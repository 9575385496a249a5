public import KuraFormat
public import KuraIO

extension Vault {
    /// Recovery points that a repair gave up because they need what is lost, and that are not whole
    /// again.
    /// - Complexity: reads the ledger; follows the points that it names.
    public func lackingPoints() throws(KuraError) -> [RecoveryPointID] {
        let suspects = try givenUp(of: recoveryPointIDs())
        guard !suspects.isEmpty else { return [] }
        let lease = try lease()
        defer { lease.end() }
        return try PointWalker(ChunkIndex.open(self)).lacking(recoveryPoints(suspects))
    }
}
