internal import KuraFormat
internal import KuraIO
internal import KuraReplicas

/// The locks of one scope that this process holds, in zero or more replicas. They end with the
/// last reference to the lease, and with the process.
package final class Lease: Sendable {
    private let locks: [any LockHandle]

    /// Whether it has a lock in no replica.
    var isEmpty: Bool { locks.isEmpty }

    fileprivate init(_ locks: [any LockHandle]) { self.locks = locks }

    /// Lets go of the locks. Called again, it does nothing.
    /// - Parameter removing: whether the lock files are removed: those of one session or reader
    ///   have no further use.
    package func release(removing: Bool = false) {
        for lock in locks { lock.release(removing: removing) }
    }
}

extension Vault {
    /// Takes the lock of a scope in several replicas, in the order of their ordinals, so that no
    /// two processes wait for each other. Waits while another process holds it, at most for
    /// `policy.limit` in all.
    ///
    /// A replica fails when its lock cannot be had: the call fails, does not answer for
    /// `policy.answerLimit`, or another process holds it to the end, in a minority of the vault's
    /// replicas. See `LeaseRound` for why that is safe.
    ///
    /// - Parameters:
    ///   - operation: what this process does, shown to processes that wait for it.
    ///   - prepare: called for each replica before its lock file is opened.
    /// - Returns: the lease, and why it is not held in the other replicas, by ordinal. The caller
    ///   decides whether those that are left are enough.
    /// - Throws: `locked`, with the holder, when `LeaseRound` says that the lease is refused;
    ///   `interrupted`.
    func acquire(
        _ scope: LeaseScope, for operation: String, in replicas: [Replica], _ policy: WaitPolicy,
        prepare: @escaping @Sendable (Replica) throws(IOError) -> Void = { _ in }
    ) throws(KuraError) -> (lease: Lease, failures: [Int: KuraError]) {
        let what = scope.description(in: record.name)
        let me = LockHolder.current(operation)
        let deadline = Clock.steady() + policy.limit
        var round = LeaseRound(copies: Int(record.copies))
        var locks: [any LockHandle] = []
        var failures: [Int: KuraError] = [:]
        var refusal: KuraError?
        var isNoticed = false
        // After an error, the locks that were taken before it end with `locks`.
        for replica in replicas {
            let wait = LockWait(
                for: StoreLockPlace(scope.name(in: id), in: replica.store), in: replica.place)
            do throws(IOError) {
                let outcome = try wait.take(as: me, until: deadline, policy) {
                    () throws(IOError) in
                    try prepare(replica)
                } onWait: { holder in
                    if !isNoticed { policy.tell(of: what, heldBy: holder) }
                    isNoticed = true
                }
                switch outcome {
                case .taken(let lock):
                    locks.append(lock)
                    round.note(.taken, in: replica.ordinal)
                case .held(let holder):
                    let error = policy.refusal(of: what, heldBy: holder)
                    failures[replica.ordinal] = error
                    refusal = refusal ?? error
                    round.note(.held, in: replica.ordinal)
                case .cancelled:
                    throw IOError.interrupted("lock", place: replica.place)
                }
            } catch {
                if error.isInterrupted { throw .interruptedByUser }
                failures[replica.ordinal] = Self.lockError(error, in: replica, policy)
                round.note(.failed, in: replica.ordinal)
            }
        }
        if round.isRefused, let refusal { throw refusal }
        return (Lease(locks), failures)
    }

    /// Whether another holder has the lock of a scope in a replica. A lock that cannot be examined
    /// counts as held, so that nothing of its holder is touched.
    func isHeld(_ scope: LeaseScope, in replica: Replica) -> Bool {
        let wait = LockWait(
            for: StoreLockPlace(scope.name(in: id), in: replica.store), in: replica.place)
        do throws(IOError) {
            return try wait.isHeld(waits)
        } catch {
            return true
        }
    }

    private static func lockError(
        _ error: IOError, in replica: Replica, _ policy: WaitPolicy
    ) -> KuraError {
        guard error.isTimedOut else { return KuraError(io: error) }
        return KuraError(
            .io,
            "replica \(replica.ordinal) of region \(replica.regionName) does not answer: "
                + "a lock in \(replica.place) was asked for "
                + "\(policy.answerLimit / 1_000_000_000) s",
            remedy: .advice("check the disk or server that holds it"))
    }
}
