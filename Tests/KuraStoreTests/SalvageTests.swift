import KuraFormat
import KuraIO
import KuraReplicas
import KuraStore
import SystemPackage
import TestSupport
import Testing

/// What no copy has right any more, and how backups bring it back.
@Suite("Salvage of lost packs") struct SalvageTests {
    /// All packs, data packs first.
    private func packs(_ store: TestStore) throws -> [PackID] {
        let files = try store.files("packs", replica: 0).map { file in
            try (
                #require(PackID(hex: file.lastComponent!.string)),
                store.packTrailer(readFile(file)).header.kind
            )
        }
        return files.sorted { ($0.1.rawValue, $0.0) < ($1.1.rawValue, $1.0) }.map(\.0)
    }

    private func verify(
        _ store: TestStore, _ level: VerifyRequest.Level = .chunks, repair: Bool = false
    ) throws -> VerifyReport {
        try store.reopened().verify(VerifyRequest(level: level, repair: repair))
    }

    private func dangling(_ report: VerifyReport) -> Set<VaultFile> {
        Set(report.remaining.filter { $0.kind == .dangling }.compactMap(\.file))
    }

    @Test(
        "The next backup stores again what no copy has right, and every point is whole again",
        arguments: [VerifyRequest.Level.packs, .chunks])
    func healedByBackup(level: VerifyRequest.Level) throws {
        try forAll(cases: 4) { seed, random in
            try withTemporaryDirectory { directory in
                let store = try TestStore(directory)
                var disk = random.bytes(3 << 20)
                var points = [try store.backup(disk).id: disk]
                let other = random.bytes(300_000)
                points[try store.backup(other, item: "other").id] = other
                for _ in 0..<2 {
                    disk.replaceSubrange(40_960..<81_920, with: random.bytes(40_960))
                    points[try store.backup(disk).id] = disk
                }
                for pack in try packs(store).shuffled(using: &random).prefix(2) {
                    let place = Double.random(in: 0..<1, using: &random)
                    try store.damage(pack) { $0[Int(Double($0.count) * place)] ^= 1 }
                }
                let lost = try dangling(verify(store))
                let salvaged = try verify(store, level, repair: true)
                #expect(dangling(salvaged) == lost, "seed \(seed)")
                #expect(salvaged.remaining.count == lost.count, "seed \(seed)")
                // Points that need nothing of what is lost are as before, and all else is sound.
                #expect(try dangling(verify(store, .packs)) == lost, "seed \(seed)")
                for (id, bytes) in points where !lost.contains(.point(id)) {
                    #expect(try store.restore(id) == bytes, "seed \(seed)")
                }
                points[try store.backup(disk, into: store.reopened()).id] = disk
                points[try store.backup(other, item: "other", into: store.reopened()).id] = other
                let stillLost = try dangling(verify(store))
                for (id, bytes) in points where !stillLost.contains(.point(id)) {
                    #expect(try store.restore(id) == bytes, "seed \(seed)")
                }
                // Only what was overwritten before the loss cannot come back.
                let newest = points.keys.filter { points[$0] == disk || points[$0] == other }
                #expect(newest.allSatisfy { !stillLost.contains(.point($0)) }, "seed \(seed)")
            }
        }
    }

