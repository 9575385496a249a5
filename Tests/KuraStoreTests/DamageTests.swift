import KuraFormat
import KuraIO
import KuraReplicas
import KuraStore
import SystemPackage
import TestSupport
import Testing

@Suite("Damage") struct DamageTests {
    /// Every kind of file that a restore reads.
    static let kinds = ["packs", "index", "points"]

    @Test(
        "One damaged copy is found by verify, gone around by restore, and never silent",
        arguments: kinds, Mutation.allCases)
    func oneCopy(kind: String, mutation: Mutation) throws {
        try forAll(cases: 3) { seed, random in
            try withTemporaryDirectory { directory in
                let store = try TestStore(directory)
                let disk = SyntheticDisk(seed: seed, byteCount: 400_000).bytes
                let report = try store.backup(disk)
                let other = try readFile(store.files("packs", replica: 1)[0])
                let replica = Int.random(in: 0..<3, using: &random)
                let files = try store.files(kind, replica: replica)
                let file = files.randomElement(using: &random)!
                let swap =
                    kind == "packs" ? try readFile(store.files("index", replica: 0)[0]) : other
                try mutation.apply(to: file, other: swap, &random)
                for level in VerifyRequest.Level.allCases {
                    let found = try store.reopened().verify(VerifyRequest(level: level)).damaged
                    #expect(found.map(\.place) == [file.string], "seed \(seed)")
                    #expect(found.first?.replica == replica, "seed \(seed)")
                }
                #expect(try store.restore(report.id) == disk, "seed \(seed)")
            }
        }
    }

