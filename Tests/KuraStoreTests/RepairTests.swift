import KuraFormat
import KuraIO
import KuraReplicas
import KuraStore
import SystemPackage
import TestSupport
import Testing

@Suite("Repair") struct RepairTests {
    /// Every kind of file that repair knows.
    static let kinds = ["vault", "packs", "index", "points", "repairs"]

    /// A store with one point, and where it is asked for a line in its ledger.
    private func store(
        _ directory: FilePath, seed: UInt64, ledger: Bool
    ) throws -> (store: TestStore, point: RecoveryPointID, disk: [UInt8]) {
        let store = try TestStore(directory)
        let disk = SyntheticDisk(seed: seed, byteCount: 40_000).bytes
        let point = try store.backup(disk).id
        if ledger {
            try writeFile([1], to: store.files("points", replica: 2)[0])
            #expect(try repair(store).remaining.isEmpty)
        }
        return (store, point, disk)
    }

    private func repair(_ store: TestStore) throws -> VerifyReport {
        try store.reopened().verify(VerifyRequest(level: .chunks, repair: true))
    }

    private func files(_ kind: String, _ store: TestStore, replica: Int) throws -> [FilePath] {
        kind == "vault"
            ? [store.vaultPath(replica: replica).appending("vault")]
            : try store.files(kind, replica: replica)
    }

    @Test(
        "heals any damage to any kind of file in one or two replicas, and all are equal again",
        arguments: kinds, Mutation.allCases)
    func heals(kind: String, mutation: Mutation) throws {
        try forAll(cases: 1) { seed, random in
            try withTemporaryDirectory { directory in
                let (store, point, disk) = try store(
                    directory, seed: seed, ledger: kind == "repairs")
                let before = try store.tree(replica: 0)
                let bad = Array(
                    [0, 1, 2].shuffled(using: &random).prefix(
                        Int.random(in: 1...2, using: &random)))
                let count = try files(kind, store, replica: 0).count
                let number = Int.random(in: 0..<count, using: &random)
                let other = try readFile(
                    kind == "packs"
                        ? store.files("index", replica: 0)[0] : store.files("packs", replica: 0)[0])
                for replica in bad {
                    let file = try files(kind, store, replica: replica)[number]
                    try mutation.apply(to: file, other: other, &random)
                }
                let report = try repair(store)
                #expect(report.remaining.isEmpty, "seed \(seed): \(report.remaining)")
                #expect(Set(report.damaged.map(\.replica)) == Set(bad), "seed \(seed)")
                try store.expectEqualReplicas("seed \(seed)")
                let after = try store.tree(replica: 0)
                for (path, bytes) in before {
                    #expect(after[path] == bytes, "seed \(seed): \(path)")
                }
                let ledger = try store.reopened().repairs()
                #expect(ledger.count == bad.count + (kind == "repairs" ? 1 : 0), "seed \(seed)")
                #expect(try store.restore(point) == disk)
                #expect(try store.reopened().verify(VerifyRequest(level: .chunks)).damaged.isEmpty)
            }
        }
    }

