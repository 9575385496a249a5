import KuraFormat
import KuraIO
import KuraStore
import Synchronization
import SystemPackage
import TestSupport
import Testing

@Suite("Prune beside others and killed")
struct PruneCrashTests {
    /// Two points: the first can be dropped, the second stays. Half of the first is in the second.
    struct Scene {
        let store: TestStore
        let old: BackupReport
        let new: BackupReport
        let oldBytes: [UInt8]
        let newBytes: [UInt8]

        init(_ directory: FilePath, seed: UInt64) throws {
            store = try TestStore(directory)
            var random = SeededGenerator(seed: seed)
            oldBytes = random.bytes(96 << 10)
            newBytes = Array(oldBytes.prefix(48 << 10)) + random.bytes(16 << 10)
            old = try store.backup(oldBytes)
            new = try store.backup(newBytes)
        }

        /// Nothing is left that is not needed, and nothing is missing.
        func expectClean(_ comment: String) throws {
            let vault = store.reopened()
            #expect(try vault.verify(VerifyRequest(level: .chunks)).damaged.isEmpty, "\(comment)")
            let plan = try vault.collectionPlan(PruneRequest(dropping: [], reason: ""))
            #expect(plan.dead.isEmpty && plan.repacked.isEmpty, "\(comment)")
            let report = try PruneTests.prune(vault)
            #expect(report.removedPacks == 0 && report.waitingBytes == 0, "\(comment)")
            try store.expectEqualReplicas(comment)
            #expect(try store.files("index", replica: 0).count <= 6, "\(comment)")
        }
    }

    static func isCommitting(_ store: TestStore) -> Bool {
        do {
            let path = store.vaultPath(replica: 0).appending("locks").appending("commit")
            let fileSystem = LocalFileSystem()
            guard let lock = try fileSystem.lock(path) else { return true }
            fileSystem.close(lock)
            return false
        } catch {
            return false
        }
    }

    @Test("A prune at any call of a running backup takes nothing that the backup relies on")
    func besideBackup() throws {
        var number = 0
        var pruned = 0
        var waited = 0
        while true {
            var isOver = false
            try withTemporaryDirectory { directory in
                let scene = try Scene(directory, seed: UInt64(number))
                let report = Mutex<CollectionReport?>(nil)
                let failure = Mutex<String?>(nil)
                let moment = number
                let calls = FailingFileSystem { call in
                    guard call.count == moment, !Self.isCommitting(scene.store) else {
                        return false
                    }
                    do {
                        let found = try PruneTests.prune(
                            scene.store.reopened(), dropping: [scene.old.id])
                        report.withLock { $0 = found }
                    } catch {
                        failure.withLock { $0 = "\(error)" }
                    }
                    return false
                }
                // The same bytes as the point that is dropped: every chunk is found in a pack that
                // is condemned meanwhile.
                let again = try scene.store.backup(
                    scene.oldBytes, item: "other", threads: 1,
                    into: scene.store.reopened(fileSystem: calls))
                isOver = calls.callCount <= number
                let comment = "call \(number)"
                #expect(failure.withLock { $0 } == nil, "\(comment)")
                #expect(try scene.store.restore(again.id) == scene.oldBytes, "\(comment)")
                #expect(try scene.store.restore(scene.new.id) == scene.newBytes, "\(comment)")
                if let report = report.withLock({ $0 }) {
                    pruned += 1
                    if report.waitingBytes > 0 { waited += 1 }
                }
                _ = try PruneTests.prune(scene.store.reopened())
                #expect(try scene.store.restore(again.id) == scene.oldBytes, "\(comment)")
                try scene.expectClean(comment)
            }
            if isOver { break }
            number += 3
        }
        #expect(pruned > 3)
        #expect(waited > 0)
    }

    @Test("A prune that is killed at any call loses nothing, and the next one completes it")
    func killed() throws {
        var limit = 0
        while true {
            var isOver = false
            try withTemporaryDirectory { directory in
                let scene = try Scene(directory, seed: UInt64(limit))
                let count = limit
                let failing = FailingFileSystem { $0.count >= count }
                do {
                    _ = try PruneTests.prune(
                        scene.store.reopened(fileSystem: failing), dropping: [scene.old.id])
                    isOver = failing.callCount <= limit
                } catch {}
                let comment = "killed at call \(limit)"
                #expect(try scene.store.restore(scene.new.id) == scene.newBytes, "\(comment)")
                for id in try scene.store.reopened().recoveryPointIDs() where id == scene.old.id {
                    #expect(try scene.store.restore(id) == scene.oldBytes, "\(comment)")
                }
                _ = try PruneTests.prune(scene.store.reopened(), dropping: [scene.old.id])
                #expect(try scene.store.reopened().recoveryPointIDs() == [scene.new.id])
                #expect(try scene.store.restore(scene.new.id) == scene.newBytes, "\(comment)")
                try scene.expectClean(comment)
            }
            if isOver { break }
            limit += 13
        }
        #expect(limit > 60)
    }

    @Test(
        "Backups, drops, prunes and old replicas in any order keep every point not dropped"
    )
    func model() throws {
        try forAll(cases: 4) { (_, random) in
            try withTemporaryDirectory { directory in
                let store = try TestStore(directory)
                var points: [(id: RecoveryPointID, item: String, bytes: [UInt8])] = []
                var contents = ["a": random.bytes(40 << 10), "b": random.bytes(40 << 10)]
                var kept: FilePath?
                for _ in 0..<14 {
                    switch Int.random(in: 0..<8, using: &random) {
                    case 0...3:
                        let item = Bool.random(using: &random) ? "a" : "b"
                        var bytes = contents[item]!
                        let start = Int.random(in: 0..<(30 << 10), using: &random)
                        bytes.replaceSubrange(
                            start..<(start + 8 << 10), with: random.bytes(8 << 10))
                        contents[item] = bytes
                        let report = try store.backup(bytes, item: item, into: store.reopened())
                        points.append((report.id, item, bytes))
                    case 4, 5:
                        let droppable = points.indices.filter { index in
                            points[(index + 1)...].contains { $0.item == points[index].item }
                        }
                        var dropped = Set<RecoveryPointID>()
                        if let index = droppable.randomElement(using: &random) {
                            dropped.insert(points[index].id)
                        }
                        points.removeAll { dropped.contains($0.id) }
                        _ = try PruneTests.prune(
                            store.reopened(), dropping: dropped,
                            deadShareMax: Double.random(in: 0...0.5, using: &random))
                    case 6:
                        kept = directory.appending("old")
                        removeTree(directory.appending("old"))
                        try copyTree(store.region.replicas[1].path, to: directory.appending("old"))
                    default:
                        guard let old = kept else { continue }
                        removeTree(store.region.replicas[1].path)
                        try copyTree(old, to: store.region.replicas[1].path)
                    }
                }
                _ = try PruneTests.prune(store.reopened())
                #expect(
                    try Set(store.reopened().recoveryPointIDs()) == Set(points.map(\.id)))
                for point in points { #expect(try store.restore(point.id) == point.bytes) }
                let vault = store.reopened()
                #expect(try vault.verify(VerifyRequest(level: .chunks)).damaged.isEmpty)
                let plan = try vault.collectionPlan(PruneRequest(dropping: [], reason: ""))
                #expect(plan.dead.isEmpty && plan.repacked.isEmpty)
                try store.expectEqualReplicas()
            }
        }
    }
}
