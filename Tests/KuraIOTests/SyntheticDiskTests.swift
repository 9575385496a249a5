import KuraIO
import SystemPackage
import TestSupport
import Testing

/// What other tests rely on when they use a synthetic disk.
@Suite("Synthetic disk") struct SyntheticDiskTests {
    private static let sizes = [0, 1, 511, 512, 4095, 4096, 4097, 5000, 65_537, 1_000_003]

    @Test("has the size that was asked for", arguments: sizes)
    func size(_ byteCount: Int) {
        #expect(SyntheticDisk(seed: 1, byteCount: byteCount).bytes.count == byteCount)
    }

    @Test("is the same for the same seed and different for another")
    func seeds() {
        let disk = SyntheticDisk(seed: 7, byteCount: 1 << 20)
        #expect(disk.bytes == SyntheticDisk(seed: 7, byteCount: 1 << 20).bytes)
        #expect(disk.bytes != SyntheticDisk(seed: 8, byteCount: 1 << 20).bytes)
    }

    @Test("keeps files on blocks of their own, with zeros behind each")
    func files() throws {
        try forAll(cases: 20) { seed, generator in
            let byteCount = Int.random(in: 0...300_000, using: &generator)
            let disk = SyntheticDisk(seed: seed, byteCount: byteCount).edited(seed: seed)
            var end = 0
            for file in disk.files {
                try #require(file.offset % 4096 == 0 && file.offset >= end && file.byteCount > 0)
                end = min((file.range.upperBound + 4095) / 4096 * 4096, disk.bytes.count)
                let isPadded = disk.bytes[file.range.upperBound..<end].allSatisfy { $0 == 0 }
                try #require(isPadded)
            }
            try #require(end <= disk.bytes.count)
        }
    }

    @Test("has holes, data and a file twice")
    func shape() {
        let disk = SyntheticDisk(seed: 3, byteCount: 8 << 20)
        let data = disk.dataRanges().reduce(0) { $0 + $1.count }
        #expect(data > 2 << 20 && data < 7 << 20)
        let contents = disk.files.map { disk.bytes[$0.range] }
        #expect(Set(contents).count < contents.count)
    }

    @Test("is changed by every kind of edit", arguments: SyntheticDisk.Edit.allCases)
    func edits(_ kind: SyntheticDisk.Edit) {
        let disk = SyntheticDisk(seed: 5, byteCount: 1 << 20)
        let edited = disk.edited(seed: 6, edits: 1, of: [kind])
        #expect(edited.bytes != disk.bytes)
        #expect((edited.bytes.count > disk.bytes.count) == (kind == .grow))
    }

    @Test("reads back from a file, with and without holes", arguments: sizes)
    func written(_ byteCount: Int) throws {
        let disk = SyntheticDisk(seed: 9, byteCount: byteCount)
        try withTemporaryDirectory { directory in
            for (name, sparse) in [("sparse", true), ("full", false)] {
                let path = directory.appending(name)
                try disk.write(to: path, sparse: sparse)
                #expect(try LocalFileSystem().contents(path, max: byteCount) == disk.bytes)
            }
        }
    }
}
