internal import Glibc
internal import KuraIO
internal import KuraReplicas
internal import KuraStore
internal import KuraVault
internal import SystemPackage

extension Operations {
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
