import Glibc
import KuraFormat
import KuraIO
import KuraOperations
import KuraVault
import SystemPackage
import TestSupport

/// A home with two regions and one vault in both, in two copies each, with one recovery point.
struct Household {
    let directory: FilePath
    /// The disk of the recovery point.
    let content = SyntheticDisk(seed: 3, byteCount: 400_000).bytes

    static let east = "japaneast"
    static let west = "japanwest"
    static let vault = "gold"
    static let item = "web"
    static let machine = "db-1"

    /// - Parameter machine: whether there is a protected virtual machine besides, with one point.
    init(_ directory: FilePath, machine: Bool = false) throws {
        self.directory = directory
        var subscription = try Subscription.open(home: home, create: .home, context: .test())
        for region in [Self.east, Self.west] {
            subscription = try subscription.addRegion(.init(name: region))
        }
        _ = try subscription.createVault(
            name: Self.vault, region: Self.east, redundancy: .grs, copies: 2)
        try write(content, to: directory.appending("disk.img"))
        _ = try operations().backup(backup(replication: .asked))
        if machine { try addMachine() }
    }

    private func addMachine() throws {
        let inventory = directory.appending("inventory")
        let folder = inventory.pushing(FilePath("\(Self.east)/shop/\(Self.machine)"))
        try LocalFileSystem().makeDirectories(folder)
        try write(content, to: folder.appending("os.img"))
        _ = try subscription().setInventory(inventory)
        _ = try operations().discover()
        let outcomes =
            try operations().register([Self.machine])
            + operations().protect([Self.machine], policy: "DefaultPolicy")
            + [operations().backUp(Self.machine)]
        for outcome in outcomes { if let error = outcome.error { throw error } }
    }

    var home: FilePath { directory.appending("home") }

    func subscription() throws -> Subscription {
        try Subscription.open(home: home, create: .nothing, context: .test())
    }

    /// What a caller can do who comes now.
    func operations(_ context: Context = .test()) throws -> Operations {
        Operations(try subscription(), context)
    }

    func place() throws -> VaultPlace { try subscription().place(named: Self.vault) }

    func latest() throws -> LocatedPoint {
        try subscription().recoveryPoint("\(Self.item)@latest")
    }

    func backup(replication: ItemBackup.Replication = .never) throws -> ItemBackup {
        let file = try FileSource(directory.appending("disk.img"))
        var request = ItemBackup(
            try place(), item: Self.item,
            disks: [ItemBackup.Disk(name: "disk.img", source: file)])
        request.replication = replication
        return request
    }

    func replica(_ region: String, _ ordinal: Int) -> FilePath {
        home.pushing(FilePath("regions/\(region)/replica-\(ordinal)"))
    }

    /// Turns some bytes of every pack of one replica of a region around.
    func damagePacks(in region: String) throws {
        for file in filesBelow(replica(region, 0)) where file.string.contains("/packs/") {
            var bytes = try LocalFileSystem().contents(file, max: 1 << 30)
            bytes[100] ^= 0xff
            chmod(file.string, 0o600)
            try write(bytes, to: file)
        }
    }

    /// Everything that is wrong with any copy now.
    func damage() throws -> [FoundDamage] {
        try operations().verify(Verification(level: .chunks)).damaged
    }

    func newestJob() throws -> Job? { try subscription().jobs().first }

    func newestEntry() throws -> JournalEntry? {
        try subscription().audit(of: place().reading()).last?.entry
    }

    func write(_ bytes: [UInt8], to path: FilePath) throws {
        let file = try FileDescriptor.open(
            path, .writeOnly, options: [.create, .truncate], permissions: .ownerReadWrite)
        _ = try file.closeAfter { try file.writeAll(bytes) }
    }
}
