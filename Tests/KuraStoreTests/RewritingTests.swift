import Glibc
import KuraFormat
import KuraIO
import KuraStore
import SystemPackage
import TestSupport
import Testing

/// Chunks that backups store once more, because the frames they lie in hold little else to need.
@Suite("Rewriting of sparse frames") struct RewritingTests {
    private static let blockCount = 1024

    /// A block of bytes that compress by half, and that no other block has.
    private static func block(_ random: inout SeededGenerator) -> [UInt8] {
        random.bytes(4096).map { 97 + $0 & 15 }
    }

    /// A disk of one extent, backed up as often as it takes until it is the extent's turn, while
    /// all but four blocks of 64 are written anew, each once; on the last day as many as are left,
    /// or one. The four lie side by side, so that some chunk of them is left of every large frame.
    private struct History {
        var disk: [UInt8] = []
        var disks: [[UInt8]] = []
        var reports: [BackupReport] = []

        init(
            _ store: TestStore, _ random: inout SeededGenerator, lastDayIsQuiet: Bool = false
        ) throws {
            for _ in 0..<RewritingTests.blockCount { disk += RewritingTests.block(&random) }
            try backUp(store)
            let places = (0..<RewritingTests.blockCount).filter { $0 % 64 >= 4 }
                .shuffled(using: &random)
            let days = Tuning.rewriteRounds - 1
            let share = lastDayIsQuiet ? (places.count - 1) / (days - 1) : places.count / days + 1
            for day in 0..<days {
                for place in places.dropFirst(day * share).prefix(share) {
                    let start = place * 4096
                    disk.replaceSubrange(
                        start..<(start + 4096), with: RewritingTests.block(&random))
                }
                try backUp(store)
            }
        }

        mutating func backUp(_ store: TestStore) throws {
            reports.append(try store.backup(disk, threads: 1))
            disks.append(disk)
        }
    }

    /// Plain bytes that a restore of a point decodes.
    private func decodedBytes(
        _ store: TestStore, _ report: BackupReport
    ) throws -> UInt64 {
        let path = store.directory.appending("restored")
        defer { unlink(path.string) }
        let disk = report.point.disks[0]
        return try store.reopened().restore(
            disk, to: SinkPath(path).open(byteCount: disk.byteCount)
        ).decodedBytes
    }

    @Test(
        "When its turn comes, what is left of old frames is stored together, and decoded with less")
    func rewritten() throws {
        try forAll(cases: 2) { seed, random in
            try withTemporaryDirectory { directory in
                let store = try TestStore(directory)
                var history = try History(store, &random)
                #expect(history.reports.allSatisfy { $0.rewrittenBytes == 0 }, "seed \(seed)")
                let before = try decodedBytes(store, history.reports.last!)
                try history.backUp(store)
                let report = history.reports.last!
                #expect(report.rewrittenBytes > 0, "seed \(seed)")
                #expect(report.point.counts.newBytes == 0, "seed \(seed)")
                #expect(report.point.storedBytes > 0, "seed \(seed)")
                #expect(
                    report.point.disks[0].root
                        == history.reports[history.reports.count - 2].point.disks[0].root,
                    "seed \(seed)")
                // The two frames between the first and the last are not needed any more.
                #expect(
                    try decodedBytes(store, report) + 1 << 20 < before, "seed \(seed)")
                for (report, disk) in zip(history.reports, history.disks) {
                    #expect(try store.restore(report.id) == disk, "seed \(seed)")
                }
            }
        }
    }

    @Test("No more is rewritten than a share of what was new before, so nothing of an idle disk")
    func bounded() throws {
        try withTemporaryDirectory { directory in
            var random = SeededGenerator(seed: 5)
            let store = try TestStore(directory)
            var history = try History(store, &random, lastDayIsQuiet: true)
            for _ in 0...Tuning.rewriteRounds { try history.backUp(store) }
            for (before, report) in zip(history.reports, history.reports.dropFirst()) {
                #expect(
                    report.rewrittenBytes
                        <= before.point.counts.newBytes / Tuning.rewriteShare)
            }
            #expect(history.reports.last!.rewrittenBytes == 0)
            #expect(history.reports.last!.point.storedBytes == 0)
        }
    }

    @Test("A prune takes the old places of what was rewritten for dead, and loses nothing")
    func pruned() throws {
        try withTemporaryDirectory { directory in
            var random = SeededGenerator(seed: 6)
            let store = try TestStore(directory)
            var history = try History(store, &random)
            try history.backUp(store)
            let request = PruneRequest(dropping: [], reason: "test", deadShareMax: 0)
            let report = try store.reopened().prune(request)
            #expect(report.plan.deadBytes > 0)
            for (report, disk) in zip(history.reports, history.disks) {
                #expect(try store.restore(report.id) == disk)
            }
            let again = try store.reopened().prune(request)
            #expect(again.plan.deadBytes == 0)
        }
    }
}
