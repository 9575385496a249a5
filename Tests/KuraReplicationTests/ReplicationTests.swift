import KuraFormat
import KuraIO
import KuraReplication
import KuraStore
import SystemPackage
import TestSupport
import Testing

@Suite("Replication") struct ReplicationTests {
    private let east = VaultPair.east
    private let west = VaultPair.west

    @Test("Every replicated point restores byte for byte with the whole primary deleted")
    func primaryDeleted() throws {
        try withTemporaryDirectory { directory in
            let regions = try VaultPair(directory)
            let disk = SyntheticDisk(seed: 1, byteCount: 400_000)
            var made: [(RecoveryPointID, [UInt8])] = []
            for number in 0..<3 {
                let bytes = disk.edited(seed: UInt64(number)).bytes
                made.append((try regions.backup(bytes), bytes))
            }
            let report = try regions.replicate()
            #expect(report.there.points == 3)
            #expect(report.isComplete)
            removeTree(regions.regionPath(east))
            for (id, bytes) in made {
                #expect(try regions.restore(id, from: regions.vault(in: west)) == bytes)
            }
        }
    }

    @Test("A second replication sends what is new, and nothing else")
    func incremental() throws {
        try withTemporaryDirectory { directory in
            let regions = try VaultPair(directory)
            let disk = SyntheticDisk(seed: 2, byteCount: 2_000_000)
            try regions.backup(disk.bytes)
            let first = try regions.replicate().there
            #expect(try regions.replicate().there.bytes == 0)
            try regions.backup(disk.edited(seed: 3, edits: 1, of: [.overwrite]).bytes)
            let second = try regions.replicate().there
            #expect(second.points == 1)
            #expect(second.bytes < first.bytes / 4, "\(second.bytes) of \(first.bytes)")
            #expect(try regions.replication(on: LocalFileSystem()).plan().there.isEmpty)
        }
    }

    @Test("A copy killed at any call goes on with what is missing, and never shows a broken point")
    func interrupted() throws {
        try withTemporaryDirectory { directory in
            let regions = try VaultPair(directory, replicas: 3)
            let disk = SyntheticDisk(seed: 4, byteCount: 60_000)
            var made: [RecoveryPointID: [UInt8]] = [:]
            // How many calls one copy makes is counted first.
            made[try regions.backup(disk.bytes)] = disk.bytes
            let counting = FailingFileSystem { _ in false }
            _ = try regions.replication(on: counting).run(threads: 2)
            let (total, attempts) = (counting.callCount, 10)
            for attempt in 0..<attempts {
                let bytes = disk.edited(seed: UInt64(attempt)).bytes
                made[try regions.backup(bytes)] = bytes
                let kill = (total * attempt + Int.random(in: 0..<total)) / attempts
                let failing = FailingFileSystem { $0.count >= kill }
                // It may be done before the call that would kill it.
                _ = try? regions.replication(on: failing).run(threads: 2)
                let pair = regions.vault(in: west)
                // Restoring all of them after each call would take the square of the time.
                if let newest = try pair.recoveryPoints().first {
                    let restored = try regions.restore(newest.id, from: pair)
                    #expect(restored == made[newest.id], "call \(kill) of \(total)")
                }
            }
            let before = try regions.replication(on: LocalFileSystem()).plan().there
            let report = try regions.replicate().there
            // What one replica of the pair has already, its neighbours take from there.
            #expect(report.bytes <= before.byteCount)
            let pair = regions.vault(in: west)
            #expect(Set(try pair.recoveryPointIDs()) == Set(made.keys))
            #expect(try pair.verify(VerifyRequest(level: .chunks)).damaged.isEmpty)
            for replica in regions.replicas {
                #expect(try regions.files("tmp", west, replica).isEmpty)
                #expect(try regions.files("sessions", west, replica).isEmpty)
            }
        }
    }

    @Test("A prune that is copied call by call leaves every point of the pair complete")
    func prunedCallByCall() throws {
        try withTemporaryDirectory { directory in
            let regions = try VaultPair(directory)
            let disk = SyntheticDisk(seed: 9, byteCount: 200_000)
            let other = disk.edited(seed: 10)
            let dropped = try regions.backup(disk.bytes)
            let kept = try regions.backup(other.bytes)
            try regions.replicate()
            let east = regions.vault(in: east)
            let pruned = try east.prune(
                PruneRequest(dropping: [dropped], reason: "test", deadShareMax: 0))
            #expect(pruned.repackedBytes > 0)
            for kill in 0... {
                let failing = FailingFileSystem { $0.count >= kill }
                let isDone: Bool
                do {
                    _ = try regions.replication(on: failing).run(threads: 1)
                    isDone = failing.callCount <= kill
                } catch {
                    isDone = false
                }
                let pair = regions.vault(in: west)
                #expect(try regions.restore(kept, from: pair) == other.bytes, "call \(kill)")
                let report = try pair.verify(VerifyRequest(level: .chunks))
                #expect(report.damaged.isEmpty, "call \(kill)")
                if isDone { break }
            }
            #expect(try regions.vault(in: west).recoveryPointIDs() == [kept])
        }
    }

