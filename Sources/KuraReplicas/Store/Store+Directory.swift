public import KuraIO
public import SystemPackage

extension DirectoryStore {
    /// A store in each of some directories, in their order.
    /// - Parameter owner: whose directories are used.
    public static func stores(
        at paths: [FilePath], owner: ReplicaOwner = .trusted,
        fileSystem: any FileSystem = LocalFileSystem()
    ) -> [any Store] {
        paths.map { DirectoryStore($0, owner: owner, fileSystem: fileSystem) }
    }
}

extension Store {
    /// The directory of a store that is one.
    public var directory: FilePath { FilePath(place) }
}
