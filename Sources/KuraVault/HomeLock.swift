package import KuraFormat
package import KuraIO
internal import SystemPackage

/// What a process locks in the home, beside the leases of vaults.
package enum HomeLock {
    /// The list of regions.
    case regions
    /// A vault's replication queue. Two processes must not each write what they saw before the
    /// other one's backup.
    case queue(UniqueID)
    /// A piece of the schedule's work in a vault, while a scheduler tries it.
    case work(String, of: UniqueID)

    var name: String {
        switch self {
        case .regions: "kura.lock"
        case .queue(let vault): "replication/\(vault.hex).lock"
        case .work(let item, let vault):
            "jobs/work-\(SHA256.digest(Array("\(vault.hex)/\(item)".utf8)).hex.prefix(32))"
        }
    }

    /// What is waited for, as people call it.
    func description(in home: FilePath) -> String {
        switch self {
        case .regions: "the regions of \(home)"
        case .queue: "the replication queue \(home.appending(name))"
        case .work(let item, _): "the schedule of \(item)"
        }
    }
}

extension Subscription {
    /// Takes a lock of the home, and waits while another process holds it.
    /// - Parameter operation: what this process does, for those who wait for it.
    /// - Throws: `locked`, with the holder, when the wait is over; `interrupted`.
    package func lock(
        _ lock: HomeLock, for operation: String, _ policy: WaitPolicy
    ) throws(KuraError) -> any LockHandle {
        let path = home.pushing(FilePath(lock.name))
        let directory = path.removingLastComponent()
        let what = lock.description(in: home)
        let outcome: LockOutcome
        do throws(IOError) {
            outcome = try LockWait(for: FileLockPlace(path), in: home.string).take(
                as: .current(operation), until: Clock.steady() + policy.limit, policy,
                prepare: { () throws(IOError) in
                    try LocalFileSystem().makeDirectories(directory)
                },
                onWait: { policy.tell(of: what, heldBy: $0) })
        } catch {
            throw error.errno == .interrupted ? .interruptedByUser : KuraError(io: error)
        }
        switch outcome {
        case .taken(let lock): return lock
        case .held(let holder): throw policy.refusal(of: what, heldBy: holder)
        case .cancelled: throw .interruptedByUser
        }
    }

    /// Whether some process holds a lock of the home now. What cannot be examined is not held.
    func isHeld(_ lock: HomeLock) -> Bool {
        let path = home.pushing(FilePath(lock.name))
        do throws(IOError) {
            return try LockWait(for: FileLockPlace(path), in: home.string).isHeld(context.waits)
        } catch {
            return false
        }
    }
}
