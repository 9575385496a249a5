import Glibc
import KuraFormat
import KuraIO
import KuraReplication
import KuraStore
import SystemPackage
import TestSupport
import Testing

/// A backup that goes on while its region is failed back leaves its point in the passive region.
/// Prunes of the active one do not know it.
@Suite("Points that the active region does not know") struct UnknownPointTests {
    private static let east = VaultPair.east
    private static let west = VaultPair.west

    /// Two points of different items in both regions. When the first one is dropped, half of its
    /// packs is repacked.
    private struct Scene {
        let regions: VaultPair
        let first: RecoveryPointID
        /// What the first point has.
        let bytes: [UInt8]

        init(_ directory: FilePath) throws {
            regions = try VaultPair(directory)
            let part = SyntheticDisk(seed: 10, byteCount: 200_000).bytes
            bytes = part + SyntheticDisk(seed: 11, byteCount: 200_000).bytes
            first = try regions.backup(bytes)
            try regions.backup(part, item: "other")
            try regions.replicate()
        }

        /// Backs up the bytes of the first point into the passive region, which needs no new chunk.
        func backupInWest(on fileSystem: any FileSystem = LocalFileSystem()) throws
            -> RecoveryPointID
        {
            let path = regions.directory.appending("source-west")
            try writeFile(bytes, to: path)
            defer { unlink(path.string) }
            let disk = BackupRequest.Disk(name: "disk", source: try FileSource(path))
            let vault = regions.vault(in: west, fileSystem: fileSystem)
            return try vault.backup(BackupRequest(item: "item", disks: [disk], threads: 1)).id
        }

        /// Drops the first point in the active region, and collects what only it needs there.
        func pruneInEast() throws {
            let report = try regions.vault(in: east).prune(
                PruneRequest(dropping: [first], reason: "test", deadShareMax: 0))
            #expect(report.repackedBytes > 0 && report.obstacle == nil)
        }

        func expectRestored(
            _ id: RecoveryPointID, _ region: String, _ comment: String = ""
        ) throws {
            let restored = try regions.restore(id, from: regions.vault(in: region))
            #expect(restored == bytes, "\(region) \(comment)")
        }
    }

    /// Replicates again and again, killed some calls later each time, until it is done.
    private func replicatingCallByCall(
        _ regions: VaultPair, _ check: (_ comment: String) throws -> Void
    ) throws {
        for kill in stride(from: 0, to: .max, by: 4) {
            let failing = FailingFileSystem { $0.count >= kill }
            var isDone = false
            do {
                _ = try regions.replication(on: failing).run(threads: 1)
                isDone = failing.callCount <= kill
            } catch {
                isDone = false
            }
            try check("call \(kill)")
            if isDone { break }
        }
    }

    @Test("stay complete while the runs of a prune come that did not know them")
    func kept() throws {
        try withTemporaryDirectory { directory in
            let scene = try Scene(directory)
            let point = try scene.backupInWest()
            try scene.pruneInEast()
            try replicatingCallByCall(scene.regions) { comment throws in
                try scene.expectRestored(point, Self.west, comment)
            }
            try scene.expectRestored(point, Self.east)
            let collected = try scene.regions.vault(in: Self.west).collectUnlisted()
            #expect(collected.obstacle == nil)
            try scene.expectRestored(point, Self.west)
            let report = try scene.regions.vault(in: Self.west).verify(
                VerifyRequest(level: .chunks))
            #expect(report.damaged.isEmpty, "\(report.damaged)")
        }
    }

    @Test("are complete that are committed just after such runs came")
    func committedLater() throws {
        try withTemporaryDirectory { directory in
            let scene = try Scene(directory)
            // First the session waits for the commits of others, then it commits.
            let calls = InterleavingFileSystem(
                at: { $0 == .lock && $1.contains(Self.west) && $1.hasSuffix("/commit") }, number: 2
            ) {
                try scene.pruneInEast()
                #expect(try scene.regions.replicate().isComplete)
            }
            let point = try scene.backupInWest(on: calls)
            try calls.finish()
            try scene.expectRestored(point, Self.west)
            _ = try scene.regions.vault(in: Self.west).collectUnlisted()
            try scene.expectRestored(point, Self.west)
            #expect(try scene.regions.replicate().isComplete)
            try scene.expectRestored(point, Self.east)
        }
    }

    @Test("are complete in the active region, too, when a prune ends there just before the copy")
    func pruneBeforeCopyBack() throws {
        // The names of runs decide in which order they are copied.
        for _ in 0..<2 {
            try withTemporaryDirectory { directory in
                let scene = try Scene(directory)
                let point = try scene.backupInWest()
                // The vault's own lock in the active region: the first thing of the way back.
                let calls = InterleavingFileSystem(
                    at: { $0 == .lock && $1.contains(Self.east) && $1.contains("/locks/item-") },
                    { try scene.pruneInEast() })
                #expect(try scene.regions.replication(on: calls).run(threads: 1).isComplete)
                try calls.finish()
                try scene.expectRestored(point, Self.east)
                _ = try scene.regions.vault(in: Self.east).prune(
                    PruneRequest(dropping: [], reason: "test"))
                try scene.expectRestored(point, Self.east)
                try replicatingCallByCall(scene.regions) { comment throws in
                    try scene.expectRestored(point, Self.west, comment)
                }
            }
        }
    }

    @Test("keep their packs where no run lists these")
    func unlisted() throws {
        try withTemporaryDirectory { directory in
            let scene = try Scene(directory)
            let regions = scene.regions
            _ = try scene.backupInWest()
            let packs = try regions.files("packs", Self.west)
            try scene.pruneInEast()
            let folder = try #require(regions.files("index", Self.west).first)
                .removingLastComponent()
            for run in try regions.files("index", Self.east) {
                try writeFile(readFile(run), to: folder.appending(run.lastComponent!))
            }
            let report = try regions.vault(in: Self.west).collectUnlisted()
            #expect(report.obstacle?.contains("nothing was removed") == true)
            #expect(try regions.files("packs", Self.west) == packs)
        }
    }

    @Test("A point that is dropped as a replication begins goes in the other region with its runs")
    func droppedMeanwhile() throws {
        try withTemporaryDirectory { directory in
            let scene = try Scene(directory)
            // The points are listed by then, and the runs are not.
            let calls = InterleavingFileSystem(
                at: { $0 == .list && $1.contains(Self.east) && $1.hasSuffix("/index") },
                { try scene.pruneInEast() })
            #expect(try scene.regions.replication(on: calls).run(threads: 1).isComplete)
            try calls.finish()
            let report = try scene.regions.vault(in: Self.west).verify(
                VerifyRequest(level: .chunks))
            #expect(report.damaged.isEmpty, "\(report.damaged)")
        }
    }
}
