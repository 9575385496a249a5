import KuraFormat
import KuraIO
import KuraStore
import SystemPackage
import TestSupport
import Testing

@Suite("Without a replica") struct DegradedTests {
    /// A file system in which replica `replica` fails from its n-th change on, for good.
    private static func failing(_ replica: Int, from number: Int, _ errno: Errno = .ioError)
        -> FailingFileSystem
    {
        FailingFileSystem(errno) { call in
            call.path.string.contains("/replica-\(replica)/")
                && call.earlier(under: "/replica-\(replica)/") >= number
        }
    }

    private func expectHealthy(
        _ store: TestStore, _ points: [RecoveryPointID: [UInt8]], _ comment: String
    ) throws {
        try store.expectEqualReplicas(comment)
        let report = try store.reopened().verify(VerifyRequest(level: .chunks))
        #expect(report.damaged.isEmpty, "\(comment): \(report.damaged)")
        for replica in 0..<3 {
            #expect(try store.files("tmp", replica: replica).isEmpty, "\(comment)")
            #expect(try store.files("sessions", replica: replica).isEmpty, "\(comment)")
        }
        for (id, bytes) in points { #expect(try store.restore(id) == bytes, "\(comment)") }
    }

    @Test("that fails at any call, a backup is made in the others, and completed later")
    func failsAtAnyCall() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            let base = SyntheticDisk(seed: 41, byteCount: 50_000)
            var points = [try store.backup(base.bytes).id: base.bytes]
            let counting = Self.failing(1, from: .max)
            let first = base.edited(seed: 1).bytes
            points[try store.backup(first, into: store.reopened(fileSystem: counting)).id] = first
            let total = counting.count(under: "/replica-1/")
            #expect(total > 10)
            for number in stride(from: Int.random(in: 0..<6), to: total, by: 6) {
                let disk = base.edited(seed: UInt64(number + 2)).bytes
                let failing = Self.failing(1, from: number, number % 8 < 4 ? .ioError : .noSpace)
                let report = try store.backup(disk, into: store.reopened(fileSystem: failing))
                points[report.id] = disk
                // The last calls write the receipt and remove what the session announced: the point
                // is everywhere by then.
                #expect(report.replicas == [0, 2] || number + 12 > total, "call \(number)")
                #expect(report.isUnderReplicated == (report.replicas.count < 3))
                #expect(!report.isUnderReplicated || !report.warnings.isEmpty)
                let next = try store.backup(disk, into: store.reopened())
                points[next.id] = disk
                #expect(!next.isUnderReplicated, "call \(number)")
                try store.expectEqualReplicas("call \(number)")
            }
            try expectHealthy(store, points, "at the end")
        }
    }

    @Test("two of three failing at any call, nothing is committed, and nothing harmed")
    func twoFail() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            let base = SyntheticDisk(seed: 43, byteCount: 50_000)
            var points = [try store.backup(base.bytes).id: base.bytes]
            for number in stride(from: Int.random(in: 0..<5), to: 25, by: 5) {
                let disk = base.edited(seed: UInt64(number)).bytes
                let failing = FailingFileSystem { call in
                    [0, 1].contains { replica in
                        let part = "/replica-\(replica)/"
                        return call.path.string.contains(part)
                            && call.earlier(under: part) >= number
                    }
                }
                do {
                    let report = try store.backup(disk, into: store.reopened(fileSystem: failing))
                    points[report.id] = disk
                } catch let error as KuraError {
                    #expect(error.code == .io, "call \(number)")
                }
                // A point that got into the third replica is complete, and counts from now on.
                let last = try store.backup(disk, into: store.reopened())
                points[last.id] = disk
                for id in try store.reopened().recoveryPointIDs() where points[id] == nil {
                    points[id] = disk
                }
                try store.expectEqualReplicas("call \(number)")
            }
            try expectHealthy(store, points, "at the end")
        }
    }

    @Test("a vault that wants three copies refuses, and says why")
    func minCopies() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory, minCopies: 3)
            let disk = SyntheticDisk(seed: 1, byteCount: 50_000).bytes
            let report = try store.backup(disk)
            try store.takeAway(1)
            let error = #expect(throws: KuraError.self) {
                try store.backup(disk, into: store.reopened())
            }
            #expect(error?.code == .replicaMissing)
            #expect(error?.message.contains("replica 1") == true)
            try store.bringBack(1)
            let failing = Self.failing(2, from: 3)
            #expect(throws: KuraError.self) {
                try store.backup(disk, into: store.reopened(fileSystem: failing))
            }
            #expect(try store.reopened().recoveryPointIDs() == [report.id])
            try store.backup(disk, into: store.reopened())
            try store.expectEqualReplicas()
        }
    }

    @Test("that comes back older than the others, what the others have wins, whatever its clock")
    func olderNeverWins() throws {
        try forAll(cases: 2) { seed, random in
            try withTemporaryDirectory { directory in
                let store = try TestStore(directory)
                var disk = SyntheticDisk(seed: seed, byteCount: 100_000)
                var points: [RecoveryPointID: [UInt8]] = [:]
                for _ in 0..<Int.random(in: 0...2, using: &random) {
                    points[try store.backup(disk.bytes).id] = disk.bytes
                    disk = disk.edited(seed: random.next())
                }
                let replica = Int.random(in: 0..<3, using: &random)
                let path = store.region.replicas[replica].path
                let old = directory.appending("old")
                try copyTree(path, to: old)
                // Enough small runs that some are merged away meanwhile.
                for _ in 0..<9 {
                    points[try store.backup(disk.bytes, into: store.reopened()).id] = disk.bytes
                    disk = disk.edited(seed: random.next())
                }
                removeTree(path)
                try LocalFileSystem().rename(old, to: path, replacing: false)
                let holders = try store.reopened().pointHolders()
                #expect(Set(holders.keys) == Set(points.keys), "seed \(seed)")
                #expect(holders.values.contains { $0.count == 2 }, "seed \(seed)")
                for (id, bytes) in points {
                    #expect(try store.restore(id) == bytes, "seed \(seed)")
                }
                points[try store.backup(disk.bytes, into: store.reopened()).id] = disk.bytes
                // Runs of the old copy that were merged away meanwhile go with the next merge.
                let vault = store.reopened()
                #expect(try vault.catchUpPlan().isEmpty, "seed \(seed)")
                #expect(try vault.verify(VerifyRequest(level: .chunks)).damaged.isEmpty)
                try store.takeAway((replica + 1) % 3)
                try store.takeAway((replica + 2) % 3)
                for (id, bytes) in points {
                    #expect(try store.restore(id) == bytes, "seed \(seed): from the old one alone")
                }
            }
        }
    }

    @Test("that was put back from before the vault was made, the vault is made in it again")
    func beforeTheVault() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            let disk = SyntheticDisk(seed: 2, byteCount: 50_000).bytes
            let points = [try store.backup(disk).id: disk]
            removeTree(store.vaultPath(replica: 1))
            let last = try store.backup(disk, into: store.reopened())
            #expect(last.replicas == [0, 1, 2])
            try expectHealthy(store, points, "")
        }
    }

    @Test("two processes that see different replicas meet at a lock")
    func splitView() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            let pipe = try Pipe()
            let disk = BackupRequest.Disk(
                name: "d", source: StreamSource(descriptor: pipe.reading, name: "pipe"))
            let request = BackupRequest(item: "item", disks: [disk], threads: 1)
            Threads.run(2) { index in
                if index == 0 {
                    _ = try? store.reopened(fileSystem: BlindFileSystem(to: 0)).backup(request)
                } else {
                    while store.vault.openSessions().isEmpty {}
                    let error = #expect(throws: KuraError.self) {
                        try store.backup(
                            [1],
                            into: store.reopened(
                                fileSystem: BlindFileSystem(to: 2), waits: WaitPolicy(limit: 0)))
                    }
                    #expect(error?.code == .locked)
                    pipe.closeWriting()
                }
            }
            pipe.closeReading()
        }
    }

    @Test("an older vault record gives way to the one with the highest revision")
    func olderRecord() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            var newer = store.vault.record
            newer.revision = 7
            newer.minCopies = 3
            for replica in 0..<2 {
                try writeFile(
                    newer.encoded(), to: store.vaultPath(replica: replica).appending("vault"))
            }
            let region = store.reopened().region
            let record = try #require(region.vaults().first)
            #expect(record == newer)
            let vault = Vault(region: region, record: record)
            #expect(try vault.verify(VerifyRequest()).damaged.map(\.replica) == [2])
            try store.backup([1, 2, 3], into: vault)
            try store.expectEqualReplicas()
            #expect(try readFile(store.vaultPath(replica: 2).appending("vault")) == newer.encoded())
        }
    }
}