    @Test("Damage that a restore meets on its way is noted")
    func noted() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            let disk = SyntheticDisk(seed: 8, byteCount: 400_000).bytes
            let report = try store.backup(disk)
            // Every frame of the first replica's packs is hit: the restore cannot miss it.
            for file in try store.files("packs", replica: 0) {
                var bytes = try readFile(file)
                for index in stride(from: 40, to: bytes.count - 2000, by: 500) { bytes[index] ^= 1 }
                try writeFile(bytes, to: file)
            }
            let vault = store.reopened()
            #expect(try store.restore(report.id, from: vault) == disk)
            #expect(!vault.damage.isEmpty)
            #expect(vault.damage.allSatisfy { $0.replica == 0 && $0.structure == .pack })
        }
    }

    @Test("With every copy of a pack damaged the restore fails and the points are named")
    func allCopies() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            let disk = SyntheticDisk(seed: 8, byteCount: 400_000).bytes
            let report = try store.backup(disk)
            for replica in 0..<3 {
                for file in try store.files("packs", replica: replica) {
                    try writeFile(Array(readFile(file).dropLast(1)), to: file)
                }
            }
            let error = #expect(throws: KuraError.self) { try store.restore(report.id) }
            #expect(error?.code == .damaged)
            let damaged = try store.reopened().verify(VerifyRequest(level: .chunks)).damaged
            #expect(damaged.contains { $0.kind == .dangling && $0.structure == .recoveryPoint })
        }
    }

    @Test("Different frames damaged in different replicas still restore")
    func frameWise() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory, mean: 32768)
            // Several frames in one pack.
            var random = SeededGenerator(seed: 12)
            let disk = random.bytes(3 << 20)
            let report = try store.backup(disk)
            for replica in 0..<3 {
                let file = try store.files("packs", replica: replica).max {
                    try LocalFileSystem().status($0).byteCount
                        < LocalFileSystem().status($1).byteCount
                }!
                var bytes = try readFile(file)
                bytes[100_000 + replica * 1_000_000] ^= 0x10
                try writeFile(bytes, to: file)
            }
            #expect(try store.restore(report.id) == disk)
        }
    }

    @Test("A pack of another vault is not taken for one of this")
    func foreignPack() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory.appending("a"))
            let foreign = try TestStore(directory.appending("b"))
            let disk = SyntheticDisk(seed: 8, byteCount: 100_000).bytes
            try store.backup(disk)
            try foreign.backup(disk)
            let file = try store.files("packs", replica: 0)[0]
            try writeFile(readFile(foreign.files("packs", replica: 0)[0]), to: file)
            let damaged = try store.reopened().verify(VerifyRequest()).damaged
            #expect(damaged.map(\.place) == [file.string])
        }
    }

    @Test("A manifest node without a good copy is damage of its pack, not of the index run")
    func lostNode() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            let report = try store.backup(SyntheticDisk(seed: 3, byteCount: 400_000).bytes)
            for replica in 0..<3 {
                for file in try store.files("packs", replica: replica) {
                    var bytes = try readFile(file)
                    guard try store.packTrailer(bytes).header.kind == .manifest else { continue }
                    bytes[PackHeader.byteCount + 20] ^= 1
                    try writeFile(bytes, to: file)
                }
            }
            let vault = store.reopened()
            #expect(throws: KuraError.self) { try store.restore(report.id, from: vault) }
            #expect(!vault.damage.isEmpty)
            #expect(vault.damage.allSatisfy { $0.structure == .pack }, "\(vault.damage)")
            let request = VerifyRequest(point: report.id)
            let found = try store.reopened().verify(request)
            #expect(
                found.damaged.filter { $0.kind == .dangling }.map(\.file) == [.point(report.id)])
            // Which packs the point needs is unknown.
            #expect(
                try found.packs
                    == (0..<3).reduce(0) { $0 + (try store.files("packs", replica: $1).count) })
        }
    }

    @Test("A recovery point that cannot be followed is repaired when it alone is verified")
    func unfollowed() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            let disk = SyntheticDisk(seed: 3, byteCount: 400_000).bytes
            let id = try store.backup(disk).id
            for replica in 0..<3 {
                for file in try store.files("index", replica: replica) { removeTree(file) }
            }
            let found = try store.reopened().verify(VerifyRequest(point: id)).damaged
            #expect(found.contains { $0.kind == .dangling })
            let repaired = try store.reopened().verify(VerifyRequest(point: id, repair: true))
            #expect(repaired.remaining.isEmpty, "\(repaired.remaining)")
            #expect(try store.restore(id) == disk)
        }
    }

    @Test("A manifest node that a tree has at a wrong level is found, also where another is right")
    func wrongLevel() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            let id = try store.backup(SyntheticDisk(seed: 3, byteCount: 400_000).bytes).id
            var point = try store.vault.recoveryPoint(id)
            var disk = point.disks[0]
            disk.name = "too large for its root"
            disk.counts.logicalBytes = UInt64(Limits.extentBytes) + 1
            point.disks.append(disk)
            let forged = point.encoded()
            let seal = try RecoveryPoint.decode(forged).id
            for replica in 0..<3 {
                let folder = store.vaultPath(replica: replica).appending("points")
                try writeFile(forged, to: folder.appending(seal.hex))
            }
            let request = VerifyRequest(level: .chunks, point: seal)
            let found = try store.reopened().verify(request).damaged
            #expect(found.map(\.kind) == [.dangling])
        }
    }

    @Test("Verifying a recovery point that the vault does not have is an error")
    func unknownPoint() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            try store.backup(SyntheticDisk(seed: 2, byteCount: 100_000).bytes)
            let unknown = Digest(words: (1, 2, 3, 4))
            let error = #expect(throws: KuraError.self) {
                try store.vault.verify(VerifyRequest(point: unknown))
            }
            #expect(error?.code == .notFound)
        }
    }

    @Test("A clean vault verifies clean, and the counts are those of its packs")
    func clean() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            try store.backup(SyntheticDisk(seed: 1, byteCount: 1 << 20).bytes)
            let report = try store.vault.verify(VerifyRequest(level: .chunks))
            let packs = try store.files("packs", replica: 0).count
            #expect(report.damaged.isEmpty)
            #expect(report.packs == packs * 3)
            #expect(report.chunks >= (try store.vault.statistics().chunks))
        }
    }
}
