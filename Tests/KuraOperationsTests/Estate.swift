import Glibc
import KuraFormat
import KuraIO
import KuraOperations
import KuraPolicy
import KuraStore
import KuraVault
import SystemPackage
import TestSupport
import Testing

/// A subscription with an inventory of virtual machines.
final class Estate {
    let directory: FilePath
    private(set) var subscription: Subscription

    static let region = "japaneast"

    init(_ directory: FilePath, vault: String? = "tokyo") throws {
        self.directory = directory
        subscription = try Subscription.open(
            home: directory.appending("home"), create: .home, context: .test())
        subscription = try subscription.addRegion(.init(name: Self.region))
        if let vault {
            _ = try subscription.createVault(name: vault, region: Self.region, copies: 1)
        }
        try LocalFileSystem().makeDirectories(inventory)
        _ = try subscription.setInventory(inventory)
    }

    /// What its first caller can do, in a request of its own.
    var operations: Operations { subscription.operations }

    var inventory: FilePath { directory.appending("inventory") }

    /// What another process would see.
    func reopened(waits: WaitPolicy = WaitPolicy()) throws -> Subscription {
        try Subscription.open(
            home: directory.appending("home"), create: .nothing, context: .test(waits: waits))
    }

    func folder(_ service: String, _ name: String, region: String = Estate.region) -> FilePath {
        inventory.appending(region).appending(service).appending(name)
    }

    /// Makes a machine with disks of some bytes each.
    func machine(
        _ service: String, _ name: String, region: String = Estate.region, file: String? = nil,
        disks: [String] = ["os.img"], seed: UInt64 = 1
    ) throws {
        let folder = folder(service, name, region: region)
        try LocalFileSystem().makeDirectories(folder)
        for (number, disk) in disks.enumerated() {
            let content = SyntheticDisk(seed: seed + UInt64(number), byteCount: 20_000).bytes
            try write(content, to: folder.appending(disk))
        }
        if let file { try write(Array(file.utf8), to: folder.appending("vm.json")) }
    }

    func script(_ path: FilePath, _ text: String) throws {
        try write(Array("#!/bin/sh\n\(text)\n".utf8), to: path)
        #expect(chmod(path.string, 0o755) == 0)
    }

    func write(_ bytes: [UInt8], to path: FilePath) throws {
        let file = try FileDescriptor.open(
            path, .writeOnly, options: [.create, .truncate], permissions: .ownerReadWrite)
        defer { try? file.close() }
        _ = try file.writeAll(bytes)
    }

    /// Adds copies of the newest recovery point, older ones the further they come, as if they
    /// had been made by backups, but quicker.
    func addPoints(_ count: Int, item: String, vault name: String = "tokyo", hoursApart: Int64)
        throws
    {
        let vault = try vault(name)
        var point = try #require(vault.recoveryPoints().first).point
        point.item = item
        point.parent = nil
        let newest = point.time
        let folder = vault.replicas[0].vaultPath(vault.id).appending("points")
        for number in 1...count {
            point.sequence += 1
            point.time = newest - Int64(count - number) * hoursApart * 3_600_000_000_000
            let bytes = point.encoded()
            try write(bytes, to: folder.appending(RecoveryPoint.decode(bytes).id.hex))
        }
    }

    func vault(_ name: String = "tokyo") throws -> Vault {
        try subscription.place(named: name).writing()
    }

    func row(_ name: String) throws -> MachineRow {
        try #require(subscription.machineRows(.all).first { $0.name == name })
    }

    /// One machine, protected by a policy.
    func protected(_ name: String = "web-1", policy: Policy? = nil, time: Int64? = nil) throws {
        try machine("web", name)
        _ = try subscription.operations.discover()
        let subscription = time.map { self.subscription.at($0) } ?? self.subscription
        try succeed(subscription.operations.register([name]))
        if let policy { try subscription.createPolicy(policy, in: vault()) }
        try succeed(
            subscription.operations.protect([name], policy: policy?.name ?? "DefaultPolicy"))
    }

    func succeed(_ outcomes: [MachineOutcome]) throws {
        for outcome in outcomes { if let error = outcome.error { throw error } }
    }
}

extension Subscription {
    /// What its own caller can do.
    var operations: Operations { Operations(self, context) }

    /// The same at a time of choice, in nanoseconds since 1970.
    func at(_ time: Int64) -> Subscription {
        var context = context
        context.clock = .fixed(time)
        return onBehalf(of: context)
    }
}

/// Nanoseconds since 1970 of a time in UTC.
func utc(_ day: String, _ time: String = "00:00") throws -> Int64 {
    PolicyZone.utc.instant(of: try #require(LocalDate(day)), try #require(TimeOfDay(time)))
}

/// The code of the error that `body` throws.
func code(_ body: () throws -> Void) -> KuraError.Code? {
    do {
        try body()
        return nil
    } catch {
        return (error as? KuraError)?.code
    }
}

extension MadePoint {
    func located(in vault: Vault) -> LocatedPoint {
        LocatedPoint(vault: vault, id: id, point: point)
    }
}
