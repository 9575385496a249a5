public import KuraIO

extension Vault {
    /// What the replicas lack of each other's files, and what those in `filling` lack. Changes
    /// nothing.
    /// - Parameter filling: replicas that are being filled: see `Region.beginFilling`.
    public func catchUpPlan(filling: [Replica] = []) throws(KuraError) -> CopyPlan {
        try copyPlan(to: replicas + filling, everyPack: true)
    }

    /// Brings every replica of the vault up to date, and those in `filling`. One good copy of each
    /// file is enough. On return what the report says was copied is durable.
    ///
    /// A replica that fails is named in the report, with the reason; the others go on. Also
    /// recovers what interrupted sessions left, and removes superseded index runs.
    /// - Parameters:
    ///   - filling: replicas that are being filled: see `Region.beginFilling`.
    ///   - progress: counts bytes of files, each once however many replicas get it.
    /// - Throws: `locked` when another process holds the vault; `interrupted`; the error of a
    ///   replica when none is left.
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
        try session.recover(progress, cancellation)
        try IndexMerge(try ChunkIndex.open(self), session.writer).removeObsolete()
        report.failures.merge(session.writer.failures) { first, _ in first }
        clean = true
        return report
    }
}
