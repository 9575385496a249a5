public import KuraFormat
public import KuraIO
public import KuraReplicas
public import SystemPackage

extension Region {
    /// Makes the replica directories of a region, durably, or takes up those that are there.
    ///
    /// What is on disk if power fails: some directories with an identity file, one without, the
    /// others absent. The next call with the same name and paths finds the identity files and
    /// goes on; until then a directory without one is no replica. A directory is given an identity only
    /// while no replica of the region holds a vault: an empty one beside full ones is not new, it is
    /// one that was lost.
    ///
    /// - Parameters:
    ///   - id: which region it is, where that is known; nil takes what the directories say, and a
    ///     new one where they say nothing.
    ///   - owner: whose directories are taken.
    ///   - paths: each absent, empty, or a replica of this region at its place.
    /// - Returns: the region, opened. Its `problems` name directories that were left as they are.
    public static func create(
        name: String, id: UniqueID? = nil, replicas paths: [FilePath],
        owner: ReplicaOwner = .trusted,
        fileSystem: any FileSystem = LocalFileSystem(), clock: WallClock = .system
    ) throws(KuraError) -> Region {
        try withKuraErrors {
            var known = id
            var holdsVaults = false
            var missing: [Int] = []
            for (ordinal, path) in paths.enumerated() {
                try owner.check(path, fileSystem)
                guard let record = try identity(of: path, fileSystem) else {
                    try requireEmpty(path, fileSystem)
                    missing.append(ordinal)
                    continue
                }
                guard record.regionName == name, Int(record.ordinal) == ordinal,
                    known == nil || known == record.region
                else { throw foreign(path, record) }
                known = record.region
                let vaults = try fileSystem.list(path.appending(Layout.vaults))
                if !vaults.isEmpty { holdsVaults = true }
            }
            let id = known ?? .random()
            if !holdsVaults {
                for ordinal in missing {
                    try identify(
                        paths[ordinal],
                        as: ReplicaRecord(
                            region: id, regionName: name, ordinal: UInt8(ordinal),
                            created: clock.now()),
                        fileSystem)
                }
            }
            return Region(
                id: id, name: name, replicas: paths, owner: owner, fileSystem: fileSystem,
                clock: clock)
        }
    }

    private static func identity(
        of path: FilePath, _ fileSystem: any FileSystem
    ) throws -> ReplicaRecord? {
        let file = path.appending(Layout.replicaRecord)
        do {
            return try ReplicaRecord.decode(
                fileSystem.contents(file, max: SealedRecord.byteCountMax))
        } catch let error as IOError where error.isNotFound {
            return nil
        } catch let error as FormatError {
            throw KuraError(format: error, at: file.string)
        }
    }

    private static func foreign(_ path: FilePath, _ record: ReplicaRecord) -> KuraError {
        KuraError(
            .exists, "\(path) is replica \(record.ordinal) of region \(record.regionName)",
            remedy: .advice("name that region and give its directories in their order, or others"))
    }

    private static let temporaryRecord = "\(Layout.replicaRecord).new"

    /// Throws unless the directory is absent, empty, or what an interrupted creation left.
    private static func requireEmpty(_ path: FilePath, _ fileSystem: any FileSystem) throws {
        guard try fileSystem.exists(path) else { return }
        for name in try fileSystem.list(path) where name != temporaryRecord && name != Layout.lostAndFound {
            let inside = path.appending(name)
            guard name == Layout.vaults, try fileSystem.status(inside).kind == .directory,
                try fileSystem.list(inside).isEmpty
            else {
                throw KuraError(
                    .exists, "\(path) is not empty",
                    remedy: .advice("give each replica an empty directory of its own"))
            }
        }
    }

    private static func identify(
        _ path: FilePath, as record: ReplicaRecord, _ fileSystem: any FileSystem
    ) throws {
        try fileSystem.makeDirectories(path)
        try fileSystem.makeDirectory(path.appending(Layout.vaults))
        let temporary = path.appending(temporaryRecord)
        if try fileSystem.exists(temporary) { try fileSystem.remove(temporary) }
        // The identity file comes last: a directory that has one is complete.
        try fileSystem.publish(
            record.encoded(), as: path.appending(Layout.replicaRecord), temporary: temporary)
    }
}
