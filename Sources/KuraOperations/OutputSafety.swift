internal import Glibc
internal import KuraIO
internal import KuraReplicas
internal import KuraStore
internal import KuraVault
internal import SystemPackage

extension Operations {
    /// Where restored files are made: with the rights of this process, or of another user.
    /// - Parameter user: its name; only root can act as another user.
    static func outputFileSystem(as user: String?) throws(KuraError) -> any TargetFileSystem {
        guard let user else { return LocalFileSystem() }
        let found = try FileUser(named: user)
        if found.id == Process.userID { return LocalFileSystem() }
        guard Process.userID == 0 else {
            throw KuraError(
                .refused, "only root can write with the rights of user \(user)",
                remedy: .advice("run Kura as root, or as \(user)"))
        }
        return UserFileSystem(found)
    }

    /// Throws where root would write with its own rights to where another user can put links: the
    /// names and the bytes of restored disks may be that user's, too.
    /// - Parameters:
    ///   - path: a file, or a directory that files are made in.
    ///   - user: with whose rights; nil for this process's.
    func refuseForeignDirectories(_ path: FilePath, as user: String?) throws(KuraError) {
        guard user == nil, Process.userID == 0 else { return }
        let fileSystem = LocalFileSystem()
        let target = context.resolve(path)
        try withKuraErrors {
            var places = [target, Self.withoutLinks(target)].map { $0.removingLastComponent() }
            if try fileSystem.exists(target), try fileSystem.status(target).kind == .directory {
                places.append(target)
            }
            for place in places {
                guard let foothold = try fileSystem.foothold(on: place, for: 0) else { continue }
                let owner: UInt32? = if case .owner(let id) = foothold.kind { id } else { nil }
                throw KuraError(
                    .refused,
                    "root writes nothing to \(path), because another user could lead it elsewhere: "
                        + "\(foothold)",
                    remedy: .anyOf([
                        .point(.restoreAs(owner.flatMap { FileUser(id: $0)?.name } ?? "USER")),
                        .advice("choose a directory that only root can write to"),
                    ]))
            }
        }
    }

    /// Throws where a path lies inside the home or a replica of any region, also when links lead
    /// there: what is written there would damage what it is read from.
    func refuseOwnDirectories(_ path: FilePath) throws(KuraError) {
        let target = Self.withoutLinks(context.resolve(path))
        for region in subscription.regions {
            for replica in region.replicas
            where target.starts(with: Self.withoutLinks(replica.store.directory)) {
                throw KuraError(
                    .invalidInput,
                    "\(path) is inside replica \(replica.ordinal) of region "
                        + "\(region.name)", remedy: .advice("choose a path outside the vault"))
            }
        }
        let home = context.resolve(subscription.home)
        guard target.starts(with: Self.withoutLinks(home)) else { return }
        throw KuraError(
            .invalidInput, "\(path) is inside the Kura home \(home)",
            remedy: .advice("choose a path outside the home"))
    }

    /// The path with every link followed, as far as it exists.
    private static func withoutLinks(_ path: FilePath) -> FilePath {
        var missing: [FilePath.Component] = []
        var current = path
        while true {
            let text = current.isEmpty ? "." : current.string
            if let real = realpath(text, nil) {
                defer { free(real) }
                var result = FilePath(String(cString: real))
                for component in missing.reversed() { result.append(component) }
                return result.lexicallyNormalized()
            }
            guard let last = current.lastComponent else { return path.lexicallyNormalized() }
            missing.append(last)
            current.removeLastComponent()
        }
    }
}