    @Test("What arrived before a kill is not sent again")
    func resumed() throws {
        try withTemporaryDirectory { directory in
            let regions = try VaultPair(directory)
            try regions.backup(SyntheticDisk(seed: 5, byteCount: 300_000).bytes)
            let whole = try regions.replication(on: LocalFileSystem()).plan().there
            // Killed when the recovery point is to appear: everything else is there by then.
            let failing = FailingFileSystem { $0.path.string.contains("/points/") }
            #expect(throws: KuraError.self) {
                try regions.replication(on: failing).run(threads: 2)
            }
            let rest = try regions.replication(on: LocalFileSystem()).plan().there
            #expect(rest.packs.isEmpty && rest.runs.isEmpty)
            #expect(rest.byteCount == whole.points[0].byteCount)
            #expect(try regions.replicate().there.bytes == rest.byteCount)
        }
    }

    @Test("Damage is not shipped: another replica's copy is taken")
    func damagedReplica() throws {
        try withTemporaryDirectory { directory in
            let regions = try VaultPair(directory, replicas: 3)
            let bytes = SyntheticDisk(seed: 6, byteCount: 300_000).bytes
            let id = try regions.backup(bytes)
            for kind in ["packs", "index", "points"] {
                for file in try regions.files(kind, east, 0) { try writeFile([1, 2, 3], to: file) }
            }
            #expect(try regions.replicate().isComplete)
            let pair = regions.vault(in: west)
            #expect(try regions.restore(id, from: pair) == bytes)
            #expect(try pair.verify(VerifyRequest(level: .chunks)).damaged.isEmpty)
        }
    }

    @Test("A point whose pack is lost everywhere stays behind; the others go")
    func lostPack() throws {
        try withTemporaryDirectory { directory in
            let regions = try VaultPair(directory)
            let lost = try regions.backup(SyntheticDisk(seed: 7, byteCount: 300_000).bytes)
            let packs = try regions.files("packs", east).map { $0.lastComponent!.string }
            let bytes = SyntheticDisk(seed: 8, byteCount: 200_000).bytes
            let kept = try regions.backup(bytes, item: "other")
            for replica in regions.replicas {
                for file in try regions.files("packs", east, replica)
                where packs.contains(file.lastComponent!.string) {
                    try writeFile([], to: file)
                }
            }
            let report = try regions.replicate()
            #expect(!report.isComplete)
            #expect(report.there.stuck.map(\.id) == [lost])
            let pair = regions.vault(in: west)
            #expect(try pair.recoveryPointIDs() == [kept])
            #expect(try regions.restore(kept, from: pair) == bytes)
        }
    }

    @Test("Packs come again that the other region took away, also where it still has their run")
    func takenAway() throws {
        try withTemporaryDirectory { directory in
            let regions = try VaultPair(directory)
            let part = SyntheticDisk(seed: 10, byteCount: 300_000).bytes
            let bytes = SyntheticDisk(seed: 11, byteCount: 300_000).bytes + part
            let first = try regions.backup(bytes)
            try regions.backup(part, item: "other")
            try regions.replicate()
            let packs = try Set(regions.files("packs", west))
            // The same chunks: a point that needs the packs of the first one, and no new ones.
            let second = try regions.backup(bytes)
            // The other region drops the first point and repacks. Power fails before the old run
            // goes.
            let runs = try regions.files("index", west).map { ($0, try readFile($0)) }
            _ = try regions.vault(in: west).prune(
                PruneRequest(dropping: [first], reason: "test", deadShareMax: 0))
            for (path, content) in runs { try writeFile(content, to: path) }
            #expect(try !packs.isSubset(of: regions.files("packs", west)))
            #expect(try regions.replicate().isComplete)
            #expect(try regions.restore(second, from: regions.vault(in: west)) == bytes)
        }
    }

    @Test("Points that only the passive region has are copied back")
    func union() throws {
        try withTemporaryDirectory { directory in
            let regions = try VaultPair(directory)
            let disk = SyntheticDisk(seed: 9, byteCount: 200_000)
            try regions.backup(disk.bytes)
            let old = directory.appending("old")
            try copyTree(regions.regionPath(east), to: old)
            let edited = disk.edited(seed: 1).bytes
            let id = try regions.backup(edited)
            try regions.replicate()
            // The primary is put back from an old copy.
            removeTree(regions.regionPath(east))
            try copyTree(old, to: regions.regionPath(east))
            #expect(try regions.vault(in: east).recoveryPointIDs().count == 1)
            let report = try regions.replicate()
            #expect(report.back.points == 1)
            #expect(try regions.restore(id, from: regions.vault(in: east)) == edited)
        }
    }

    @Test("A point has a receipt of each copy: when it came, and how")
    func receipts() throws {
        try withTemporaryDirectory { directory in
            let regions = try VaultPair(directory, replicas: 3)
            let before = Clock.now()
            let id = try regions.backup(SyntheticDisk(seed: 10, byteCount: 100_000).bytes)
            let between = Clock.now()
            try regions.replicate()
            for (region, arrival) in [(east, Arrival.backup), (west, .replication)] {
                let copies = regions.vault(in: region).copies(of: id)
                #expect(copies.map(\.ordinal) == [0, 1, 2])
                for copy in copies {
                    let receipt = try #require(copy.receipt)
                    #expect(receipt.arrival == arrival)
                    let isInTime =
                        region == east
                        ? before...between ~= receipt.time : receipt.time >= between
                    #expect(isInTime)
                }
            }
            // A receipt that is lost or belongs elsewhere is written anew, with the file's time.
            for file in try regions.files("receipts", west, 1) { try writeFile([9], to: file) }
            let gone = try regions.files("receipts", west, 2)
            for file in gone { try LocalFileSystem().remove(file) }
            try regions.replicate()
            let vault = regions.vault(in: west)
            #expect(vault.copies(of: id)[2].receipt?.arrival == .found)
            #expect(vault.copies(of: id)[1].receipt == nil)
        }
    }

    @Test("Two replications of one vault do not run at the same time")
    func locked() throws {
        try withTemporaryDirectory { directory in
            let regions = try VaultPair(directory)
            try regions.backup([1, 2, 3])
            // Another process holds the lock of the vault in the pair.
            let lock = SHA256.digest([]).hex.prefix(32)
            let path = regions.replicaPath(west, 0).pushing(
                FilePath("vaults/\(regions.record.id.hex)/locks/item-\(lock)"))
            let held = try #require(try LocalFileSystem().lock(path))
            defer { LocalFileSystem().close(held) }
            let error = #expect(throws: KuraError.self) {
                try regions.replicate(waits: WaitPolicy(limit: 0))
            }
            #expect(error?.code == .locked)
        }
    }

    @Test("What both regions have lost is given up in the active one; replication brings the rest")
    func salvage() throws {
        try withTemporaryDirectory { directory in
            let regions = try VaultPair(directory)
            let disk = SyntheticDisk(seed: 61, byteCount: 200_000).bytes
            let point = try regions.backup(disk)
            try regions.replicate()
            let (active, passive) = (regions.region(east), regions.region(west))
            for region in [VaultPair.east, VaultPair.west] {
                for file in try regions.files("packs", region) {
                    var bytes = try LocalFileSystem().contents(file, max: 1 << 30)
                    bytes[60] ^= 1
                    try writeFile(bytes, to: file)
                }
            }
            func verify(_ region: Region, _ pair: Region, repair: Bool) throws -> VerifyReport {
                try Vault(region: region, record: regions.record, pair: pair)
                    .verify(VerifyRequest(level: .chunks, repair: repair))
            }
            #expect(try verify(passive, active, repair: true).damaged.allSatisfy { !$0.isRepaired })
            #expect(try regions.files("repairs", VaultPair.west).isEmpty)
            let report = try verify(active, passive, repair: true)
            #expect(report.remaining.map(\.kind) == [.dangling])
            try regions.backup(disk)
            try regions.replicate()
            for (region, pair) in [(active, passive), (passive, active)] {
                let damage = try verify(region, pair, repair: false).damaged
                #expect(damage.isEmpty, "\(damage)")
                let vault = Vault(region: region, record: regions.record)
                #expect(try regions.restore(point, from: vault) == disk)
            }
        }
    }
}
