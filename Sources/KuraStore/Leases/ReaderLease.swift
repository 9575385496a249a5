internal import KuraFormat
package import KuraIO
internal import KuraReplicas

/// Keeps packs from being removed while they are read: a kernel lock in every replica that can
/// be written. It is taken before the index is opened, so that a later removal of packs sees it,
/// and ends with the process.
///
/// Where no replica can be written, nothing is kept: then no packs can be removed from here
/// either, and a reader elsewhere is told of a pack that vanished.
package final class ReaderLease {
    private let vault: Vault
    private let id = UniqueID.random()
    private let lease: Lease

    /// - Parameter policy: how it waits for a commit that is going on.
    /// - Throws: `locked` when that does not end; `interrupted`.
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

    /// Lets go. Called once, at the end.
    package func end() {
        lease.release(removing: true)
    }
}

extension Vault {
    /// Keeps the vault's packs in this region until the lease ends.
    /// - Parameter cancellation: nil for the one that the vault was opened with.
    package func lease(_ cancellation: Cancellation? = nil) throws(KuraError) -> ReaderLease {
        try ReaderLease(self, cancellation.map(waits.until) ?? waits)
    }

    /// Returns when every commit is over that was going on, in replicas that can be written.
    ///
    /// One replica that a commit holds is enough for that, and every commit holds a majority. So a
    /// replica may be left out that does not answer, or whose lock is held there and in no
    /// majority.
    func waitForCommits(_ policy: WaitPolicy) throws(KuraError) {
        try acquire(.commit, for: "read", in: replicas, policy).lease.release()
    }

    /// Readers that hold their lock in some replica.
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
