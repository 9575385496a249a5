internal import KuraFormat
package import KuraIO
internal import KuraReplicas

/// Keeps packs from being removed while they are read: a kernel lock in every replica that can
/// be written. Take it before the index is opened, so that a later removal of packs sees it. It
/// ends with the process.
///
/// Where no replica can be written, there is no lock. This machine cannot remove packs then; where
/// another one does, a read of such a pack fails.
package final class ReaderLease: Sendable {
    private let vault: Vault
    private let id = UniqueID.random()
    private let lease: Lease

    /// - Parameter policy: how long it waits for a commit in progress.
    /// - Throws: `locked` when that commit does not end in time; `interrupted`.
    init(_ vault: Vault, _ policy: WaitPolicy) throws(KuraError) {
        self.vault = vault
        lease = try vault.acquire(.reader(id), for: "read", in: vault.replicas, policy).lease
        guard !lease.isEmpty else { return }
        do throws(KuraError) {
            // A removal of packs that begins now sees this lock; an earlier one has published its
            // runs, which are read next.
            try vault.waitForCommits(policy)
        } catch {
            end()
            throw error
        }
    }

    /// Ends the lease. Called again, it does nothing.
    package func end() {
        lease.release(removing: true)
    }
}

extension Vault {
    /// Keeps the vault's packs in this region until the lease ends.
    /// - Parameter cancellation: of the wait for the lease; nil for the one that the vault was
    ///   opened with.
    package func lease(_ cancellation: Cancellation? = nil) throws(KuraError) -> ReaderLease {
        try ReaderLease(self, cancellation.map(waits.until) ?? waits)
    }

    /// Returns when every commit that was in progress has ended, in replicas that can be written.
    ///
    /// Every commit holds its lock in a majority, and waiting in one of those replicas is enough.
    /// So a replica may be left out that does not answer, or in which a holder without a majority
    /// has the lock.
    func waitForCommits(_ policy: WaitPolicy) throws(KuraError) {
        try acquire(.commit, for: "read", in: replicas, policy).lease.release()
    }

    /// Ids of readers whose lock is held in some replica, ascending.
    func openReaders() throws(KuraError) -> [UniqueID] {
        var readers: [UniqueID] = []
        for (name, replicas) in try list(Layout.locks).sorted(by: { $0.key < $1.key }) {
            guard name.hasPrefix(LeaseScope.readerPrefix),
                let reader = UniqueID(hex: name.dropFirst(LeaseScope.readerPrefix.count)),
                replicas.contains(where: { isHeld(.reader(reader), in: $0) })
            else { continue }
            readers.append(reader)
        }
        return readers
    }
}
