import Glibc
import KuraFormat
import KuraIO
import KuraStore
import SystemPackage
import TestSupport
import Testing

@Suite("Prune")
struct PruneTests {
    static func prune(
        _ vault: Vault, dropping ids: Set<RecoveryPointID> = [], deadShareMax: Double = 0.1
    ) throws -> CollectionReport {
        try vault.prune(
            PruneRequest(dropping: ids, reason: "test", deadShareMax: deadShareMax))
    }

    /// Bytes of all files of a replica's vault but the reserve.
    static func byteCount(_ store: TestStore, replica: Int = 0) throws -> UInt64 {
        let fileSystem = LocalFileSystem()
        return try filesBelow(store.vaultPath(replica: replica))
            .filter { $0.lastComponent?.string != "reserve" }
            .reduce(0) { $0 + (try fileSystem.status($1).byteCount) }
    }

    @Test("A dropped point is gone, and the bytes that only it needed are freed")
    func dropFrees() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            var random = SeededGenerator(seed: 1)
            let first = try store.backup(random.bytes(1 << 20))
            let second = random.bytes(1 << 20)
            let kept = try store.backup(second)
            let before = try Self.byteCount(store)
            let report = try Self.prune(store.reopened(), dropping: [first.id])
            let vault = store.reopened()
            #expect(try vault.recoveryPointIDs() == [kept.id])
            #expect(try store.restore(kept.id) == second)
            let after = try Self.byteCount(store)
            #expect(report.removedPacks > 0)
            #expect(before > after + (1 << 19))
            // The tombstone, the session's record and the like are small.
            let freed = Int64(report.removedBytes) - Int64(report.writtenBytes)
            #expect(abs(Int64(before) - Int64(after) - freed) < 4096)
            #expect(try vault.verify(VerifyRequest(level: .chunks)).damaged.isEmpty)
        }
    }

    @Test(
        "What other points share with a dropped one stays; a pack mostly dead is repacked"
    )
    func repacks() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            var random = SeededGenerator(seed: 2)
            let bytes = random.bytes(1 << 20)
            let first = try store.backup(bytes)
            // The second half of the first disk is in the same pack as its first half.
            let second = Array(bytes.prefix(1 << 19)) + random.bytes(1 << 18)
            let kept = try store.backup(second)
            let report = try Self.prune(store.reopened(), dropping: [first.id])
            #expect(report.repackedBytes > 0)
            #expect(report.plan.repacked.count > 0)
            #expect(try store.restore(kept.id) == second)
            let again = try Self.prune(store.reopened())
            #expect(again.plan.repacked.isEmpty && again.plan.dead.isEmpty)
            #expect(try store.reopened().verify(VerifyRequest(level: .chunks)).damaged.isEmpty)
            // The same bytes are stored again, under new names.
            let third = try store.backup(bytes)
            #expect(third.point.counts.newBytes > 0)
            #expect(try store.restore(third.id) == bytes)
        }
    }

    @Test("Each run that a prune writes holds what points need without the others")
    func runsOneByOne() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory, copies: 1)
            var random = SeededGenerator(seed: 7)
            let shared = random.bytes(1 << 19)
            let first = try store.backup(shared + random.bytes(1 << 19))
            let second = Array(shared.prefix(1 << 18)) + random.bytes(1 << 18)
            let kept = try store.backup(second)
            let old = try store.files("index", replica: 0)
            let place = store.vaultPath(replica: 0)
            let before = directory.appending("before")
            try copyTree(place, to: before)
            let report = try Self.prune(store.reopened(), dropping: [first.id])
            #expect(report.repackedBytes > 0)
            let new = try store.files("index", replica: 0).filter { !old.contains($0) }
            #expect(new.count > 1)
            // As a region that is brought up to date has them: old runs, all packs, one new run.
            for pack in filesBelow(before.appending("packs")) {
                let path = place.pushing(
                    FilePath(
                        String(
                            pack.string.dropFirst(before.string.count + 1))))
                try writeFile(readFile(pack), to: path)
            }
            let contents = try new.map { try readFile($0) }
            for path in old {
                try writeFile(
                    readFile(
                        before.appending("index").appending(
                            path.lastComponent!)), to: path)
            }
            for (number, path) in new.enumerated() {
                for other in new { unlink(other.string) }
                try writeFile(contents[number], to: path)
                #expect(try store.restore(kept.id) == second, "run \(number)")
            }
        }
    }

    @Test("A dry run changes nothing and says what the run then does")
    func dryRun() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            var random = SeededGenerator(seed: 3)
            let bytes = random.bytes(1 << 20)
            let first = try store.backup(bytes)
            try store.backup(Array(bytes.prefix(1 << 18)) + random.bytes(1 << 18))
            let tree = try store.tree(replica: 0)
            let request = PruneRequest(dropping: [first.id], reason: "test")
            let plan = try store.reopened().collectionPlan(request)
            #expect(try store.tree(replica: 0) == tree)
            let report = try store.reopened().prune(request)
            #expect(report.plan == plan)
            #expect(report.removedBytes >= plan.removedBytes)
        }
    }

    @Test("A replica put back from before the prune brings no dropped point back")
    func oldReplica() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            var random = SeededGenerator(seed: 4)
            let first = try store.backup(random.bytes(1 << 19))
            let bytes = random.bytes(1 << 19)
            let kept = try store.backup(bytes)
            let old = directory.appending("old")
            let place = store.region.replicas[1].path
            try copyTree(place, to: old)
            _ = try Self.prune(store.reopened(), dropping: [first.id])
            removeTree(place)
            try copyTree(old, to: place)
            #expect(try store.reopened().recoveryPointIDs() == [kept.id])
            let next = try store.backup(random.bytes(1 << 18), into: store.reopened())
            let vault = store.reopened()
            #expect(try Set(vault.recoveryPointIDs()) == [kept.id, next.id])
            #expect(try store.files("points", replica: 1).count == 2)
            _ = try Self.prune(vault)
            #expect(try store.restore(kept.id) == bytes)
            #expect(try store.reopened().verify(VerifyRequest(level: .chunks)).damaged.isEmpty)
            let packs = try (0..<3).map { try store.files("packs", replica: $0).count }
            #expect(packs[0] == packs[1] && packs[1] == packs[2])
        }
    }

    @Test("While a point that stays cannot be followed, no point is dropped")
    func lostPointStays() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            var random = SeededGenerator(seed: 6)
            let bytes = random.bytes(1 << 19)
            let whole = try store.backup(bytes)
            let old = try (0..<3).map { try Set(store.files("packs", replica: $0)) }
            _ = try store.backup(random.bytes(1 << 19))
            // The newest point is lost in every copy.
            for replica in 0..<3 {
                for path in try store.files("packs", replica: replica)
                where !old[replica].contains(path) { unlink(path.string) }
            }
            let error = #expect(throws: KuraError.self) {
                try Self.prune(store.reopened(), dropping: [whole.id])
            }
            #expect(error?.message.contains("nothing was removed") == true)
            #expect(try store.reopened().recoveryPointIDs().contains(whole.id))
            #expect(try store.restore(whole.id) == bytes)
        }
    }

    @Test("With a replica away points are dropped and nothing is collected until it is back")
    func replicaAway() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            var random = SeededGenerator(seed: 5)
            let first = try store.backup(random.bytes(1 << 19))
            let bytes = random.bytes(1 << 19)
            let kept = try store.backup(bytes)
            let place = store.region.replicas[2].path
            let away = directory.appending("away")
            rename(place.string, away.string)
            let report = try Self.prune(store.reopened(), dropping: [first.id])
            #expect(report.obstacle != nil && report.removedPacks == 0)
            #expect(try store.reopened().recoveryPointIDs() == [kept.id])
            rename(away.string, place.string)
            let later = try Self.prune(store.reopened())
            #expect(later.obstacle == nil && later.removedPacks > 0)
            #expect(try store.files("points", replica: 2).count == 1)
            #expect(try store.restore(kept.id) == bytes)
        }
    }

    @Test("Without room for what a replica lacks, what is dead goes first, and then it is copied")
    func cramped() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            var random = SeededGenerator(seed: 8)
            let first = try store.backup(random.bytes(1 << 19))
            let bytes = random.bytes(1 << 19)
            // One replica misses a backup, and a backup that failed leaves a pack that no run
            // lists.
            let (place, away) = (store.region.replicas[2].path, directory.appending("away"))
            rename(place.string, away.string)
            let kept = try store.backup(bytes)
            rename(away.string, place.string)
            let failing = FailingFileSystem {
                $0.operation == .rename && $0.path.string.contains("/index/")
            }
            #expect(throws: KuraError.self) {
                try store.backup(
                    random.bytes(1 << 19), into: store.reopened(fileSystem: failing))
            }
            let full = FullFileSystem()
            let vault = store.reopened(fileSystem: full)
            let report = try Self.prune(vault, dropping: [first.id])
            #expect(report.obstacle == nil && report.removedPacks >= 2)
            #expect(!full.hasGrownFirst)
            // Nothing was free even then, so the next prune does the copying.
            #expect(!store.reopened().interruptedSessions().isEmpty)
            #expect(try store.restore(kept.id) == bytes)
            _ = try Self.prune(store.reopened())
            #expect(try store.reopened().verify(VerifyRequest(level: .chunks)).damaged.isEmpty)
            let packs = try (0..<3).map { try store.files("packs", replica: $0).count }
            #expect(packs[2] == packs[0])
            #expect(store.reopened().interruptedSessions().isEmpty)
        }
    }

    @Test("Without room for what is repacked, only packs that are dead as a whole go")
    func crampedRepacking() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            var random = SeededGenerator(seed: 9)
            let bytes = random.bytes(1 << 20)
            let first = try store.backup(bytes)
            let second = Array(bytes.prefix(1 << 19)) + random.bytes(1 << 18)
            let kept = try store.backup(second)
            let dead = try store.backup(random.bytes(1 << 19), item: "other")
            try store.backup([1, 2, 3], item: "other")
            let full = FullFileSystem()
            let report = try Self.prune(
                store.reopened(fileSystem: full), dropping: [first.id, dead.id])
            #expect(report.obstacle == nil && report.repackedBytes == 0 && report.removedPacks > 0)
            #expect(!report.plan.repacked.isEmpty)
            #expect(try store.restore(kept.id) == second)
            #expect(try Self.prune(store.reopened()).repackedBytes > 0)
        }
    }

    @Test("The reserve is larger than all index runs together")
    func reserveFollowsIndex() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            var random = SeededGenerator(seed: 10)
            try store.backup(random.bytes(1 << 20))
            let fileSystem = LocalFileSystem()
            let reserve = store.vaultPath(replica: 0).appending("reserve")
            #expect(try fileSystem.status(reserve).byteCount == 1 << 20)
            // As if the index had grown since.
            try writeFile(
                [UInt8](repeating: 0, count: 3 << 20),
                to: store.vaultPath(replica: 0)
                    .appending("index").appending("\(String(repeating: "0", count: 64))"))
            try store.backup(random.bytes(1 << 16))
            #expect(try fileSystem.status(reserve).byteCount == 4 << 20)
        }
    }

    @Test("A prune that is refused keeps the reserve")
    func refusedKeepsReserve() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            try store.backup([1, 2, 3])
            let reserve = store.vaultPath(replica: 1).appending("reserve")
            let refusal = InterleavingFileSystem { call, path in
                call == .list && path.hasSuffix("/condemned")
            } _: {
                #expect(throws: KuraError.self) { _ = try Self.prune(store.reopened()) }
                let isThere = try LocalFileSystem().exists(reserve)
                #expect(isThere)
            }
            _ = try Self.prune(store.reopened(fileSystem: refusal))
            try refusal.finish()
        }
    }

    @Test("A point that cannot be followed stops the collection before anything is removed")
    func unreadable() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            var random = SeededGenerator(seed: 6)
            let broken = try store.backup(random.bytes(1 << 19), item: "broken")
            let first = try store.backup(random.bytes(1 << 19))
            try store.backup(random.bytes(1 << 19))
            for replica in 0..<3 {
                let path = store.vaultPath(replica: replica).appending("points")
                    .appending(broken.id.hex)
                try writeFile([1, 2, 3], to: path)
            }
            let packs = try store.files("packs", replica: 0).count
            #expect(throws: KuraError.self) {
                try Self.prune(store.reopened(), dropping: [first.id])
            }
            #expect(try store.files("packs", replica: 0).count == packs)
            // The broken point itself can be dropped; then collecting works.
            let report = try Self.prune(store.reopened(), dropping: [broken.id])
            #expect(report.removedPacks >= 2)
        }
    }
}
