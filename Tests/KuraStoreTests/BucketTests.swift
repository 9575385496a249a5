import KuraFormat
import KuraIO
import KuraReplicas
import KuraStore
import SystemPackage
import TestSupport
import Testing

/// A vault in three stores that answer like buckets, with disks in memory: no file system at all.
struct BucketVault {
    let stores: [MemoryStore]
    private let region: UniqueID
    private let record: VaultRecord

    init() throws {
        stores = (0..<3).map { MemoryStore("memory:\($0)", isThere: false, pageCount: 5) }
        let region = try Region.create(name: "test", stores: stores)
        self.region = region.id
        record = VaultRecord(
            id: .random(), name: "vault", region: region.id, revision: 1, created: 0,
            redundancy: .lrs, copies: 3, minCopies: 2, chunker: .gearTail,
            chunkBytesMean: 4096, macKey: .random(),
            requiredFeatures: [ChunkerKind.gearTail.rawValue, Feature.sha256, Feature.zstd],
            optionalFeatures: [])
        _ = try Vault.create(record, in: region)
    }

    /// The vault, opened anew: nothing remembered.
    func vault(in others: [MemoryStore]? = nil, budget: Budget = Budget()) -> Vault {
        let region = Region(id: region, name: "test", stores: others ?? stores, budget: budget)
        return Vault(region: region, record: record)
    }

    @discardableResult
    func backup(_ bytes: [UInt8]) throws -> BackupReport {
        let disk = BackupRequest.Disk(name: "disk", source: MemorySource(name: "memory", bytes))
        let report = try vault().backup(
            BackupRequest(item: "item", disks: [disk], level: 1, threads: 2))
        try vault().mergeRuns()
        return report
    }

    func restore(_ id: RecoveryPointID) throws -> [UInt8] {
        let vault = vault()
        let disk = try vault.recoveryPoint(id).disks[0]
        let sink = MemorySink(byteCount: disk.byteCount)
        _ = try vault.restore(disk, to: sink, threads: 2)
        return sink.bytes
    }

    func verify(repair: Bool = false) throws -> VerifyReport {
        try vault().verify(VerifyRequest(level: .chunks, repair: repair))
    }

    /// Names of the objects of one store in a folder of the vault.
    func keys(_ folder: String, in number: Int) -> [String] {
        stores[number].keys.filter { $0.contains("/\(folder)/") }
    }
}

@Suite("A vault in stores without a file system")
struct BucketTests {
    private static func bytes(_ seed: UInt64, count: Int = 1 << 20) -> [UInt8] {
        var random = SeededGenerator(seed: seed)
        return random.bytes(count)
    }

    @Test("What was backed up is verified and restored byte for byte")
    func roundTrip() throws {
        let bucket = try BucketVault()
        let bytes = Self.bytes(1)
        let id = try bucket.backup(bytes).id
        let report = try bucket.verify()
        #expect(report.damaged == [] && report.packs > 0)
        #expect(try bucket.restore(id) == bytes)
    }

    @Test("A backup and a restore with the least memory and one thread are right")
    func smallBudget() throws {
        let bucket = try BucketVault()
        let vault = bucket.vault(budget: Budget(threads: 1, bufferBytes: 1))
        // Three extents of 32 MiB: more than the buffers of a restore.
        let bytes = Self.bytes(1, count: 70 << 20)
        let disk = BackupRequest.Disk(name: "disk", source: MemorySource(name: "memory", bytes))
        let id = try vault.backup(BackupRequest(item: "item", disks: [disk], level: 1)).id
        let record = try vault.recoveryPoint(id).disks[0]
        let sink = MemorySink(byteCount: record.byteCount)
        _ = try vault.restore(record, to: sink)
        #expect(sink.bytes == bytes)
    }

    @Test("Every store holds the same objects, and no draft is left")
    func equalStores() throws {
        let bucket = try BucketVault()
        try bucket.backup(Self.bytes(2))
        let keys = bucket.stores.map { store in store.keys.filter { !$0.contains("/locks/") } }
        #expect(keys[0] == keys[1] && keys[1] == keys[2] && !keys[0].isEmpty)
        #expect(bucket.stores.allSatisfy { $0.draftCount == 0 })
    }

    @Test(
        "A damaged object is healed from another store and kept in quarantine",
        arguments: [
            "packs", "index", "points",
        ])
    func damagedObject(folder: String) throws {
        let bucket = try BucketVault()
        let bytes = Self.bytes(3)
        let id = try bucket.backup(bytes).id
        let name = try #require(bucket.keys(folder, in: 1).first)
        let good = bucket.stores[1].bytes(of: name)
        bucket.stores[1].damage(name) { $0[$0.count / 2] ^= 1 }
        let report = try bucket.verify(repair: true)
        #expect(report.damaged.map(\.place) == ["memory:1/\(name)"] && report.remaining == [])
        #expect(bucket.stores[1].bytes(of: name) == good)
        #expect(!bucket.keys("quarantine", in: 1).isEmpty)
        #expect(try bucket.restore(id) == bytes)
        #expect(try bucket.verify().damaged == [])
    }

