package import KuraIO
internal import KuraReplicas

extension Vault {
    /// Keeps every other process, also one with another home, from freezing or thawing a machine
    /// until the lease ends. The item's own lease is no substitute: it is taken when the disks are
    /// frozen already.
    ///
    /// It is held in as many replicas as a backup needs, so that no two processes have it.
    /// - Throws: `locked`, with the holder; `interrupted`; the error of a replica where too few are
    ///   left.
    package func leaseMachine(
        of item: String, for operation: String, _ policy: WaitPolicy
    ) throws(KuraError) -> Lease {
        let (lease, failures) = try acquire(
            .machine(item), for: operation, in: replicas, policy
        ) { [id] replica throws(IOError) in try replica.store.prepare(vault: id) }
        guard replicas.count - failures.count >= requiredCopies else {
            lease.release()
            throw tooFewReplicas(
                failures.sorted { $0.key < $1.key }.map(\.value) + problems,
                required: requiredCopies)
        }
        return lease
    }
}
