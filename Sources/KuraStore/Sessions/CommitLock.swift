internal import Glibc
internal import KuraIO
internal import KuraReplicas
internal import SystemPackage

extension Session {
    /// Runs `body` while no other session commits a recovery point, lists packs again, or takes
    /// packs away. Waits for its turn; nobody holds the lock for longer than it takes to publish an
    /// index run and a point.
    ///
    /// Every session takes the replicas' locks in the order of their ordinals, so that none waits
    /// for one that waits for it. Two sessions that see different replicas of three have one in
    /// common. A replica whose lock cannot be opened is given up.
    func withCommitLock<T>(_ body: () throws(KuraError) -> T) throws(KuraError) -> T {
        var locks: [OpenFile] = []
        defer { for lock in locks { vault.fileSystem.close(lock) } }
        for replica in writer.live {
            do throws(IOError) {
                locks.append(try vault.waitForCommitLock(in: replica))
            } catch {
                writer.fail(replica.ordinal, KuraError(io: error))
            }
        }
        if let error = writer.error { throw error }
        return try body()
    }

}

extension Vault {
    /// How long a session waits before it tries for the lock again.
    private static let pauseMicroseconds: UInt32 = 2000

    fileprivate func waitForCommitLock(in replica: Replica) throws(IOError) -> OpenFile {
        let path = replica.path(of: "\(Layout.locks)/\(Layout.commitLock)", in: id)
        while true {
            if let lock = try fileSystem.lock(path) { return lock }
            usleep(Self.pauseMicroseconds)
        }
    }

    /// Returns when every commit is over that was going on, in replicas that can be written.
    func waitForCommits() {
        for replica in replicas {
            do throws(IOError) {
                fileSystem.close(try waitForCommitLock(in: replica))
            } catch {
                continue
            }
        }
    }
}
