internal import KuraIO

extension Session {
    /// Runs `body` while no other session commits a recovery point, lists packs again, or removes
    /// packs. Waits for its turn. Keep `body` short, because every commit waits for it: write what
    /// takes long beforehand, and only give it its name under the lock.
    ///
    /// A replica whose lock cannot be had fails: see `Vault.acquire`.
    func withCommitLock<T>(_ body: () throws(KuraError) -> T) throws(KuraError) -> T {
        let lease = try acquireInLive(.commit)
        defer { lease.release() }
        if let error = writer.error { throw error }
        return try body()
    }

    /// Returns when every commit that was in progress has ended.
    func waitForCommits() throws(KuraError) {
        try acquireInLive(.commit).release()
    }

    private func acquireInLive(_ scope: LeaseScope) throws(KuraError) -> Lease {
        let (lease, failures) = try vault.acquire(
            scope, for: operation, in: writer.live, waits)
        for (ordinal, error) in failures { writer.fail(ordinal, error) }
        return lease
    }
}
