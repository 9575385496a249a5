import KuraBench
import KuraFormat
import KuraIO
import KuraStore
import Synchronization
import SystemPackage
import TestSupport
import Testing

@Suite("Merging of index runs")
struct MergeTests {
    @Test("leaves at most three runs of a tier, and rewrites each entry at most once a tier")
    func bounds() throws {
        try forAll(cases: 20) { seed, random in
            // A run is its entries, by how often each was rewritten; only the most counts.
            var runs: [(size: UInt64, rewrites: Int)] = []
            for _ in 0..<2000 {
                let limit = UInt64(1) << UInt64.random(in: 1...18, using: &random)
                runs.append((UInt64.random(in: 1...limit, using: &random), 0))
                runs.sort { $0.size < $1.size }
                let count = MergePlan.count(runs.map(\.size))
                guard count > 0 else { continue }
                let merged = runs[..<count].reduce((size: 0 as UInt64, rewrites: 0)) {
                    ($0.size + $1.size, max($0.rewrites, $1.rewrites))
                }
                runs.removeFirst(count)
                runs.append((merged.size, merged.rewrites + 1))
                runs.sort { $0.size < $1.size }
                #expect(MergePlan.count(runs.map(\.size)) == 0, "seed \(seed)")
            }
            let tiers = Dictionary(grouping: runs) { MergePlan.tier($0.size) }
            #expect(tiers.values.allSatisfy { $0.count < MergePlan.fanIn }, "seed \(seed)")
            for run in runs {
                #expect(run.rewrites <= MergePlan.tier(run.size), "seed \(seed)")
            }
        }
    }

    @Test("never makes a run that is longer than the memory for it")
    func bounded() {
        let half = MergePlan.entriesMax / 2
        #expect(MergePlan.count([half, half, half, half]) == 0)
        #expect(MergePlan.count([UInt64.max, .max, .max, .max]) == 0)
        #expect(MergePlan.count([1, 1, 1, 1, half, half, half, half]) == 4)
        #expect(MergePlan.count([half / 4, half / 4, half / 4, half / 4]) == 4)
    }

    /// Names that every run of a test holds, and names of its own.
    private func overlapping(_ index: SyntheticIndex) throws {
        for start in stride(from: 0 as UInt64, to: 2000, by: 500) {
            _ = try index.add(start..<(start + 700))
        }
    }

    @Test("keeps every entry, also where runs share some")
    func keepsEntries() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            let index = SyntheticIndex(store.vault)
            try overlapping(index)
            #expect(try index.runByteCounts().count == 4)
            try store.vault.mergeRuns()
            #expect(try index.runByteCounts().count == 1)
            let opened = try SyntheticIndex(store.reopened()).open()
            #expect(opened.entryCount == 2200)
            for number in 0..<UInt64(2200) {
                #expect(try opened.contains(SyntheticIndex.name(of: number)))
            }
            #expect(try !opened.contains(SyntheticIndex.name(of: 2200)))
            for replica in 0..<3 {
                #expect(try store.files("index", replica: replica).count == 1)
                #expect(try store.files("tmp", replica: replica).isEmpty)
            }
        }
    }

    @Test("does nothing while a replica is away, and leaves all runs")
    func awayReplica() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            let index = SyntheticIndex(store.vault)
            try overlapping(index)
            try store.takeAway(2)
            try store.reopened().mergeRuns()
            #expect(try store.files("index", replica: 0).count == 4)
        }
    }

    @Test("is dropped when packs were condemned meanwhile; they are removed then")
    func condemnedMeanwhile() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            var random = SeededGenerator(seed: 11)
            var points: [(id: RecoveryPointID, bytes: [UInt8])] = []
            for _ in 0..<4 {
                let bytes = random.bytes(1 << 19)
                let path = directory.appending("source")
                try writeFile(bytes, to: path)
                let disk = BackupRequest.Disk(name: "disk", source: try FileSource(path))
                let report = try store.vault.backup(
                    BackupRequest(item: "item", disks: [disk], level: 1, threads: 1))
                points.append((report.id, bytes))
            }
            let packs = try store.files("packs", replica: 0).count
            let dropped = points.removeFirst().id
            let pruning = InterleavingFileSystem(
                at: { $0 == .lock && $1.hasSuffix("/commit") }, number: 4
            ) {
                _ = try PruneTests.prune(store.reopened(), dropping: [dropped])
            }
            try store.reopened(fileSystem: pruning).mergeRuns()
            try pruning.finish()
            #expect(try store.files("tmp", replica: 0).isEmpty)
            #expect(try store.files("packs", replica: 0).count == packs)
            _ = try PruneTests.prune(store.reopened())
            #expect(try store.files("packs", replica: 0).count < packs)
            for point in points { #expect(try store.restore(point.id) == point.bytes) }
            #expect(try store.reopened().verify(VerifyRequest(level: .chunks)).damaged.isEmpty)
            try store.reopened().mergeRuns()
            for point in points { #expect(try store.restore(point.id) == point.bytes) }
        }
    }

    @Test("lets others commit while it writes the new run")
    func holdsNoLock() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            try overlapping(SyntheticIndex(store.vault))
            let disk = SyntheticDisk(seed: 4, byteCount: 50_000).bytes
            let committed = Mutex<RecoveryPointID?>(nil)
            // Three replicas take the session's record; then the new run comes.
            let backing = InterleavingFileSystem(
                at: { $0 == .write && $1.contains("/tmp/") }, number: 4
            ) {
                let path = directory.appending("source")
                try writeFile(disk, to: path)
                let request = BackupRequest(
                    item: "item",
                    disks: [
                        BackupRequest.Disk(name: "disk", source: try FileSource(path))
                    ], level: 1, threads: 1)
                let id = try store.reopened().backup(request).id
                committed.withLock { $0 = id }
            }
            try store.reopened(fileSystem: backing).mergeRuns()
            try backing.finish()
            let id = try #require(committed.withLock { $0 })
            #expect(try store.restore(id) == disk)
            let opened = try SyntheticIndex(store.reopened()).open()
            #expect(opened.runCount == 2)
        }
    }
}
