import KuraFormat
import KuraIO
import KuraStore
import SystemPackage
import TestSupport
import Testing

/// Disks that were backed up often, and the frames that their extents share.
@Suite("Fragmentation") struct FragmentationTests {
    /// A disk of two extents and a piece that changed a little every day for some days. Chunks of
    /// 4 KiB, so that frames hold many, which belong to all of its extents.
    private func makeHistory(
        _ store: TestStore, _ random: inout SeededGenerator
    ) throws -> (disk: [UInt8], point: RecoveryPointID) {
        let byteCount = 2 * Limits.extentBytes + 100_000
        var disk = [UInt8](repeating: 0, count: byteCount)
        let places = (0..<600).map { _ in Int.random(in: 0..<(byteCount >> 12), using: &random) }
        for place in places {
            let start = place << 12
            disk.replaceSubrange(start..<(start + 4096), with: random.bytes(4096))
        }
        var last = try store.backup(disk)
        for _ in 0..<4 {
            for place in places.shuffled(using: &random).prefix(60) {
                let start = place << 12 + Int.random(in: 0..<4000, using: &random)
                disk.replaceSubrange(start..<(start + 64), with: random.bytes(64))
            }
            last = try store.backup(disk, threads: 1)
        }
        return (disk, last.id)
    }

    @Test("Every frame is read once, however many extents need it", arguments: [1, 3])
    func readOnce(threads: Int) throws {
        try forAll(cases: 3) { seed, random in
            try withTemporaryDirectory { directory in
                let store = try TestStore(directory)
                let (disk, point) = try makeHistory(store, &random)
                let fileSystem = CountingFileSystem()
                let vault = store.reopened(fileSystem: fileSystem)
                #expect(
                    try store.restore(point, from: vault, threads: threads) == disk, "seed \(seed)")
                let counts = try dataFrames(store).map { fileSystem.reads(at: $0) }
                #expect(counts.contains(1), "seed \(seed)")
                #expect(counts.allSatisfy { $0 <= 1 }, "seed \(seed)")
            }
        }
    }

    /// Where the frames of all data packs are in the first replica.
    private func dataFrames(_ store: TestStore) throws -> [CountingFileSystem.Place] {
        var places: [CountingFileSystem.Place] = []
        for file in try store.files("packs", replica: 0) {
            let trailer = try store.packTrailer(readFile(file))
            guard trailer.header.kind == .data else { continue }
            var offset = UInt64(PackHeader.byteCount)
            for frame in trailer.frames {
                places.append(CountingFileSystem.Place(path: file.string, offset: offset))
                offset += UInt64(frame.storedByteCount)
            }
        }
        return places
    }

    @Test("A disk that changed a little every day is restored from frames of several replicas")
    func damaged() throws {
        try forAll(cases: 3) { seed, random in
            try withTemporaryDirectory { directory in
                let store = try TestStore(directory)
                let (disk, point) = try makeHistory(store, &random)
                // Every frame is damaged in the first replica, in several bytes.
                for file in try store.files("packs", replica: 0) {
                    var bytes = try readFile(file)
                    let frames = Int(try store.packTrailer(bytes).storedByteCount)
                    let end = PackHeader.byteCount + frames
                    for index in stride(from: 40, to: end, by: 500) { bytes[index] ^= 1 }
                    try writeFile(bytes, to: file)
                }
                let vault = store.reopened()
                #expect(try store.restore(point, from: vault, threads: 3) == disk, "seed \(seed)")
                #expect(!vault.damage.isEmpty, "seed \(seed)")
            }
        }
    }

    @Test("A stream gets a fragmented disk in order")
    func stream() throws {
        try forAll(cases: 2) { seed, random in
            try withTemporaryDirectory { directory in
                let store = try TestStore(directory)
                let (disk, point) = try makeHistory(store, &random)
                let vault = store.reopened()
                let path = directory.appending("stream")
                try writeFile([], to: path)
                try withDescriptor(path, O.write) { descriptor in
                    let record = try vault.recoveryPoint(point).disks[0]
                    let stream = StreamSink(
                        descriptor: descriptor, name: "stream", byteCount: record.byteCount)
                    _ = try vault.restore(record, to: stream, threads: 3)
                }
                #expect(try readFile(path) == disk, "seed \(seed)")
            }
        }
    }
}
