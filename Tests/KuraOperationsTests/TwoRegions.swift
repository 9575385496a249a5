import Glibc
import KuraFormat
import KuraIO
import KuraOperations
import KuraPolicy
import KuraReplication
import KuraStore
import KuraVault
import SystemPackage
import TestSupport

/// A home with the regions japaneast and japanwest and one vault, in a temporary directory.
struct TwoRegions {
    let directory: FilePath
    static let east = "japaneast"
    static let west = "japanwest"
    static let vaultName = "gold"

    var home: FilePath { directory.appending("home") }

    /// Replicas of each region.
    let replicas: Range<Int>

    /// - Parameter replicas: of each region. A vault has 262 directories in each, so a test that
    ///   does not need three of them takes one.
    init(_ directory: FilePath, _ redundancy: Redundancy = .grs, replicas count: Int = 1) throws {
        self.directory = directory
        replicas = 0..<count
        let home = directory.appending("home")
        var subscription = try Subscription.open(home: home, create: .home, context: .test())
        for name in [Self.east, Self.west] {
            let paths = replicas.map { home.string + "/regions/\(name)/replica-\($0)" }
            subscription = try subscription.addRegion(
                Subscription.NewRegion(name: name, replicas: paths))
        }
        _ = try subscription.createVault(
            name: Self.vaultName, region: Self.east, redundancy: redundancy, copies: nil)
    }

    /// Opened anew: nothing remembered.
    func subscription(waits: WaitPolicy = WaitPolicy()) throws -> Subscription {
        try Subscription.open(home: home, create: .nothing, context: .test(waits: waits))
    }

    /// What a caller could do who comes now.
    func operations() throws -> Operations { Operations(try subscription(), .test()) }

    func place() throws -> VaultPlace { try subscription().place(named: Self.vaultName) }

    func replicaPath(_ region: String, _ replica: Int) -> FilePath {
        home.pushing(FilePath("regions/\(region)/replica-\(replica)"))
    }

    /// The vault in one region alone.
    func vault(
        in region: String, fileSystem: any FileSystem = LocalFileSystem(),
        waits: WaitPolicy = WaitPolicy()
    ) throws -> Vault {
        let known = try subscription().region(named: region)
        let opened = Region(
            id: known.id, name: known.name, replicas: known.replicas.map(\.path),
            fileSystem: fileSystem, waits: waits)
        return Vault(region: opened, record: try place().record)
    }

    /// Both regions on a file system of choice.
    func replication(
        on fileSystem: any FileSystem, waits: WaitPolicy = WaitPolicy()
    ) throws -> Replication {
        let place = try place()
        return Replication(
            active: try vault(in: place.activeName, fileSystem: fileSystem, waits: waits),
            passive: try vault(
                in: place.passiveName ?? "", fileSystem: fileSystem, waits: waits))
    }

    @discardableResult
    func replicate(waits: WaitPolicy = WaitPolicy()) throws -> ReplicatedVault {
        let operations = Operations(try subscription(waits: waits), .test(waits: waits))
        let place = try place()
        return try operations.withJob(.replicate) { job throws(KuraError) in
            try operations.copyAcross(place, job).report
        }.value
    }

    /// Backs up into the active region, as the command does.
    @discardableResult
    func backup(_ bytes: [UInt8], item: String = "item") throws -> RecoveryPointID {
        let path = directory.appending("source-\(UInt64.random(in: 0...UInt64.max))")
        try writeFile(bytes, to: path)
        defer { unlink(path.string) }
        let disk = BackupRequest.Disk(name: "disk", source: try FileSource(path))
        let subscription = try subscription()
        let vault = try subscription.place(named: Self.vaultName).writing()
        let report = try vault.backup(BackupRequest(item: item, disks: [disk], threads: 1))
        _ = subscription.noteBackup(report, in: vault)
        return report.id
    }

    /// A change of the settings: one entry of the journal, in the active region.
    func createPolicy(_ name: String) throws {
        let subscription = try subscription()
        var policy = Policy.standard
        policy.name = name
        try subscription.createPolicy(
            policy, in: subscription.place(named: Self.vaultName).writing())
    }

    func restore(_ id: RecoveryPointID, from vault: Vault) throws -> [UInt8] {
        let path = directory.appending("target-\(UInt64.random(in: 0...UInt64.max))")
        defer { unlink(path.string) }
        let record = try vault.recoveryPoint(id).disks[0]
        _ = try vault.restore(
            record, to: SinkPath(path).open(byteCount: record.byteCount), threads: 1)
        return try LocalFileSystem().contents(path, max: 1 << 30)
    }

    /// Takes a directory away, as an unmounted disk is; `false` brings it back.
    func hide(_ path: FilePath, _ hidden: Bool) {
        let away = path.string + "-away"
        if hidden { rename(path.string, away) } else { rename(away, path.string) }
    }

    func isHidden(_ path: FilePath) -> Bool { access(path.string + "-away", F_OK) == 0 }

    func regionPath(_ region: String) -> FilePath { home.pushing(FilePath("regions/\(region)")) }

    /// Files of the vault in one replica below a directory such as "packs", as absolute paths.
    func files(_ directory: String, _ region: String, _ replica: Int = 0) throws -> [FilePath] {
        let root = replicaPath(region, replica).pushing(
            FilePath("vaults/\(try place().record.id.hex)/\(directory)"))
        _ = try LocalFileSystem().status(root)
        return filesBelow(root)
    }
}
