public import KuraFormat
public import KuraIO
public import SystemPackage

/// A region: a place with up to three replica directories.
public final class Region: Sendable {
    public let id: UniqueID
    public let name: String
    public let replicas: [Replica]
    /// Per replica, why it cannot be used; nil where it can.
    public let problems: [StoreError?]
    let fileSystem: any FileSystem

    /// Opens a region. A replica that is missing or foreign becomes a problem, not an error.
    public init(
        id: UniqueID, name: String, replicas paths: [FilePath],
        fileSystem: any FileSystem = LocalFileSystem()
    ) {
        precondition(1...Limits.replicasMax ~= paths.count)
        self.id = id
        self.name = name
        self.fileSystem = fileSystem
        let replicas = paths.enumerated().map { ordinal, path in
            Replica(ordinal: ordinal, path: path, regionName: name, fileSystem: fileSystem)
        }
        self.replicas = replicas
        problems = replicas.map { replica in
            do throws(StoreError) {
                try replica.identify(as: id)
                return nil
            } catch {
                return error
            }
        }
    }

    /// Makes the replica directories of a new region, durably. Each must be absent or empty.
    public static func create(
        name: String, replicas paths: [FilePath], fileSystem: any FileSystem = LocalFileSystem()
    ) throws(StoreError) -> Region {
        let id = UniqueID.random()
        try withStoreErrors {
            for (ordinal, path) in paths.enumerated() {
                try fileSystem.makeDirectories(path)
                guard try fileSystem.list(path).allSatisfy({ $0 == Layout.lostAndFound }) else {
                    throw StoreError(
                        .exists, "\(path) is not empty",
                        remedy: "give each replica an empty directory of its own")
                }
                try fileSystem.makeDirectory(path.appending(Layout.vaults))
                let record = ReplicaRecord(
                    region: id, regionName: name, ordinal: UInt8(ordinal), created: Clock.now())
                // The identity file comes last: a directory that has one is complete.
                try fileSystem.publish(
                    record.encoded(), as: path.appending(Layout.replicaRecord),
                    temporary: path.appending("\(Layout.replicaRecord).new"))
            }
        }
        return Region(id: id, name: name, replicas: paths, fileSystem: fileSystem)
    }

    /// Replicas that can be used now.
    public var available: [Replica] {
        replicas.filter { problems[$0.ordinal] == nil }
    }

    /// Every vault of which at least one replica holds a readable record: the highest revision.
    public func vaults() throws(StoreError) -> [VaultRecord] {
        try withStoreErrors {
            var found: [UniqueID: VaultRecord] = [:]
            var firstProblem: StoreError?
            for replica in available {
                for name in try fileSystem.list(replica.vaultsPath) {
                    guard let id = UniqueID(hex: name) else { continue }
                    let path = replica.path(of: .record, in: id)
                    do {
                        let record = try VaultRecord.decode(
                            fileSystem.contents(path, max: SealedRecord.byteCountMax))
                        guard record.id == id else {
                            throw FormatError.invalidField(.vault, field: "id")
                        }
                        if record.revision > found[id]?.revision ?? 0 { found[id] = record }
                    } catch let error as FormatError {
                        firstProblem = firstProblem ?? StoreError(format: error, at: path)
                    } catch let error as IOError where error.isNotFound {
                        // A vault whose creation did not get as far as its record does not exist.
                        continue
                    }
                }
            }
            if found.isEmpty, let firstProblem { throw firstProblem }
            return found.values.sorted { $0.name < $1.name }
        }
    }
}
