internal import KuraFormat
internal import KuraIO
internal import KuraReplicas

/// The locks of one scope that this process holds, in one or more replicas. They end with it.
package final class Lease: Sendable {
    private let locks: [any LockHandle]

    /// Whether there is a lock in any replica.
    var isEmpty: Bool { locks.isEmpty }

    fileprivate init(_ locks: [any LockHandle]) { self.locks = locks }

    /// - Parameter removing: whether the lock files are of no use any more.
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
    ///   - operation: what this process does, for those who wait for it.
    ///   - prepare: called for each replica before its lock file is opened.
    /// - Returns: the lease, and why it is not held in the other replicas, by ordinal. Whether
    ///   those that are left are enough is for the caller to decide.
    /// - Throws: `locked`, with the holder, when another process holds it where it counts;
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
        // Locks that were taken before an error are let go of by themselves.
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

    /// Whether the lock of a scope is held in a replica. What cannot be examined is taken for
    /// held: nothing of its holder is touched.
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
