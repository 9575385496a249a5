import Glibc
import KuraFormat
import KuraIO
import KuraStore
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// The table of FORMAT.md section 8, cells within one region: one operation amid another one.
@Suite("One operation beside another")
struct InterleavingTests {
    private typealias Scene = PruneCrashTests.Scene

    /// When a backup or a repair is about to give a pack its name.
    private static let isPublishingPack: @Sendable (FileCall, String) -> Bool = {
        $0 == .rename && $1.contains("/packs/")
    }

    /// When the first bytes of a pack are read.
    private static let isReadingPack: @Sendable (FileCall, String) -> Bool = {
        $0 == .read && $1.contains("/packs/")
    }

    private static func isCommitting(_ store: TestStore) -> Bool {
        PruneCrashTests.isCommitting(store)
    }

    @Test("A backup beside a backup of the same item is refused and names the holder")
    func backupBesideBackup() throws {
        try withTemporaryDirectory { directory in
            let scene = try Scene(directory, seed: 1)
            let calls = InterleavingFileSystem(at: Self.isPublishingPack) {
                try scene.store.backup(
                    scene.oldBytes, threads: 1,
                    into: scene.store.reopened(waits: WaitPolicy(limit: 0)))
            }
            var random = SeededGenerator(seed: 11)
            let bytes = random.bytes(32 << 10)
            let report = try scene.store.backup(
                bytes, threads: 1, into: scene.store.reopened(fileSystem: calls))
            let error = #expect(throws: KuraError.self) { try calls.finish() }
            #expect(error?.code == .locked)
            #expect(error?.message.contains("by kura backup (process \(getpid()) on ") == true)
            #expect(try scene.store.restore(report.id) == bytes)
            // The refused one left nothing behind.
            try scene.store.backup(scene.newBytes, threads: 1, into: scene.store.reopened())
            #expect(scene.store.reopened().interruptedSessions().isEmpty)
        }
    }

