package import KuraIO
package import SystemPackage

/// Which replica directories are trusted, by their owners and permissions.
public enum ReplicaOwner: Sendable {
    /// Those that belong to the effective user or to root, that neither group nor others may write
    /// to, and that no other user can replace by way of a directory above them.
    case trusted
    /// All of them: the user asked for that.
    case anybody

    /// Throws `refused` for a directory that is not trusted. For a missing one, the directories
    /// above it are checked.
    ///
    /// A user who may write to a replica can replace its directories by links, so that Kura writes
    /// elsewhere, and can remove recovery points.
    package func check(_ path: FilePath, _ fileSystem: any FileSystem) throws {
        guard self == .trusted else { return }
        try checkDirectory(path, fileSystem)
        guard let foothold = try fileSystem.foothold(on: path, for: Process.userID) else { return }
        throw KuraError(
            .refused, "another user could put other files in the place of \(path): \(foothold)",
            remedy: .anyOf([
                .advice("move it to a directory that only root and you can write to"),
                .region(.trustOwners),
            ]))
    }

    /// Throws `refused` for one directory that is not trusted, without a check of those above it. A
    /// missing one passes.
    func checkDirectory(_ path: FilePath, _ fileSystem: any FileSystem) throws {
        guard self == .trusted else { return }
        let status: FileStatus
        do throws(IOError) {
            status = try fileSystem.status(path)
        } catch {
            if error.isNotFound { return }
            throw error
        }
        guard status.kind == .directory else {
            throw KuraError(
                .refused, "\(path) is no directory, or a symbolic link to one",
                remedy: .advice("put the directory itself there"))
        }
        let user = Process.userID
        guard status.owner == user || status.owner == 0 else {
            throw KuraError(
                .refused, "\(path) belongs to user \(status.owner), and this is user \(user)",
                remedy: .anyOf([
                    .advice("run Kura as its owner"), .advice("run: chown -R \(user) \(path)"),
                    .region(.trustOwners),
                ]))
        }
        guard status.mode & 0o022 == 0 else {
            throw KuraError(
                .refused,
                "others than its owner, user \(status.owner), may write to \(path) "
                    + "(mode \(String(status.mode, radix: 8)))",
                remedy: .anyOf([.advice("run: chmod go-w \(path)"), .region(.trustOwners)]))
        }
    }

    /// The environment variable that asks for `anybody`.
    public static let variable = "KURA_ALLOW_FOREIGN_OWNER"
}
