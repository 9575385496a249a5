import Glibc
import KuraFormat
import KuraIO
import KuraReplication
import KuraStore
import SystemPackage
import TestSupport

/// One vault in the regions japaneast (active) and japanwest, in a temporary directory. There is no
/// home: only the engine is at work.
struct VaultPair {
    let directory: FilePath
    static let east = "japaneast"
    static let west = "japanwest"

    let record: VaultRecord
    /// Replicas of each region.
    let replicas: Range<Int>
    private let ids: [String: UniqueID]

    /// - Parameter replicas: of each region. A vault has 262 directories in each, so a test that
    ///   does not need three of them takes one.
    init(_ directory: FilePath, replicas count: Int = 1) throws {
        self.directory = directory
        replicas = 0..<count
        let regions = try [Self.east, Self.west].map { name in
            try Region.create(
                name: name,
                replicas: (0..<count).map { directory.pushing(FilePath("\(name)/replica-\($0)")) })
        }
        ids = Dictionary(uniqueKeysWithValues: regions.map { ($0.name, $0.id) })
        record = VaultRecord(
            id: .random(), name: "gold", region: regions[0].id, pair: regions[1].id, revision: 1,
            created: Clock.now(), redundancy: .grs, copies: UInt8(count),
            minCopies: UInt8(min(2, count)), chunker: .gearTail, chunkBytesMean: 32768,
            macKey: .random(),
            requiredFeatures: [ChunkerKind.gearTail.rawValue, Feature.sha256, Feature.zstd],
            optionalFeatures: [])
        for region in regions { _ = try Vault.create(record, in: region) }
    }

    func replicaPath(_ region: String, _ replica: Int) -> FilePath {
        directory.pushing(FilePath("\(region)/replica-\(replica)"))
    }

    func regionPath(_ region: String) -> FilePath { directory.appending(region) }

    /// A region, opened anew: nothing remembered.
    func region(
        _ name: String, fileSystem: any FileSystem = LocalFileSystem(),
        waits: WaitPolicy = WaitPolicy()
    ) -> Region {
        Region(
            id: ids[name]!, name: name, replicas: replicas.map { replicaPath(name, $0) },
            fileSystem: fileSystem, waits: waits)
    }

    /// The vault in one region alone, opened anew.
    func vault(
        in name: String, fileSystem: any FileSystem = LocalFileSystem(),
        waits: WaitPolicy = WaitPolicy()
    ) -> Vault {
        Vault(region: region(name, fileSystem: fileSystem, waits: waits), record: record)
    }

    /// Both regions on a file system of choice.
    func replication(
        on fileSystem: any FileSystem, waits: WaitPolicy = WaitPolicy()
    ) -> Replication {
        Replication(
            active: vault(in: Self.east, fileSystem: fileSystem, waits: waits),
            passive: vault(in: Self.west, fileSystem: fileSystem, waits: waits))
    }

    @discardableResult
    func replicate(waits: WaitPolicy = WaitPolicy()) throws -> ReplicationReport {
        try replication(on: LocalFileSystem(), waits: waits).run()
    }

    /// Backs up into the active region.
    @discardableResult
    func backup(_ bytes: [UInt8], item: String = "item") throws -> RecoveryPointID {
        let path = directory.appending("source-\(UInt64.random(in: 0...UInt64.max))")
        try writeFile(bytes, to: path)
        defer { unlink(path.string) }
        let disk = BackupRequest.Disk(name: "disk", source: try FileSource(path))
        return try vault(in: Self.east)
            .backup(BackupRequest(item: item, disks: [disk], threads: 1)).id
    }

    func restore(_ id: RecoveryPointID, from vault: Vault) throws -> [UInt8] {
        let path = directory.appending("target-\(UInt64.random(in: 0...UInt64.max))")
        defer { unlink(path.string) }
        let record = try vault.recoveryPoint(id).disks[0]
        _ = try vault.restore(
            record, to: SinkPath(path).open(byteCount: record.byteCount), threads: 1)
        return try readFile(path)
    }

    /// Files of the vault in one replica below a directory such as "packs", as absolute paths.
    func files(_ directory: String, _ region: String, _ replica: Int = 0) throws -> [FilePath] {
        let root = replicaPath(region, replica).pushing(
            FilePath("vaults/\(record.id.hex)/\(directory)"))
        _ = try LocalFileSystem().status(root)
        return filesBelow(root)
    }
}
