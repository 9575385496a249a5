import Glibc
import KuraFormat
import KuraIO
import KuraStore
import SystemPackage
import TestSupport
import Testing

@Suite("Reading ranges of a point") struct PointReaderTests {
    /// Two extents and a bit, with holes.
    private func withReader(
        seed: UInt64, cacheBytes: Int? = nil,
        _ body: (TestStore, PointReader, _ disk: [UInt8]) throws -> Void
    ) throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory, mean: 32768)
            let disk = SyntheticDisk(seed: seed, byteCount: 34 << 20 | 1234).bytes
            let point = try store.backup(disk).point
            let reader = try store.reopened().reader(
                of: point.disks[0], cacheBytes: cacheBytes)
            try body(store, reader, disk)
        }
    }

    private func read(_ reader: PointReader, _ range: Range<Int>) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0xA5, count: range.count)
        let count = try bytes.withUnsafeMutableBytes {
            try reader.read(at: UInt64(range.lowerBound), into: $0)
        }
        return Array(bytes[..<count])
    }

    @Test("Any range has the bytes of the disk", arguments: [nil, 1] as [Int?])
    func ranges(cacheBytes: Int?) throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        try withReader(seed: seed, cacheBytes: cacheBytes) { _, reader, disk in
            var random = SeededGenerator(seed: seed)
            for _ in 0..<300 {
                let start = Int.random(in: 0..<disk.count, using: &random)
                let length = 1 << Int.random(in: 0...20, using: &random)
                let range = start..<min(start + length, disk.count)
                let bytes = try read(reader, range)
                #expect(bytes == Array(disk[range]), "seed \(seed), \(range)")
            }
        }
    }

    @Test("A read beyond the end gives what is there")
    func end() throws {
        try withReader(seed: 1) { _, reader, disk in
            let last = disk.count - 10
            let tail = try read(reader, last..<(last + 100))
            #expect(tail == Array(disk[last...]))
            #expect(try read(reader, disk.count..<(disk.count + 8)).isEmpty)
            #expect(try read(reader, (disk.count + 5)..<(disk.count + 8)).isEmpty)
        }
    }

    @Test("Stretches without data are the holes of the disk, and nothing else")
    func holes() throws {
        try withReader(seed: 2) { _, reader, disk in
            var position = 0
            var data = 0
            while let run = try reader.nextData(in: UInt64(position)..<UInt64(disk.count)) {
                let hole = disk[position..<Int(run.lowerBound)]
                #expect(hole.allSatisfy { $0 == 0 })
                #expect(!run.isEmpty)
                data += run.count
                position = Int(run.upperBound)
            }
            #expect(disk[position...].allSatisfy { $0 == 0 })
            #expect(data > 0 && data < disk.count)
        }
    }

    @Test("Stretches with data stay inside the range that was asked for")
    func clampedRuns() throws {
        try withReader(seed: 2) { _, reader, disk in
            let run = try #require(try reader.nextData(in: 0..<UInt64(disk.count)))
            let part = run.lowerBound + 1..<run.lowerBound + 2
            #expect(try reader.nextData(in: part) == part)
            #expect(try reader.nextData(in: run.lowerBound..<run.lowerBound) == nil)
        }
    }

    @Test("Threads that read at once get the same bytes")
    func threads() throws {
        try withReader(seed: 3, cacheBytes: 4 << 20) { _, reader, disk in
            let wrong = Threads.map(4) { thread in
                var random = SeededGenerator(seed: UInt64(thread))
                return (0..<100).count { _ in
                    let start = Int.random(in: 0..<(disk.count - 65536), using: &random)
                    let range = start..<(start + 65536)
                    do {
                        return try read(reader, range) != Array(disk[range])
                    } catch {
                        return true
                    }
                }
            }
            #expect(wrong == [0, 0, 0, 0])
        }
    }

    @Test("What was read before comes from memory")
    func cached() throws {
        try withReader(seed: 4) { store, reader, disk in
            let run = try #require(try reader.nextData(in: 0..<UInt64(disk.count)))
            let range = Int(run.lowerBound)..<Int(run.lowerBound) + 4096
            #expect(try read(reader, range) == Array(disk[range]))
            for pack in try packs(of: store) {
                try store.damage(pack) { $0 = [] }
            }
            #expect(try read(reader, range) == Array(disk[range]))
        }
    }

    @Test("A damaged copy is passed over, and another one read")
    func damagedCopy() throws {
        try withReader(seed: 5) { store, reader, disk in
            for pack in try packs(of: store) {
                let path = store.path(of: pack, replica: 0)
                var bytes = try readFile(path)
                for offset in stride(from: 100, to: bytes.count, by: 10_000) {
                    bytes[offset] ^= 1
                }
                try writeFile(bytes, to: path)
            }
            #expect(try read(reader, 0..<disk.count) == disk)
        }
    }

    @Test("Without a good copy a read fails, and gives no wrong bytes")
    func lost() throws {
        try withReader(seed: 6) { store, reader, disk in
            for pack in try packs(of: store) {
                try store.damage(pack) { bytes in
                    for offset in stride(from: 100, to: bytes.count, by: 10_000) {
                        bytes[offset] ^= 1
                    }
                }
            }
            let error = #expect(throws: KuraError.self) { _ = try read(reader, 0..<disk.count) }
            #expect(error?.code == .damaged)
        }
    }

    @Test("A prune keeps the packs of an open reader, and removes them after it is closed")
    func prune() throws {
        try withReader(seed: 7) { store, reader, disk in
            let id = try #require(try store.reopened().recoveryPointIDs().first)
            let request = PruneRequest(dropping: [id], reason: "test")
            _ = try store.reopened().prune(request)
            #expect(try read(reader, 0..<disk.count) == disk)
            reader.close()
            _ = try store.reopened().prune(PruneRequest(dropping: [], reason: ""))
            #expect(try packs(of: store).isEmpty)
        }
    }

    private func packs(of store: TestStore) throws -> [PackID] {
        try store.files("packs", replica: 0).compactMap {
            PackID(hex: $0.lastComponent?.string ?? "")
        }
    }
}