    @Test("keeps the bad bytes, and writes down what it did in every replica")
    func ledgerAndQuarantine() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            try store.backup(SyntheticDisk(seed: 5, byteCount: 100_000).bytes)
            let file = try store.files("packs", replica: 1)[0]
            let good = try readFile(file)
            let bad = Array(good.dropLast(7))
            try writeFile(bad, to: file)
            #expect(try repair(store).damaged.map(\.repairedFrom) == [.replica])
            let kept = try store.files("quarantine", replica: 1)
            #expect(try kept.map { try readFile($0) } == [bad])
            let record = try #require(store.reopened().repairs().first)
            #expect(record.replica == 1)
            #expect(record.damage == .corrupt)
            #expect(record.source == .replica)
            #expect(record.byteCount == UInt64(good.count))
            #expect(file.string.hasSuffix(record.path))
            for replica in 0..<3 {
                #expect(try store.files("repairs", replica: replica).count == 1)
                #expect(try store.files("tmp", replica: replica).isEmpty)
                #expect(try store.files("sessions", replica: replica).isEmpty)
            }
            let counters = try store.vault.counters(store.reopened().repairs())
            #expect(counters.map(\.repairs) == [0, 1, 0])
        }
    }

    @Test("puts a pack together whose three copies are damaged in different frames")
    func assembles() throws {
        try forAll(cases: 3) { seed, random in
            try withTemporaryDirectory { directory in
                let store = try TestStore(directory, mean: 32768)
                let disk = random.bytes(3 << 20)
                let report = try store.backup(disk)
                let name = try largestPack(store, replica: 0)
                let good = try readFile(name)
                for replica in 0..<3 {
                    var bytes = good
                    // A frame of 512 KiB for each replica, and each copy also too long or as it
                    // was.
                    bytes[100_000 + replica * 1_000_000] ^= 0x10
                    if replica > 0, Bool.random(using: &random) { bytes.append(1) }
                    try writeFile(bytes, to: largestPack(store, replica: replica))
                }
                let result = try repair(store)
                #expect(result.remaining.isEmpty, "seed \(seed): \(result.remaining)")
                #expect(result.damaged.allSatisfy { $0.isRepaired }, "seed \(seed)")
                try store.expectEqualReplicas("seed \(seed)")
                #expect(try readFile(name) == good, "seed \(seed)")
                #expect(try store.restore(report.id) == disk, "seed \(seed)")
                let sources = try store.reopened().repairs().map(\.source)
                #expect(sources.contains(.assembled), "seed \(seed)")
            }
        }
    }

    private func largestPack(_ store: TestStore, replica: Int) throws -> FilePath {
        try store.files("packs", replica: replica).max {
            try LocalFileSystem().status($0).byteCount < LocalFileSystem().status($1).byteCount
        }!
    }

    @Test("names exactly the points that need a frame of which no copy is right")
    func lostFrame() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory, mean: 32768)
            var random = SeededGenerator(seed: 4)
            let lost = try store.backup(random.bytes(700_000), item: "lost")
            let name = try largestPack(store, replica: 0).lastComponent!.string
            let kept = random.bytes(600_000)
            let other = try store.backup(kept, item: "kept")
            try store.damage(#require(PackID(hex: name))) { $0[40] ^= 1 }
            let report = try repair(store)
            let dangling = report.damaged.filter { $0.kind == .dangling }
            #expect(dangling.map(\.file) == [.point(lost.id)])
            #expect(!report.remaining.isEmpty)
            #expect(report.remaining.allSatisfy { $0.obstacle != nil })
            #expect(try store.restore(other.id) == kept)
        }
    }

    @Test("rebuilds index runs from packs when every copy is lost", arguments: [true, false])
    func lostRuns(missing: Bool) throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            var points: [RecoveryPointID: [UInt8]] = [:]
            for number in 0..<3 {
                let disk = SyntheticDisk(seed: UInt64(number), byteCount: 120_000).bytes
                points[try store.backup(disk).id] = disk
            }
            for replica in 0..<3 {
                for file in try store.files("index", replica: replica).prefix(2) {
                    if missing { removeTree(file) } else { try writeFile([1], to: file) }
                }
            }
            let report = try repair(store)
            #expect(report.remaining.isEmpty, "\(report.remaining)")
            #expect(report.damaged.contains { $0.repairedFrom == .rebuilt })
            try store.expectEqualReplicas()
            for (id, bytes) in points { #expect(try store.restore(id) == bytes) }
            #expect(try store.reopened().verify(VerifyRequest(level: .chunks)).damaged.isEmpty)
            let runs = try store.files("index", replica: 0)
            #expect(try repair(store).damaged.isEmpty)
            #expect(try store.files("index", replica: 0) == runs)
        }
    }

    @Test("rebuilds an index run that is missing in one replica and damaged in the others")
    func runMissingAndDamaged() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            let disk = SyntheticDisk(seed: 4, byteCount: 120_000).bytes
            let point = try store.backup(disk)
            for replica in 0..<3 {
                for file in try store.files("index", replica: replica) {
                    if replica == 0 { removeTree(file) } else { try writeFile([1], to: file) }
                }
            }
            #expect(try repair(store).remaining.isEmpty)
            #expect(try store.restore(point.id) == disk)
            try store.expectEqualReplicas()
        }
    }

    @Test("does not supersede a lost run while a replica is away that may still have it")
    func lostRunWithReplicaAway() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            let disk = SyntheticDisk(seed: 9, byteCount: 120_000).bytes
            let point = try store.backup(disk)
            let packs = try store.files("packs", replica: 0)
            try store.takeAway(2)
            for replica in 0..<2 {
                for file in try store.files("index", replica: replica) {
                    try writeFile([1], to: file)
                }
                let pack = packs[0].lastComponent
                removeTree(
                    try store.files("packs", replica: replica).first {
                        $0.lastComponent == pack
                    }!)
            }
            #expect(try !repair(store).remaining.isEmpty)
            try store.bringBack(2)
            #expect(try repair(store).remaining.isEmpty)
            #expect(try store.restore(point.id) == disk)
            try store.expectEqualReplicas()
        }
    }

    @Test("takes what no own replica has from the pair")
    func fromPair() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            let disk = SyntheticDisk(seed: 3, byteCount: 100_000).bytes
            let point = try store.backup(disk)
            let before = try store.tree(replica: 0)
            let path = directory.appending("pair-0")
            let pair = try Region.create(name: "pair", replicas: [path])
            try copyTree(
                store.vaultPath(replica: 0),
                to: path.appending("vaults").appending(store.vault.id.hex))
            for kind in ["packs", "index", "points"] {
                for replica in 0..<3 {
                    for file in try store.files(kind, replica: replica) {
                        try writeFile([7], to: file)
                    }
                }
            }
            let vault = Vault(
                region: store.reopened().region, record: store.vault.record, pair: pair)
            let report = try vault.verify(VerifyRequest(level: .chunks, repair: true))
            #expect(report.remaining.isEmpty, "\(report.remaining)")
            #expect(Set(report.damaged.map(\.repairedFrom)) == [.pair])
            try store.expectEqualReplicas()
            let after = try store.tree(replica: 1)
            for (name, bytes) in before { #expect(after[name] == bytes) }
            #expect(try store.restore(point.id) == disk)
        }
    }

    @Test("of what a restore met leaves nothing damaged")
    func afterRestore() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            let disk = SyntheticDisk(seed: 8, byteCount: 200_000).bytes
            let point = try store.backup(disk)
            for file in try store.files("packs", replica: 0) { try writeFile([], to: file) }
            let vault = store.reopened()
            #expect(try store.restore(point.id, from: vault) == disk)
            let healed = try vault.heal(vault.damage)
            #expect(!healed.isEmpty && healed.allSatisfy { $0.isRepaired })
            #expect(try store.reopened().verify(VerifyRequest()).damaged.isEmpty)
        }
    }

    @Test("killed at any call loses nothing and can be run again")
    func interrupted() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory, mean: 32768)
            // Four frames of up to 2 MiB.
            var random = SeededGenerator(seed: 6)
            let disk = random.bytes(6_200_000)
            let point = try store.backup(disk)
            let good = try readFile(largestPack(store, replica: 0))
            var number = 0
            var isDone = false
            while !isDone {
                // Three copies of a pack, each bad in another frame, or whole in one replica.
                for replica in 0..<3 where replica > 0 || number % 2 == 0 {
                    var bytes = good
                    bytes[100_000 + replica * 2_100_000] ^= 4
                    try writeFile(bytes, to: largestPack(store, replica: replica))
                }
                let limit = number
                let failing = FailingFileSystem { $0.count >= limit }
                let report = try store.reopened(fileSystem: failing)
                    .verify(VerifyRequest(repair: true))
                isDone = failing.callCount <= limit
                _ = report
                #expect(try store.restore(point.id) == disk, "call \(number)")
                #expect(try repair(store).remaining.isEmpty, "call \(number)")
                try store.expectEqualReplicas("call \(number)")
                number += Int.random(in: 6...16)
            }
        }
    }

    @Test("of a damaged or lost identity needs a vault that another replica knows")
    func identity() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            try store.backup([1, 2, 3])
            let file = store.region.replicas[1].path.appending("replica")
            for bytes in [[UInt8](repeating: 0, count: 80), nil] {
                removeTree(file)
                if let bytes { try writeFile(bytes, to: file) }
                #expect(store.reopened().replicas.count == 2)
                #expect(try store.reopened().region.repairIdentity(of: 1)?.isRepaired == true)
                #expect(store.reopened().replicas.count == 3)
                #expect(try store.reopened().region.repairIdentity(of: 1) == nil)
            }
            removeTree(store.region.replicas[1].path)
            try LocalFileSystem().makeDirectories(
                store.region.replicas[1].path.appending("vaults"))
            #expect(try store.reopened().region.repairIdentity(of: 1) == nil)
        }
    }
}
