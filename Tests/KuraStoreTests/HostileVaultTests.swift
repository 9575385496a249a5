import Glibc
import KuraFormat
import KuraStore
import SystemPackage
import TestSupport
import Testing

/// What an attacker may do to a file of one replica, beyond what disks do by themselves.
private enum Assault: CaseIterable {
    case flippedBit, truncated, extended, zeroedBlock, missing
    /// The bytes of another file of the same kind.
    case sibling
    /// The bytes of a file of the same kind of another vault.
    case foreign

    func apply(
        to path: FilePath, siblings: [FilePath], foreign: [FilePath],
        _ random: inout SeededGenerator
    ) throws {
        let old = try readFile(path)
        switch self {
        case .flippedBit: try Mutation.flippedBit.apply(to: path, other: [], &random)
        case .truncated: try Mutation.truncated.apply(to: path, other: [], &random)
        case .extended: try Mutation.extended.apply(to: path, other: [], &random)
        case .missing: try Mutation.missing.apply(to: path, other: [], &random)
        case .zeroedBlock:
            var bytes = old
            let start = Int.random(in: 0...((bytes.count - 1) / 4096), using: &random) * 4096
            for index in start..<min(start + 4096, bytes.count) { bytes[index] = 0 }
            try writeFile(bytes, to: path)
        case .sibling:
            let other = siblings.filter { $0 != path }.randomElement(using: &random)
            if let other { try writeFile(readFile(other), to: path) }
        case .foreign:
            let other = foreign.randomElement(using: &random)
            if let other { try writeFile(readFile(other), to: path) }
        }
    }
}

@Suite("Hostile vault") struct HostileVaultTests {
    private static let kinds = ["vault", "packs", "index", "points"]

    /// Assaults on one vault, one after the other; KURA_ASSAULTS=N asks for more.
    private static let rounds: Int = {
        getenv("KURA_ASSAULTS").flatMap { Int(String(cString: $0)) } ?? 24
    }()

    private func files(_ kind: String, _ store: TestStore, replica: Int) throws -> [FilePath] {
        kind == "vault"
            ? [store.vaultPath(replica: replica).appending("vault")]
            : try store.files(kind, replica: replica)
    }

    @Test("Whatever is done to files of one replica is found, gone around, and healed to the byte")
    func assaults() throws {
        try forAll(cases: 1) { seed, random in
            try withTemporaryDirectory { directory in
                let store = try TestStore(directory.appending("ours"))
                let foreign = try TestStore(directory.appending("theirs"))
                var points: [(id: RecoveryPointID, bytes: [UInt8])] = []
                for number in 0..<3 {
                    let disk = SyntheticDisk(seed: seed &+ UInt64(number), byteCount: 60_000).bytes
                    points.append((try store.backup(disk, item: "item \(number)").id, disk))
                    try foreign.backup(disk)
                }
                let before = try store.tree(replica: 0)
                var applied = 0
                for round in 0..<Self.rounds {
                    let assault = Assault.allCases.randomElement(using: &random)!
                    let kind = Self.kinds.randomElement(using: &random)!
                    let replica = Int.random(in: 0..<3, using: &random)
                    let ours = try files(kind, store, replica: replica)
                    let victim = ours.randomElement(using: &random)!
                    let comment = "seed \(seed), round \(round): \(assault) to \(kind)"
                    let old = try readFile(victim)
                    try assault.apply(
                        to: victim, siblings: ours,
                        foreign: files(kind, foreign, replica: replica), &random)
                    // Zeros over zeros, or a kind of which there is one file, change nothing.
                    if assault != .missing, try readFile(victim) == old { continue }
                    applied += 1
                    let point = points.randomElement(using: &random)!
                    #expect(try store.restore(point.id) == point.bytes, "\(comment)")
                    let report = try store.reopened().verify(VerifyRequest(repair: true))
                    #expect(report.damaged.map(\.place) == [victim.string], "\(comment)")
                    #expect(report.remaining.isEmpty, "\(comment)")
                    try store.expectEqualReplicas(comment)
                }
                #expect(applied > Self.rounds / 2, "seed \(seed)")
                let after = try store.tree(replica: 0)
                for (path, bytes) in before {
                    #expect(after[path] == bytes, "seed \(seed): \(path)")
                }
                #expect(try store.reopened().verify(VerifyRequest(level: .chunks)).damaged.isEmpty)
            }
        }
    }

    @Test(
        "A flipped bit of a recovery point or of a vault record is found at its place",
        arguments: ["points", "vault"])
    func everyBit(kind: String) throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            let disk = SyntheticDisk(seed: 5, byteCount: 10_000).bytes
            let point = try store.backup(disk).id
            let file = try files(kind, store, replica: 1)[0]
            let sound = try readFile(file)
            var random = SeededGenerator(seed: UInt64(Self.rounds))
            // One bit of every sixth byte in the short run, all of them in a long one.
            let step = Self.rounds > 1000 ? 1 : 6
            // The version, too, is none of a newer Kura.
            for index in [8, 9] + stride(from: 0, to: sound.count, by: step) {
                let chosen = Int.random(in: 0...7, using: &random)
                let bits = Self.rounds > 1000 ? 0...7 : chosen...chosen
                for bit in bits {
                    var bytes = sound
                    bytes[index] ^= 1 << UInt8(bit)
                    try writeFile(bytes, to: file)
                    let found = try store.reopened().verify(VerifyRequest(point: point)).damaged
                    #expect(found.map(\.place) == [file.string], "bit \(bit) of byte \(index)")
                }
            }
            #expect(try store.restore(point) == disk)
            #expect(try store.reopened().verify(VerifyRequest(repair: true)).remaining.isEmpty)
            #expect(try readFile(file) == sound)
        }
    }

    @Test("A vault record of an earlier revision never wins, is found, and is replaced")
    func olderRecord() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            let old = store.vault.record
            var record = old
            record.revision = 7
            record.name = "renamed"
            for replica in 0..<3 {
                try writeFile(record.encoded(), to: files("vault", store, replica: replica)[0])
            }
            let file = store.vaultPath(replica: 2).appending("vault")
            try writeFile(old.encoded(), to: file)
            let region = Region(
                id: store.region.id, name: "test", replicas: store.region.replicas.map(\.path))
            #expect(try region.vaults() == [record])
            let vault = Vault(region: region, record: record)
            let report = try vault.verify(VerifyRequest(repair: true))
            #expect(report.damaged.map(\.place) == [file.string] && report.remaining.isEmpty)
            #expect(try readFile(file) == record.encoded())
        }
    }

    @Test("A pack in another fan-out directory is no copy of it")
    func wrongFanOut() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            let disk = SyntheticDisk(seed: 5, byteCount: 100_000).bytes
            let point = try store.backup(disk).id
            let pack = try store.files("packs", replica: 1)[0]
            let name = try #require(pack.lastComponent?.string)
            let fanOut = name.hasPrefix("00") ? "01" : "00"
            let stray = store.vaultPath(replica: 1).pushing(
                FilePath("packs/\(fanOut)/\(name)"))
            try writeFile(readFile(pack), to: stray)
            #expect(try store.restore(point) == disk)
            #expect(try store.reopened().verify(VerifyRequest(level: .chunks)).damaged.isEmpty)
            // With the pack itself gone, the stray copy must not hide that.
            unlink(pack.string)
            #expect(try store.restore(point) == disk)
            let report = try store.reopened().verify(VerifyRequest(repair: true))
            #expect(report.damaged.map(\.place) == [pack.string] && report.remaining.isEmpty)
            #expect(try readFile(pack) == readFile(stray))
        }
    }
}
