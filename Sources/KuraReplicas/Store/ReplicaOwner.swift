package import KuraIO
package import SystemPackage

/// Whose replica directories are used.
public enum ReplicaOwner: Sendable {
    /// Those that belong to the effective user or to root, and that neither group nor others may
    /// write to. Root may use all.
    case trusted
    /// All of them: the user asked for that.
    case anybody

    /// Throws `refused` for a directory that is not to be used. One that is not there passes.
    ///
    /// Who may write to a replica can put links in the place of its directories, and so lead a
    /// write elsewhere, and can take recovery points away.
    package func check(_ path: FilePath, _ fileSystem: any FileSystem) throws {
        guard self == .trusted else { return }
        let status: FileStatus
        do throws(IOError) {
            status = try fileSystem.status(path)
        } catch {
            if error.isNotFound { return }
            throw error
        }
        let user = Process.userID
        guard user == 0 || status.owner == user || status.owner == 0 else {
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

    /// The variable of the environment that says `anybody`.
    public static let variable = "KURA_ALLOW_FOREIGN_OWNER"
}
