import KuraFormat
import KuraIO
import KuraStore
import SystemPackage
import TestSupport
import Testing

@Suite("Deduplication") struct DeduplicationTests {
    private let disk = SyntheticDisk(seed: 21, byteCount: 3 << 20)

    @Test("The same content twice in one disk is stored once")
    func insideOneBackup() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            let once = try store.backup(disk.bytes).point.counts.newBytes
            let other = try TestStore(directory.appending("twice"))
            let twice = try other.backup(disk.bytes + disk.bytes)
            #expect(twice.point.counts.newBytes < once + once / 20)
            #expect(try other.restore(twice.id) == disk.bytes + disk.bytes)
        }
    }

    @Test("An unchanged disk adds no chunk")
    func acrossBackups() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            try store.backup(disk.bytes)
            let again = try store.backup(disk.bytes)
            #expect(again.point.counts.newChunks == 0)
            #expect(again.point.storedBytes == 0)
        }
    }

    @Test("Items of a vault share chunks")
    func acrossItems() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            try store.backup(disk.bytes, item: "one")
            #expect(try store.backup(disk.bytes, item: "two").point.counts.newChunks == 0)
        }
    }

    @Test("A small edit adds little")
    func edit() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            try store.backup(disk.bytes)
            var edited = disk.bytes
            for index in 1_000_000..<1_000_100 { edited[index] ^= 0x5A }
            let report = try store.backup(edited)
            #expect(report.point.counts.newBytes < 100_000)
            #expect(try store.restore(report.id) == edited)
        }
    }

    @Test("Threads that meet the same new chunk store it once")
    func concurrentClaims() throws {
        try withTemporaryDirectory { directory in
            // Four equal extents, four threads.
            let extent = SyntheticDisk(seed: 9, byteCount: Limits.extentBytes).bytes
            let store = try TestStore(directory, copies: 1, mean: 32768)
            let report = try store.backup(extent + extent + extent + extent, threads: 4)
            let statistics = try store.vault.statistics()
            #expect(statistics.uniqueBytes == report.point.counts.newBytes)
            #expect(report.point.counts.newBytes < UInt64(extent.count))
        }
    }

    @Test("What an interrupted backup stored is not stored again")
    func afterInterruption() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            // Everything is written but the recovery point: that rename fails.
            let failing = FailingFileSystem { call in
                call.operation == .rename && call.path.string.contains("/points/")
            }
            #expect(throws: KuraError.self) {
                try store.backup(disk.bytes, into: store.reopened(fileSystem: failing))
            }
            #expect(try store.vault.recoveryPointIDs().isEmpty)
            let report = try store.backup(disk.bytes, into: store.reopened())
            #expect(report.point.counts.newChunks == 0)
            #expect(try store.restore(report.id) == disk.bytes)
        }
    }

    @Test("Packs that no index run lists are found again after a crash")
    func unlistedPacks() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            let failing = FailingFileSystem { call in
                call.operation == .create && call.count > 0 && call.path.string.contains("/tmp/")
                    && call.earlier(.rename, under: "/packs/") >= 6
            }
            #expect(throws: KuraError.self) {
                try store.backup(disk.bytes, into: store.reopened(fileSystem: failing))
            }
            #expect(try store.files("index", replica: 0).isEmpty)
            #expect(try !store.files("packs", replica: 0).isEmpty)
            let report = try store.backup(disk.bytes, into: store.reopened())
            #expect(report.point.counts.newChunks == 0)
            #expect(try store.restore(report.id) == disk.bytes)
            #expect(try store.reopened().verify(VerifyRequest(level: .chunks)).damaged.isEmpty)
        }
    }
}
