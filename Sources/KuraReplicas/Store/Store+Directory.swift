public import KuraIO
public import SystemPackage

extension DirectoryStore {
    /// One store for each of `paths`, in their order.
    /// - Parameter owner: whose directories are trusted.
    public static func stores(
        at paths: [FilePath], owner: ReplicaOwner = .trusted,
        fileSystem: any FileSystem = LocalFileSystem()
    ) -> [any Store] {
        paths.map { DirectoryStore($0, owner: owner, fileSystem: fileSystem) }
    }
}

extension Store {
    /// The directory of a store in a directory; undefined for others.
    public var directory: FilePath { FilePath(place) }
}
