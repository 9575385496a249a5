internal import KuraFormat
package import KuraIO
internal import KuraReplicas
package import KuraStore
internal import SystemPackage

/// Which replica directories are mount points: an empty directory where a disk was mounted before
/// is no new, empty replica, and what is written into it lands on the wrong disk.
extension Subscription {
    private static let mountsKey = "mounts"

    /// Enters the replicas that are here now and have a file system of their own. Without a catalog
    /// they are not remembered.
    func rememberMounts() {
        do throws(KuraError) {
            let here = regions.flatMap(\.available).filter(Self.isMountPoint).map(\.place)
            guard !here.isEmpty else { return }
            let known = try knownMounts()
            if !known.isSuperset(of: here) { try save(known.union(here)) }
        } catch {
            return
        }
    }

    /// Whether a replica had a file system of its own when it was last seen, and has none now.
    package func isUnmounted(_ replica: Replica) throws(KuraError) -> Bool {
        if Self.isMountPoint(replica) { return false }
        return try knownMounts().contains(replica.place)
    }

    /// Takes the directory of a replica for one that needs no file system of its own.
    func forgetMount(of replica: Replica) throws(KuraError) {
        try save(knownMounts().subtracting([replica.place]))
    }

    private func knownMounts() throws(KuraError) -> Set<String> {
        Set(try (catalog().value(Self.mountsKey) ?? "").split(separator: "\n").map(String.init))
    }

    private func save(_ mounts: Set<String>) throws(KuraError) {
        try catalog().setValue(mounts.sorted().joined(separator: "\n"), for: Self.mountsKey)
    }

    private static func isMountPoint(_ replica: Replica) -> Bool {
        let directory = replica.store.directory
        do throws(IOError) {
            let fileSystem = LocalFileSystem()
            return try fileSystem.status(directory).device
                != fileSystem.status(directory.removingLastComponent()).device
        } catch {
            return false
        }
    }
}