    @Test("A vault of which nothing is left is whole again when everything was backed up again")
    func nothingLeft() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            let disks = (0..<2).map { SyntheticDisk(seed: 5 + $0, byteCount: 200_000).bytes }
            let points = try disks.enumerated().map { number, disk in
                try store.backup(disk, item: "item-\(number)").id
            }
            for pack in try packs(store) { try store.damage(pack) { $0[60] ^= 1 } }
            let lost = try verify(store, repair: true).remaining
            #expect(Set(lost.compactMap(\.file)) == Set(points.map { .point($0) }))
            let found = try verify(store).damaged
            #expect(Set(found.compactMap(\.file)) == Set(lost.compactMap(\.file)))
            for (number, disk) in disks.enumerated() {
                try store.backup(disk, item: "item-\(number)", into: store.reopened())
            }
            for (id, disk) in zip(points, disks) { #expect(try store.restore(id) == disk) }
            let request = PruneRequest(dropping: [], reason: "test", deadShareMax: 0)
            _ = try store.reopened().prune(request)
            #expect(try verify(store).damaged.isEmpty)
            #expect(try store.reopened().prune(request).plan.deadBytes == 0)
        }
    }

    @Test("What is left of a point is restored where that is asked for, and the rest is named")
    func skipLost() throws {
        try forAll(cases: 3) { seed, random in
            try withTemporaryDirectory { directory in
                let store = try TestStore(directory)
                let disk = random.bytes(4 << 20)
                let point = try store.backup(disk)
                let data = try packs(store)[0]
                let place = Double.random(in: 0..<1, using: &random)
                try store.damage(data) { $0[Int(Double($0.count) * place)] ^= 1 }
                _ = try verify(store, repair: true)
                let vault = store.reopened()
                let record = try vault.recoveryPoint(point.id).disks[0]
                let path = directory.appending("restored")
                try writeFile([UInt8](repeating: 7, count: disk.count), to: path)
                let report = try vault.restore(
                    record, to: SinkPath(path, overwrites: true).open(byteCount: record.byteCount),
                    skipsLost: true)
                var expected = disk
                for range in report.lost {
                    let range = Int(range.lowerBound)..<Int(range.upperBound)
                    expected.replaceSubrange(
                        range, with: [UInt8](repeating: 0, count: range.count))
                }
                #expect(try readFile(path) == expected, "seed \(seed)")
                let lostBytes = report.lost.reduce(0) { $0 + Int($1.upperBound - $1.lowerBound) }
                #expect(0 < lostBytes && lostBytes + Int(report.dataBytes) == disk.count)
                // No more than a frame, but where it is unknown what is in which.
                #expect(lostBytes <= Tuning.dataFrameBytes || report.dataBytes == 0)
                #expect(throws: KuraError.self) { try store.restore(point.id) }
            }
        }
    }

    @Test("A repair of one point gives up every point that needs what is lost, not that one alone")
    func everyPoint() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            let disk = SyntheticDisk(seed: 8, byteCount: 200_000).bytes
            let first = try store.backup(disk, item: "first")
            try store.backup(disk, item: "second")
            let data = try packs(store)[0]
            try store.damage(data) { $0[60] ^= 1 }
            _ = try store.reopened().verify(
                VerifyRequest(level: .chunks, replica: 1, point: first.id, repair: true))
            let again = try store.backup(disk, item: "second", into: store.reopened())
            #expect(try store.restore(again.id) == disk)
            #expect(try verify(store).damaged.isEmpty)
        }
    }

    @Test("A restore that is under way reads what is good of a pack that is given up meanwhile")
    func restoreBeside() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            var random = SeededGenerator(seed: 7)
            let disk = random.bytes(3 << 20)
            let whole = try store.backup(disk)
            let part = Array(disk.prefix(500_000))
            let point = try store.backup(part, item: "part")
            try store.backup(random.bytes(10_000))
            let large = try packs(store).filter { try chunks($0, store).count > 100 }
            let pack = try #require(large.first)
            try store.damage(pack) { $0[$0.count - 500_000] ^= 1 }
            let calls = InterleavingFileSystem(at: { $0 == .read && $1.contains("/packs/") }) {
                let lost = try dangling(verify(store, repair: true))
                #expect(lost == [.point(whole.id)])
                let request = PruneRequest(dropping: [whole.id], reason: "test")
                let report = try store.reopened().prune(request)
                #expect(report.obstacle == nil)
            }
            #expect(
                try store.restore(point.id, from: store.reopened(fileSystem: calls)) == part)
            try calls.finish()
            let before = try packs(store)
            #expect(before.contains(pack))
            _ = try store.reopened().prune(PruneRequest(dropping: [], reason: "test"))
            let after = try packs(store)
            #expect(!after.contains(pack))
            #expect(try store.restore(point.id) == part)
            #expect(try verify(store).damaged.isEmpty)
        }
    }

    @Test("Without a replica that may have a good copy nothing is given up")
    func replicaAway() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            let disk = SyntheticDisk(seed: 1, byteCount: 200_000).bytes
            let point = try store.backup(disk)
            let good = try store.files("packs", replica: 2).map { ($0, try readFile($0)) }
            for pack in try packs(store) { try store.damage(pack) { $0[100] ^= 1 } }
            for (file, bytes) in good { try writeFile(bytes, to: file) }
            try store.takeAway(2)
            let report = try verify(store, repair: true)
            #expect(report.damaged.contains { $0.kind == .corrupt })
            #expect(report.damaged.allSatisfy { $0.repairedFrom != .salvaged })
            #expect(try store.reopened().repairs().isEmpty)
            try store.bringBack(2)
            #expect(try verify(store, repair: true).remaining.isEmpty)
            #expect(try store.restore(point.id) == disk)
        }
    }

    @Test("A good copy that comes back makes every point whole", arguments: [false, true])
    func comesBack(isMissing: Bool) throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            let disk = SyntheticDisk(seed: 2, byteCount: 200_000).bytes
            let point = try store.backup(disk)
            let pack = try packs(store)[0]
            let file = store.path(of: pack, replica: 1)
            let good = try readFile(file)
            if isMissing {
                for replica in 0..<3 { removeTree(store.path(of: pack, replica: replica)) }
            } else {
                try store.damage(pack) { $0[100] ^= 1 }
            }
            #expect(try dangling(verify(store, repair: true)) == [.point(point.id)])
            #expect(throws: KuraError.self) { try store.restore(point.id) }
            // A repair that finds nothing new leaves what was given up alone.
            #expect(try dangling(verify(store, repair: true)) == [.point(point.id)])
            try writeFile(good, to: file)
            #expect(try verify(store, repair: true).remaining.isEmpty)
            #expect(try store.restore(point.id) == disk)
            #expect(try verify(store).damaged.isEmpty)
        }
    }

    @Test("A chunk that lies in another pack, too, is found there although no run says so")
    func elsewhere() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            let disk = SyntheticDisk(seed: 3, byteCount: 200_000).bytes
            let point = try store.backup(disk)
            let first = try packs(store)[0]
            // Without its run the second backup stores every chunk again.
            let run = try store.files("index", replica: 0)[0].lastComponent!
            let hidden = directory.appending("hidden")
            for replica in 0..<3 {
                let file = store.vaultPath(replica: replica).appending("index").appending(run)
                try copyTree(file, to: hidden)
                removeTree(file)
            }
            let again = try store.backup(disk, item: "again", into: store.reopened())
            for replica in 0..<3 {
                try copyTree(
                    hidden, to: store.vaultPath(replica: replica).appending("index").appending(run))
            }
            // Merging keeps one place of each chunk.
            for seed in UInt64(10)..<20 {
                try store.backup(
                    SyntheticDisk(seed: seed, byteCount: 200_000).bytes, item: "\(seed)",
                    into: store.reopened())
            }
            let shared = try chunks(first, store)
            let holders = try packs(store).filter {
                try !chunks($0, store).isDisjoint(with: shared)
            }
            #expect(holders.count == 2)
            // Whichever place the merge kept, this is the one that is lost.
            try store.damage(place(of: first, store)) { $0[100] ^= 1 }
            let report = try verify(store, repair: true)
            #expect(report.damaged.contains { $0.repairedFrom == .salvaged })
            #expect(report.remaining.isEmpty, "\(report.remaining)")
            #expect(try store.restore(point.id) == disk)
            #expect(try store.restore(again.id) == disk)
        }
    }

    private func chunks(_ pack: PackID, _ store: TestStore) throws -> Set<ChunkID> {
        let bytes = try readFile(store.path(of: pack, replica: 0))
        return Set(try store.packTrailer(bytes).chunks.map(\.id))
    }

    /// The pack in which the index finds the first chunk of a pack.
    private func place(of pack: PackID, _ store: TestStore) throws -> PackID {
        let index = try ChunkIndex.open(store.reopened())
        let chunks = try chunks(pack, store)
        let id = try #require(chunks.min())
        let place = try index.find(id, BlockCache())
        return try #require(place).pack
    }

    @Test("A backup that counts on a pack that is given up meanwhile makes no point")
    func beside() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            let disk = SyntheticDisk(seed: 4, byteCount: 200_000).bytes
            try store.backup(disk)
            let packs = try packs(store)
            let path = directory.appending("source")
            try writeFile(disk, to: path)
            func request(_ body: @escaping @Sendable () -> Void) throws -> BackupRequest {
                var request = BackupRequest(
                    item: "beside",
                    disks: [.init(name: "disk", source: try FileSource(path))], threads: 1)
                request.confirmConsistency = {
                    body()
                    return .crashConsistent
                }
                return request
            }
            let during = try request {
                do {
                    try store.damage(packs[0]) { $0[100] ^= 1 }
                    _ = try verify(store, repair: true)
                } catch {
                    Issue.record(error)
                }
            }
            let error = #expect(throws: KuraError.self) {
                try store.reopened().backup(during)
            }
            #expect(error?.code == .damaged)
            let report = try store.reopened().backup(try request {})
            #expect(try store.restore(report.id) == disk)
            #expect(try verify(store).damaged.isEmpty)
        }
    }
}
