import KuraIO
import KuraVault
import Simulation
import SystemPackage
import TestSupport
import Testing

@Suite("Catalog and power cuts")
struct CatalogCrashTests {
    private static let files = ["catalog.sqlite", "catalog.sqlite-wal", "catalog.sqlite-journal"]

    /// Disks that are looked at per power cut, besides "nothing of it" and "all of it".
    private static let imagesPerCut = 6

    /// The catalog is a cache: what must hold is that no power cut leaves one that is in the way.
    /// What was entered last may be gone, as it may be with WAL.
    @Test("A catalog works again after a power cut at any call while it is made and filled")
    func migration() throws {
        let seed: UInt64 = 1
        var random = SeededGenerator(seed: seed)
        var states = 0
        var cuts = 0
        var kept = 0
        try withTemporaryDirectory { directory in
            let home = directory.appending("home")
            let inventory = directory.appending("inventory")
            try LocalFileSystem().makeDirectories(inventory)
            _ = try Subscription.open(home: home, create: .home, context: .test())
            let moments = try RecordingSQLite.record(home) {
                _ = try Subscription.open(home: home, create: .nothing, context: .test())
                    .setInventory(inventory)
            }
            var seen: Set<Int> = []
            for (cut, moment) in moments.enumerated() {
                cuts += 1
                for image in 0..<(Self.imagesPerCut + 2) {
                    let kinds: [SimulatedFileSystem.Survival] = [.nothing, .everything]
                    let disk = moment.afterPowerCut(
                        image < kinds.count ? kinds[image] : .some, using: &random)
                    guard seen.insert(disk.fingerprint { _ in false }).inserted else { continue }
                    states += 1
                    let comment = "call \(cut), seed \(seed)"
                    try putBack(disk, in: home)
                    let found = try Subscription.open(
                        home: home, create: .nothing, context: .test()
                    ).inventory()
                    #expect(found == nil || found == inventory, "\(comment)")
                    if found != nil { kept += 1 }
                    try expectWorking(home, inventory, comment)
                }
            }
        }
        print("catalog: \(cuts) power cuts, \(states) states, seed \(seed)")
        #expect(states > cuts)
        // Both what was entered and what was not yet there were seen.
        #expect(kept > 0 && kept < states)
    }

    /// The catalog's files become those that are on the disk when the power comes back.
    private func putBack(_ disk: SimulatedFileSystem, in home: FilePath) throws {
        let fileSystem = LocalFileSystem()
        for name in Self.files + ["catalog.sqlite-shm"] {
            let path = home.appending(name)
            if try fileSystem.exists(path) { try fileSystem.remove(path) }
            guard try disk.exists(path) else { continue }
            let bytes = try disk.contents(path, max: 1 << 24)
            let file = try fileSystem.create(path)
            defer { fileSystem.close(file) }
            try bytes.withUnsafeBytes { try fileSystem.write(file, path, at: 0, from: $0) }
        }
    }

    /// Every table is there and takes what is entered.
    private func expectWorking(
        _ home: FilePath, _ inventory: FilePath, _ comment: String
    ) throws {
        let subscription = try Subscription.open(home: home, create: .nothing, context: .test())
        #expect(
            try subscription
                .setInventory(inventory) == inventory, "\(comment)")
        #expect(try subscription.inventory() == inventory, "\(comment)")
        #expect(try subscription.jobs().isEmpty, "\(comment)")
        #expect(try subscription.machineRows(.all).isEmpty, "\(comment)")
    }
}
