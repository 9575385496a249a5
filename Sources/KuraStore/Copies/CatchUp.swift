public import KuraIO

extension Vault {
    /// What its replicas lack of each other's files, and what `filling` lack of all of it.
    /// - Parameter filling: replicas that are being filled: see `Region.beginFilling`.
    public func catchUpPlan(filling: [Replica] = []) throws(KuraError) -> CopyPlan {
        try copyPlan(to: replicas + filling, everyPack: true)
    }

    /// Brings every replica of the vault up to date, and those in `filling`. One good copy of each
    /// file is enough. On return what the report says was copied is durable.
    ///
    /// A replica that fails is given up and named in the report; the others go on.
    /// - Parameter progress: counts bytes of files, each once however many replicas take it.
    @discardableResult
    public func catchUp(
        filling: [Replica] = [], progress: Progress = Progress(),
        cancellation: Cancellation = Cancellation()
    ) throws(KuraError) -> CopyReport {
        let session = try Session.begin(
            self, operation: "replicate", scope: .vault, required: 1,
            waits: waits.until(cancellation))
        var clean = false
        defer { session.end(clean: clean) }
        let targets = session.writer.live + filling
        var report = try session.catchUp(
            targets, everyPack: true, progress: progress, cancellation: cancellation)
        try session.settle(progress, cancellation)
        try IndexMerge(try ChunkIndex.open(self), session.writer).removeObsolete()
        report.failures.merge(session.writer.failures) { first, _ in first }
        clean = true
        return report
    }
}
