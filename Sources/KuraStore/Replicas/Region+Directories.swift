public import KuraFormat
public import KuraIO
public import KuraReplicas
public import SystemPackage

extension Region {
    /// Opens a region whose replicas are directories.
    /// - Parameter owner: whose directories are used.
    public convenience init(
        id: UniqueID, name: String, replicas paths: [FilePath], owner: ReplicaOwner = .trusted,
        fileSystem: any FileSystem = LocalFileSystem(), clock: WallClock = .system,
        budget: Budget = Budget(), waits: WaitPolicy = WaitPolicy()
    ) {
        self.init(
            id: id, name: name, stores: Self.stores(paths, owner, fileSystem), clock: clock,
            budget: budget, waits: waits)
    }

    /// Makes the directories of a region's replicas: see `create(name:id:stores:)`.
    /// - Parameters:
    ///   - paths: each absent, empty, or a replica of this region at its place.
    ///   - owner: whose directories are taken.
    public static func create(
        name: String, id: UniqueID? = nil, replicas paths: [FilePath],
        owner: ReplicaOwner = .trusted, fileSystem: any FileSystem = LocalFileSystem(),
        clock: WallClock = .system
    ) throws(KuraError) -> Region {
        try create(name: name, id: id, stores: stores(paths, owner, fileSystem), clock: clock)
    }

    private static func stores(
        _ paths: [FilePath], _ owner: ReplicaOwner, _ fileSystem: any FileSystem
    ) -> [any Store] {
        paths.map { DirectoryStore($0, owner: owner, fileSystem: fileSystem) }
    }
}

extension Replica {
    /// The directory of a replica that is one.
    public var path: FilePath { FilePath(store.place) }
}

extension Replica {
    /// The directory of a vault in a replica that is one.
    package func vaultPath(_ vault: UniqueID) -> FilePath {
        path.appending("vaults").appending(vault.hex)
    }
}