    @Test("A backup beside a backup of another item adds its own, though both hold the same bytes")
    func backupBesideOtherItem() throws {
        try withTemporaryDirectory { directory in
            let scene = try Scene(directory, seed: 2)
            var random = SeededGenerator(seed: 12)
            let bytes = random.bytes(48 << 10)
            let other = Array(bytes.prefix(32 << 10)) + random.bytes(8 << 10)
            let calls = InterleavingFileSystem(at: Self.isPublishingPack) {
                try scene.store.backup(
                    other, item: "other", threads: 1, into: scene.store.reopened())
            }
            let report = try scene.store.backup(
                bytes, threads: 1, into: scene.store.reopened(fileSystem: calls))
            try calls.finish()
            let vault = scene.store.reopened()
            #expect(try scene.store.restore(report.id) == bytes)
            let second = try #require(
                try vault.recoveryPoints().first { $0.point.item == "other" })
            #expect(try scene.store.restore(second.id) == other)
            #expect(try vault.verify(VerifyRequest(level: .chunks)).damaged.isEmpty)
        }
    }

    @Test("A repair beside a backup heals, and the backup completes")
    func repairBesideBackup() throws {
        try withTemporaryDirectory { directory in
            let scene = try Scene(directory, seed: 3)
            var random = SeededGenerator(seed: 13)
            let pack = try #require(try scene.store.files("packs", replica: 0).first)
            try Mutation.flippedBit.apply(to: pack, other: [], &random)
            let calls = InterleavingFileSystem(at: Self.isPublishingPack) {
                let report = try scene.store.reopened().verify(
                    VerifyRequest(level: .packs, repair: true, threads: 1))
                #expect(!report.damaged.isEmpty)
                #expect(report.damaged.allSatisfy { $0.isRepaired })
            }
            let bytes = random.bytes(32 << 10)
            let report = try scene.store.backup(
                bytes, threads: 1, into: scene.store.reopened(fileSystem: calls))
            try calls.finish()
            #expect(try scene.store.restore(report.id) == bytes)
            let vault = scene.store.reopened()
            #expect(try vault.verify(VerifyRequest(level: .chunks)).damaged.isEmpty)
        }
    }

    @Test("A restore beside a repair reads the file that is being healed in another replica")
    func restoreBesideRepair() throws {
        try duringRepair { (scene) throws in
            #expect(try scene.store.restore(scene.old.id) == scene.oldBytes)
            #expect(try scene.store.restore(scene.new.id) == scene.newBytes)
        }
    }

    @Test("A verify beside a repair misses at most the copy that is being healed")
    func verifyBesideRepair() throws {
        try duringRepair { (scene) throws in
            let report = try scene.store.reopened().verify(VerifyRequest(level: .chunks))
            #expect(report.damaged.allSatisfy { $0.replica == 0 && $0.kind == .missing })
            #expect(report.damaged.count == 1)
        }
    }

    /// Runs `body` when a damaged pack is in quarantine and the good copy not in its place yet.
    private func duringRepair(_ body: @escaping @Sendable (Scene) throws -> Void) throws {
        try withTemporaryDirectory { directory in
            let scene = try Scene(directory, seed: 4)
            var random = SeededGenerator(seed: 14)
            let pack = try #require(try scene.store.files("packs", replica: 0).first)
            try Mutation.flippedBit.apply(to: pack, other: [], &random)
            let calls = InterleavingFileSystem(at: Self.isPublishingPack) {
                #expect(throws: IOError.self) { try LocalFileSystem().status(pack) }
                try body(scene)
            }
            let report = try scene.store.reopened(fileSystem: calls).verify(
                VerifyRequest(level: .packs, repair: true, threads: 1))
            try calls.finish()
            #expect(report.damaged.allSatisfy { $0.isRepaired })
            let vault = scene.store.reopened()
            #expect(try vault.verify(VerifyRequest(level: .chunks)).damaged.isEmpty)
        }
    }

    @Test("A prune beside a restore leaves the packs that the restore has found")
    func pruneBesideRestore() throws {
        try pruneBesideReader { (scene, vault) throws in
            let bytes = try scene.store.restore(scene.old.id, from: vault, threads: 1)
            #expect(bytes == scene.oldBytes)
        }
    }

    @Test("A prune beside a verify leaves the packs that the verify has found")
    func pruneBesideVerify() throws {
        try pruneBesideReader { (scene, vault) throws in
            let report = try vault.verify(VerifyRequest(level: .chunks, threads: 1))
            #expect(report.damaged.isEmpty)
        }
    }

    @Test("A prune beside the plan of a prune leaves the packs that the plan follows")
    func pruneBesidePlan() throws {
        try pruneBesideReader { (scene, vault) throws in
            let plan = try vault.collectionPlan(PruneRequest(dropping: [], reason: ""))
            #expect(plan.packBytes > 0)
        }
    }

    @Test("A point that is dropped between a verify's look at points and at runs is no damage")
    func dropBesideVerify() throws {
        // Every folder of the three replicas is listed before.
        try dropAtListing(4) { vault throws in
            let report = try vault.verify(VerifyRequest(level: .chunks, threads: 1))
            #expect(report.damaged.isEmpty, "\(report.damaged)")
        }
    }

    @Test("A point that is dropped between a plan's look at points and at runs does not stop it")
    func dropBesidePlan() throws {
        try dropAtListing(1) { vault throws in
            let plan = try vault.collectionPlan(PruneRequest(dropping: [], reason: ""))
            #expect(plan.packBytes > 0)
        }
    }

    /// Drops a point and prunes when `body` lists the runs for this time.
    private func dropAtListing(_ number: Int, _ body: (Vault) throws -> Void) throws {
        try withTemporaryDirectory { directory in
            let scene = try Scene(directory, seed: 10)
            let calls = InterleavingFileSystem(
                at: { $0 == .list && $1.hasSuffix("/index") }, number: number
            ) {
                let report = try PruneTests.prune(
                    scene.store.reopened(), dropping: [scene.old.id], deadShareMax: 0)
                #expect(!report.plan.repacked.isEmpty || !report.plan.dead.isEmpty)
            }
            try body(scene.store.reopened(fileSystem: calls))
            try calls.finish()
        }
    }

    /// Drops a point and prunes when `body` reads the first pack. With some seeds the dropped point
    /// is the first to be followed, with others the second.
    private func pruneBesideReader(_ body: (Scene, Vault) throws -> Void) throws {
        for seed: UInt64 in 5...8 {
            try withTemporaryDirectory { directory in
                let scene = try Scene(directory, seed: seed)
                let report = Mutex(CollectionReport())
                let calls = InterleavingFileSystem(at: Self.isReadingPack) {
                    let found = try PruneTests.prune(
                        scene.store.reopened(), dropping: [scene.old.id])
                    report.withLock { $0 = found }
                }
                try body(scene, scene.store.reopened(fileSystem: calls))
                try calls.finish()
                let found = report.withLock { $0 }
                #expect(found.waitingSessions == 1 && found.waitingBytes > 0, "seed \(seed)")
                // The reader is gone now.
                let later = try PruneTests.prune(scene.store.reopened())
                #expect(later.removedPacks > 0, "seed \(seed)")
                #expect(try scene.store.restore(scene.new.id) == scene.newBytes)
                try scene.expectClean("seed \(seed)")
            }
        }
    }

    @Test("A restore and a verify that begin when packs are condemned do without them")
    func readersBesidePrune() throws {
        try withTemporaryDirectory { directory in
            let scene = try Scene(directory, seed: 9)
            // The last sweep looks at what was condemned; the packs are still there.
            let calls = InterleavingFileSystem(
                at: { $0 == .open && $1.contains("/condemned/") },
                {
                    #expect(try scene.store.restore(scene.new.id) == scene.newBytes)
                    let report = try scene.store.reopened().verify(VerifyRequest(level: .chunks))
                    #expect(report.damaged.isEmpty)
                })
            let report = try PruneTests.prune(
                scene.store.reopened(fileSystem: calls), dropping: [scene.old.id])
            try calls.finish()
            #expect(report.removedPacks > 0 && report.waitingBytes == 0)
            try scene.expectClean("readers in the middle")
        }
    }

    @Test("A backup at any call of a running prune finds what it relies on")
    func backupBesidePrune() throws {
        var number = 0
        var made = 0
        while true {
            var isOver = false
            try withTemporaryDirectory { directory in
                let scene = try Scene(directory, seed: UInt64(number))
                let point = Mutex<RecoveryPointID?>(nil)
                let failure = Mutex<String?>(nil)
                let moment = number
                let calls = FailingFileSystem { call in
                    guard call.count == moment, !Self.isCommitting(scene.store) else {
                        return false
                    }
                    do {
                        // The bytes of the point that is being dropped, and of its packs that go.
                        let report = try scene.store.backup(
                            scene.oldBytes, item: "other", threads: 1, into: scene.store.reopened())
                        point.withLock { $0 = report.id }
                    } catch {
                        failure.withLock { $0 = "\(error)" }
                    }
                    return false
                }
                _ = try PruneTests.prune(
                    scene.store.reopened(fileSystem: calls), dropping: [scene.old.id])
                isOver = calls.callCount <= number
                #expect(failure.withLock { $0 } == nil, "call \(number)")
                if let id = point.withLock({ $0 }) {
                    made += 1
                    #expect(try scene.store.restore(id) == scene.oldBytes, "call \(number)")
                    _ = try PruneTests.prune(scene.store.reopened())
                    #expect(try scene.store.restore(id) == scene.oldBytes, "call \(number)")
                }
                #expect(try scene.store.restore(scene.new.id) == scene.newBytes, "call \(number)")
                try scene.expectClean("call \(number)")
            }
            if isOver { break }
            number += 7
        }
        #expect(made > 3)
    }

    @Test("The commit lock is held while points appear, and while runs and packs go")
    func commit() throws {
        try withTemporaryDirectory { directory in
            let scene = try Scene(directory, seed: 10)
            let seen = Mutex<[String: Int]>([:])
            let unguarded = Mutex<[String]>([])
            let calls = FailingFileSystem { call in
                let parts = ["/points/", "/index/", "/packs/"]
                guard let part = parts.first(where: { call.path.string.contains($0) }) else {
                    return false
                }
                let isDecisive =
                    part == "/points/"
                    ? call.operation == .rename : call.operation == .remove
                guard isDecisive else { return false }
                seen.withLock { $0[part, default: 0] += 1 }
                if !Self.isCommitting(scene.store) {
                    unguarded.withLock { $0.append(call.path.string) }
                }
                return false
            }
            var random = SeededGenerator(seed: 20)
            // Enough for their runs to be merged.
            for _ in 0..<8 {
                try scene.store.backup(
                    random.bytes(4 << 10), threads: 1,
                    into: scene.store.reopened(fileSystem: calls))
            }
            _ = try PruneTests.prune(
                scene.store.reopened(fileSystem: calls), dropping: [scene.old.id])
            #expect(unguarded.withLock { $0 }.isEmpty)
            #expect(seen.withLock { $0.values.allSatisfy { $0 >= 3 } && $0.count == 3 })
        }
    }
}