    @Test(
        "A lost object is written again from another store",
        arguments: [
            "packs", "index", "points",
        ])
    func lostObject(folder: String) throws {
        let bucket = try BucketVault()
        let bytes = Self.bytes(4)
        let id = try bucket.backup(bytes).id
        let name = try #require(bucket.keys(folder, in: 2).first)
        let good = bucket.stores[2].bytes(of: name)
        try bucket.stores[2].delete([StoreName(name)])
        let report = try bucket.verify(repair: true)
        #expect(report.damaged.map(\.kind) == [.missing] && report.remaining == [])
        #expect(bucket.stores[2].bytes(of: name) == good)
        #expect(try bucket.restore(id) == bytes)
    }

    @Test("A pack that is damaged in every store is put together from its copies")
    func assembledPack() throws {
        let bucket = try BucketVault()
        // A frame has 1 MiB.
        let bytes = Self.bytes(5, count: 3 << 20)
        let id = try bucket.backup(bytes).id
        let name = try #require(
            bucket.keys("packs", in: 0).max {
                bucket.stores[0].bytes(of: $0)!.count < bucket.stores[0].bytes(of: $1)!.count
            })
        let good = bucket.stores[0].bytes(of: name)
        bucket.stores[0].damage(name) { $0[100] ^= 1 }
        for number in 1...2 { bucket.stores[number].damage(name) { $0[$0.count * 9 / 10] ^= 1 } }
        let report = try bucket.verify(repair: true)
        #expect(report.damaged.map(\.repairedFrom) == [.assembled, .assembled, .assembled])
        #expect(bucket.stores.allSatisfy { $0.bytes(of: name) == good })
        #expect(try bucket.restore(id) == bytes)
    }

    @Test("A prune drops a point and removes its packs from every store")
    func pruned() throws {
        let bucket = try BucketVault()
        let first = try bucket.backup(Self.bytes(6)).id
        let bytes = Self.bytes(7)
        let second = try bucket.backup(bytes).id
        let before = bucket.keys("packs", in: 0).count
        let report = try bucket.vault().prune(PruneRequest(dropping: [first], reason: "test"))
        #expect(report.obstacle == nil && report.removedPacks > 0)
        for number in 0..<3 { #expect(bucket.keys("packs", in: number).count < before) }
        #expect(try bucket.vault().recoveryPointIDs() == [second])
        #expect(try bucket.restore(second) == bytes)
        #expect(try bucket.verify().damaged == [])
    }

    @Test("A store that refuses a backup gets what it lacks from the others later")
    func caughtUp() throws {
        let bucket = try BucketVault()
        bucket.stores[2].inject { event in
            event.call == .put && event.key.contains("/packs/") ? .failure(.ioError) : nil
        }
        let id = try bucket.backup(Self.bytes(8)).id
        #expect(bucket.keys("packs", in: 2) == [])
        bucket.stores[2].inject(nil)
        try bucket.vault().catchUp()
        #expect(bucket.keys("packs", in: 2) == bucket.keys("packs", in: 0))
        #expect(try bucket.vault().holders(of: .point(id)) == [0, 1, 2])
    }

    @Test("A backup whose answers are lost in one store is acknowledged by the others")
    func lostAnswers() throws {
        let bucket = try BucketVault()
        let bytes = Self.bytes(9)
        bucket.stores[0].inject { event in
            event.call == .put && event.key.contains("/packs/") ? .lostAnswer : nil
        }
        let report = try bucket.backup(bytes)
        #expect(report.replicas == [1, 2])
        bucket.stores[0].inject(nil)
        #expect(try bucket.restore(report.id) == bytes)
        try bucket.vault().catchUp()
        #expect(try bucket.verify().damaged == [])
    }

    @Test("Where one store reads wrong bytes, a restore takes those of another one")
    func wrongBytes() throws {
        let bucket = try BucketVault()
        let bytes = Self.bytes(10)
        let id = try bucket.backup(bytes).id
        bucket.stores[0].inject { event in
            event.call == .read && event.key.contains("/packs/") ? .wrongByte : nil
        }
        #expect(try bucket.restore(id) == bytes)
    }

    @Test("A new store that is filled from the others becomes a replica with every point")
    func filled() throws {
        let bucket = try BucketVault()
        let id = try bucket.backup(Self.bytes(11)).id
        let stores = bucket.stores.prefix(2) + [MemoryStore("memory:new", isThere: false)]
        let vault = bucket.vault(in: Array(stores))
        #expect(vault.region.problems[2] != nil)
        let replica = try vault.region.beginFilling(2)
        try vault.catchUp(filling: [replica])
        try vault.region.finishFilling(2)
        let after = bucket.vault(in: Array(stores))
        #expect(after.problems == [])
        #expect(try after.holders(of: .point(id)) == [0, 1, 2])
    }
}
