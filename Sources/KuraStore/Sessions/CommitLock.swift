internal import KuraIO

extension Session {
    /// Runs `body` while no other session commits a recovery point, lists packs again, or takes
    /// packs away. Waits for its turn; the lock is never held for longer than it takes to publish
    /// an index run and a point.
    ///
    /// A replica whose lock cannot be had is given up: see `Vault.acquire`.
    func withCommitLock<T>(_ body: () throws(KuraError) -> T) throws(KuraError) -> T {
        let lease = try acquireInLive(.commit)
        defer { lease.release() }
        if let error = writer.error { throw error }
        return try body()
    }

    /// Returns when every commit is over that was going on.
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
