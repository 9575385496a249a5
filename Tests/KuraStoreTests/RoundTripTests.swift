import Glibc
import KuraFormat
import KuraIO
import KuraStore
import SystemPackage
import TestSupport
import Testing

@Suite("Backup and restore") struct RoundTripTests {
    @Test(
        "A disk of any size comes back byte for byte",
        arguments: [0, 1, 511, 512, 4095, 4096, 4097, 100_000, 33_554_431, 33_554_433])
    func anySize(byteCount: Int) throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory, mean: 32768)
            let disk = SyntheticDisk(seed: 7, byteCount: byteCount).bytes
            let report = try store.backup(disk)
            #expect(report.point.counts.logicalBytes == UInt64(byteCount))
            #expect(try store.restore(report.id) == disk)
        }
    }

    @Test("A disk of zeros has no chunks and comes back as zeros")
    func zeros() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            let disk = [UInt8](repeating: 0, count: 1_000_003)
            let report = try store.backup(disk)
            #expect(report.point.counts.chunks == 0)
            #expect(report.point.disks[0].root == nil)
            #expect(try store.restore(report.id) == disk)
        }
    }

    @Test("Chunks and recovery points do not depend on the number of threads")
    func threads() throws {
        try withTemporaryDirectory { directory in
            let disk = SyntheticDisk(seed: 3, byteCount: 70 << 20).bytes
            var roots: Set<NodeID?> = []
            let key = MACKey.random()
            for threads in [1, 2, 5] {
                let store = try TestStore(
                    directory.appending("\(threads)"), copies: 1, mean: 32768, macKey: key)
                let report = try store.backup(disk, threads: threads)
                roots.insert(report.point.disks[0].root)
                #expect(try store.restore(report.id, threads: threads) == disk)
            }
            #expect(roots.count == 1)
        }
    }

    @Test("The fixed chunker restores what it stored")
    func fixedChunker() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory, chunker: .fixed)
            let disk = SyntheticDisk(seed: 5, byteCount: 2_345_678).bytes
            #expect(try store.restore(store.backup(disk).id) == disk)
        }
    }

    @Test("Several disks make one recovery point, and each can be restored alone")
    func severalDisks() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            let contents = (0..<3).map {
                SyntheticDisk(seed: UInt64($0), byteCount: 400_000 * $0).bytes
            }
            var disks: [BackupRequest.Disk] = []
            for (number, bytes) in contents.enumerated() {
                let path = directory.appending("d\(number)")
                try writeFile(bytes, to: path)
                disks.append(
                    BackupRequest.Disk(name: "d\(number)", source: try FileSource(path)))
            }
            let report = try store.vault.backup(BackupRequest(item: "vm", disks: disks))
            for (number, bytes) in contents.enumerated() {
                #expect(try store.restore(report.id, disk: number) == bytes)
            }
        }
    }

    @Test("Overwriting in place puts zeros where the disk has holes")
    func inPlace() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            var disk = [UInt8](repeating: 0, count: 300_000)
            for index in 100_000..<120_000 { disk[index] = UInt8(truncatingIfNeeded: index | 1) }
            let report = try store.backup(disk)
            let path = directory.appending("existing")
            try writeFile([UInt8](repeating: 0xAA, count: 500_000), to: path)
            let record = try store.vault.recoveryPoint(report.id).disks[0]
            _ = try store.vault.restore(
                record, to: SinkPath(path, overwrites: true).open(byteCount: record.byteCount))
            #expect(try readFile(path) == disk)
        }
    }

    @Test("A stream of unknown length is backed up and comes back in order")
    func stream() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory, mean: 32768)
            let disk = SyntheticDisk(seed: 11, byteCount: (33 << 20) + 77).bytes
            let input = directory.appending("input")
            try writeFile(disk, to: input)
            let report = try withDescriptor(input, O.read) { descriptor in
                let stream = StreamSource(descriptor: descriptor, name: "input")
                return try store.vault.backup(
                    BackupRequest(
                        item: "s", disks: [BackupRequest.Disk(name: "d", source: stream)]))
            }
            let output = directory.appending("output")
            try writeFile([], to: output)
            try withDescriptor(output, O.write) { descriptor in
                let record = try store.vault.recoveryPoint(report.id).disks[0]
                let sink = StreamSink(
                    descriptor: descriptor, name: "output", byteCount: record.byteCount)
                _ = try store.vault.restore(record, to: sink, threads: 3)
            }
            #expect(try readFile(output) == disk)
        }
    }

    @Test("A disk that changes while it is read is reported on the recovery point")
    func changedWhileRead() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            let path = directory.appending("disk")
            try writeFile(SyntheticDisk(seed: 1, byteCount: 100_000).bytes, to: path)
            let source = try FileSource(path)
            // Written after it was opened and before the backup ends: its times differ then.
            try withDescriptor(path, O.write) { descriptor in
                #expect(pwrite(descriptor, [1, 2, 3], 3, 0) == 3)
            }
            let report = try store.vault.backup(
                BackupRequest(
                    item: "i", disks: [BackupRequest.Disk(name: "d", source: source)]))
            #expect(report.point.disks[0].changedWhileRead)
            #expect(report.warnings.count == 1)
        }
    }

    @Test("Recovery points of an item are numbered and know their parent")
    func sequence() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            let first = try store.backup(Array("first".utf8))
            let second = try store.backup(Array("second".utf8))
            let other = try store.backup(Array("other".utf8), item: "other")
            #expect(first.point.sequence == 1)
            #expect(second.point.sequence == 2)
            #expect(second.point.parent == first.id)
            #expect(other.point.sequence == 1)
            #expect(other.point.parent == nil)
        }
    }

    @Test("Names that would harm are refused before anything is written")
    func names() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            for name in [
                "", "a/b/c", "../b", "a/", "/a", "line\nbreak", "..",
                String(repeating: "x", count: 256),
            ] {
                #expect(throws: KuraError.self) { try store.backup([1], item: name) }
            }
            #expect(try store.vault.recoveryPointIDs().isEmpty)
            #expect(try store.files("packs", replica: 0).isEmpty)
        }
    }
}
