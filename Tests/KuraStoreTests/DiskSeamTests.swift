import KuraFormat
import KuraIO
import KuraStore
import SystemPackage
import TestSupport
import Testing

/// Backups from any source and restores into any sink.
@Suite("Disk seam") struct DiskSeamTests {
    /// Two extents: a short hole at the start, data over the bound of the extents, and between them
    /// one long hole.
    private static let disk: [UInt8] = {
        let data = SyntheticDisk(seed: 21, byteCount: 1_000_001).bytes
        var disk = [UInt8](repeating: 0, count: Limits.extentBytes + 600_001)
        disk.replaceSubrange(0..<data.count, with: data)
        disk.replaceSubrange(4096..<8192, with: repeatElement(0, count: 4096))
        disk.replaceSubrange((disk.count - data.count)..., with: data)
        // Data, whatever the seed, where a comparison looks.
        for place in [0, disk.count - 1] { disk[place] = 1 }
        return disk
    }()

    private func backup(_ source: any DiskSource, _ store: TestStore) throws -> BackupReport {
        try store.vault.backup(
            BackupRequest(
                item: "item", disks: [BackupRequest.Disk(name: "disk", source: source)], level: 1,
                threads: 2))
    }

    @Test("A disk gives the same recovery point from a file, from memory and as a stream")
    func sources() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory, mean: 32768)
            let path = directory.appending("disk")
            try writeFile(Self.disk, to: path)
            let memory = try backup(MemorySource(name: "memory", Self.disk), store).point.disks[0]
            let file = try backup(FileSource(path), store).point.disks[0]
            let stream = try withDescriptor(path, O.read) { descriptor in
                try backup(StreamSource(descriptor: descriptor, name: "s"), store).point.disks[0]
            }
            #expect(memory.counts.newBytes > 0)
            for disk in [file, stream] {
                #expect(disk.root == memory.root)
                #expect(disk.byteCount == UInt64(Self.disk.count))
                #expect(disk.counts.newBytes == 0)
            }
        }
    }

    @Test(
        "A restore gives a sink every byte once, in order where it asks for that, and finishes it",
        arguments: [DiskAccess.random, .sequential], [true, false])
    func sinks(_ access: DiskAccess, _ startsAsZeros: Bool) throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory, mean: 32768)
            let report = try backup(MemorySource(name: "memory", Self.disk), store)
            let sink = MemorySink(
                byteCount: UInt64(Self.disk.count), access: access,
                startsAsZeros: startsAsZeros && access == .random)
            _ = try store.vault.restore(report.point.disks[0], to: sink, threads: 3)
            #expect(sink.outcome == .finished)
            #expect(sink.bytes == Self.disk)
        }
    }

    @Test("A restore abandons a sink that fails, and says why")
    func failingSink() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory, mean: 32768)
            let report = try backup(MemorySource(name: "memory", Self.disk), store)
            let sink = MemorySink(byteCount: UInt64(Self.disk.count), failingAt: 1_000_000)
            let error = #expect(throws: KuraError.self) {
                try store.vault.restore(report.point.disks[0], to: sink)
            }
            #expect(error?.message == "memory is broken")
            #expect(sink.outcome == .abandoned)
        }
    }

    @Test("A restore refuses a sink of another size, and leaves nothing of it", arguments: [-1, 1])
    func wrongSize(_ difference: Int) throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            let report = try backup(MemorySource(name: "memory", [1, 2, 3]), store)
            let path = directory.appending("restored")
            let sink = try SinkPath(path).open(byteCount: UInt64(3 + difference))
            let error = #expect(throws: KuraError.self) {
                try store.vault.restore(report.point.disks[0], to: sink)
            }
            #expect(error?.code == .invalidInput)
            let names = try LocalFileSystem().list(directory)
            #expect(!names.contains { $0.hasPrefix("restored") })
        }
    }

    @Test("A comparison tells a disk from one that differs in a byte, in a hole or in size")
    func comparison() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory, mean: 32768)
            let report = try backup(MemorySource(name: "memory", Self.disk), store)
            let record = report.point.disks[0]
            func isEqual(_ other: [UInt8]) throws -> Bool {
                let sink = ComparingSink(
                    with: MemorySource(name: "other", other), byteCount: record.byteCount)
                _ = try store.vault.restore(record, to: sink)
                return sink.isEqual
            }
            #expect(try isEqual(Self.disk))
            #expect(try !isEqual(Array(Self.disk.dropLast())))
            #expect(try !isEqual(Self.disk + [0]))
            for place in [0, 3_000_000, Self.disk.count - 1] {
                var other = Self.disk
                other[place] ^= 1
                #expect(try !isEqual(other), "\(place)")
            }
        }
    }
}
