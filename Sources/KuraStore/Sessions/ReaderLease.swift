internal import KuraFormat
internal import KuraIO
internal import KuraReplicas
internal import SystemPackage

/// Keeps packs from being taken away while somebody reads: a kernel lock in every replica that can
/// be written. It is taken before the index is opened, so that whoever takes packs away afterwards
/// sees it, and ends with the process.
///
/// Where no replica can be written, nothing is kept: then nobody can take packs away from here
/// either, and a reader elsewhere is told of a pack that vanished.
package final class ReaderLease {
    private let vault: Vault
    private let id = UniqueID.random()
    private var locks: [(file: OpenFile, path: FilePath)] = []

    init(_ vault: Vault) {
        self.vault = vault
        for replica in vault.replicas {
            let path = vault.readerLock(id, in: replica)
            do throws(IOError) {
                // Somebody may be looking whether it is free, for a moment.
                for _ in 0..<3 {
                    guard let file = try vault.fileSystem.lock(path) else { continue }
                    locks.append((file, path))
                    break
                }
            } catch {
                continue
            }
        }
        // Whoever takes packs away now either knows of this reader or is done with the runs.
        if !locks.isEmpty { vault.waitForCommits() }
    }

    /// Lets go. Called once, at the end.
    package func end() {
        for lock in locks {
            do throws(IOError) {
                try vault.fileSystem.remove(lock.path)
            } catch {
                // An empty file stays behind that nobody locks.
            }
            vault.fileSystem.close(lock.file)
        }
        locks = []
    }
}

extension Vault {
    private static let readerPrefix = "reader-"

    /// Keeps the vault's packs in this region until the lease ends.
    package func lease() -> ReaderLease { ReaderLease(self) }

    func readerLock(_ reader: UniqueID, in replica: Replica) -> FilePath {
        replica.path(of: "\(Layout.locks)/\(Self.readerPrefix)\(reader.hex)", in: id)
    }

    /// Readers that hold their lock in some replica.
    func openReaders() throws(KuraError) -> [UniqueID] {
        var readers: [UniqueID] = []
        for (name, replicas) in try list(Layout.locks).sorted(by: { $0.key < $1.key }) {
            guard name.hasPrefix(Self.readerPrefix),
                let reader = UniqueID(hex: name.dropFirst(Self.readerPrefix.count)),
                replicas.contains(where: { isLocked(readerLock(reader, in: $0)) })
            else { continue }
            readers.append(reader)
        }
        return readers
    }
}
