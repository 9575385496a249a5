import KuraCodec
import KuraFormat
import TestSupport
import Testing

@Suite("Chunker") struct ChunkerTests {
    static let means = [4 << 10, 8 << 10, 16 << 10, 32 << 10, 64 << 10, 128 << 10]

    /// A run as a disk has them: a piece of a synthetic disk, and its place.
    private static func run(
        bytesMax: Int, _ generator: inout SeededGenerator
    ) -> (bytes: [UInt8], diskOffset: UInt64) {
        let disk = SyntheticDisk(seed: generator.next(), byteCount: 1 << 20)
        let count = Int.random(in: 1...bytesMax, using: &generator)
        let start = Int.random(in: 0...(disk.bytes.count - count), using: &generator)
        return (Array(disk.bytes[start..<(start + count)]), UInt64(start) + generator.next() >> 20)
    }

    // MARK: - The definition

    @Test("cuts where the definition says", arguments: means)
    func definition(_ mean: Int) throws {
        let chunker = Chunker(.gearTail, mean: mean)
        let plain = PlainChunker(.gearTail, mean: mean)
        try forAll(cases: 12) { _, generator in
            let (bytes, diskOffset) = Self.run(bytesMax: 160 << 10, &generator)
            try #require(
                chunker.cuts(bytes, diskOffset: diskOffset)
                    == plain.cuts(bytes, diskOffset: diskOffset))
        }
    }

    @Test("fixed-v1 cuts where the definition says", arguments: means)
    func fixedDefinition(_ mean: Int) throws {
        let chunker = Chunker(.fixed, mean: mean)
        let plain = PlainChunker(.fixed, mean: mean)
        try forAll(cases: 12) { _, generator in
            let (bytes, diskOffset) = Self.run(bytesMax: 512 << 10, &generator)
            try #require(
                chunker.cuts(bytes, diskOffset: diskOffset)
                    == plain.cuts(bytes, diskOffset: diskOffset))
        }
    }

    @Test("does not look at bytes before the chunk")
    func startOffset() throws {
        let chunker = Chunker(.gearTail, mean: 4096)
        try forAll(cases: 20) { _, generator in
            let (bytes, diskOffset) = Self.run(bytesMax: 64 << 10, &generator)
            let start = Int.random(in: 0..<bytes.count, using: &generator)
            let cut = chunker.cut(
                bytes, from: start, to: bytes.count, runEnds: true, diskOffset: diskOffset)
            let rest = Array(bytes[start...])
            let expected = chunker.cut(
                rest, from: 0, to: rest.count, runEnds: true,
                diskOffset: diskOffset + UInt64(start))
            try #require(cut == expected.map { start + $0 })
        }
    }

    @Test("the shift of a run by whole blocks does not matter, any other may")
    func place() {
        let run = SyntheticDisk(seed: 4, byteCount: 1 << 20).bytes
        let chunker = Chunker(.gearTail, mean: 16 << 10)
        let cuts = chunker.cuts(run, diskOffset: 0)
        #expect(chunker.cuts(run, diskOffset: 1 << 40) == cuts)
        #expect(chunker.cuts(run, diskOffset: 512) != cuts)
    }

    // MARK: - Windows

    @Test("cuts the same whether a run is known at once or piece by piece", arguments: means)
    func windows(_ mean: Int) throws {
        for kind in ChunkerKind.allCases {
            let chunker = Chunker(kind, mean: mean)
            try forAll(cases: 8) { _, generator in
                let (bytes, diskOffset) = Self.run(bytesMax: 1 << 20, &generator)
                let pieceMax = Int.random(in: 1000...(256 << 10), using: &generator)
                let cuts = chunker.cuts(bytes, diskOffset: diskOffset) {
                    .random(in: 1...pieceMax, using: &generator)
                }
                try #require(cuts == chunker.cuts(bytes, diskOffset: diskOffset))
            }
        }
    }

    @Test("never answers differently once more bytes are known")
    func everyEnd() throws {
        let chunker = Chunker(.gearTail, mean: 4096)
        try forAll(cases: 2) { _, generator in
            let (bytes, diskOffset) = Self.run(bytesMax: 1 << 20, &generator)
            let cut = chunker.cuts(bytes, diskOffset: diskOffset)[0]
            for end in 1...min(bytes.count, cut + 100) {
                let answer = chunker.cut(
                    bytes, from: 0, to: end, runEnds: false, diskOffset: diskOffset)
                // A cut at the very end of what is known may be found now or later.
                if end < cut { try #require(answer == nil) }
                if end == cut { try #require(answer == nil || answer == cut) }
                if end > cut { try #require(answer == cut) }
            }
        }
    }

    @Test("answers at the greatest size at the latest", arguments: ChunkerKind.allCases)
    func answersInTime(_ kind: ChunkerKind) {
        let chunker = Chunker(kind, mean: 4096)
        let run = [UInt8](repeating: 0x41, count: chunker.max)
        let cut = chunker.cut(run, from: 0, to: run.count, runEnds: false, diskOffset: 0)
        #expect(cut == chunker.max)
    }

    // MARK: - Masks

    /// Noise, and positions in it whose hash passes the easy mask of a mean of 4 KiB only.
    private static func easyPositions() -> (bytes: [UInt8], positions: [Int]) {
        let plain = PlainChunker(.gearTail, mean: 4096)
        var generator = SeededGenerator(seed: 11)
        let bytes = generator.bytes(64 << 10)
        let positions = bytes.withUnsafeBufferPointer { bytes in
            (4096..<bytes.count).filter {
                11...12 ~= plain.hash(bytes.baseAddress! + $0 - 64).leadingZeroBitCount
            }
        }
        return (bytes, positions)
    }

    @Test("takes the hard mask below the mean, even where the known bytes end there")
    func hardMaskAtTheEnd() {
        let chunker = Chunker(.gearTail, mean: 4096)
        let plain = PlainChunker(.gearTail, mean: 4096)
        let (bytes, positions) = Self.easyPositions()
        for position in positions {
            let run = Array(bytes[(position - 1100)..<position])
            let cut = chunker.cut(run, from: 0, to: run.count, runEnds: false, diskOffset: 1)
            #expect(cut == plain.cuts(run + [0], diskOffset: 1).first { $0 < run.count })
        }
        #expect(positions.count > 10)
    }

    @Test("takes the easy mask from the mean on", arguments: [4095, 4096])
    func easyMaskAtTheMean(_ length: Int) {
        let chunker = Chunker(.gearTail, mean: 4096)
        let (bytes, positions) = Self.easyPositions()
        var reached = 0
        for position in positions {
            let run = Array(bytes[(position - length)...])
            let cut = chunker.cut(run, from: 0, to: run.count, runEnds: true, diskOffset: 1)!
            if cut < length { continue }
            #expect((cut == length) == (length == 4096))
            reached += 1
        }
        #expect(reached > 5)
    }

    // MARK: - Sizes

    @Test("covers the run with chunks between the least and the greatest size")
    func sizes() throws {
        try forAll(cases: 60) { _, generator in
            let mean = Self.means.randomElement(using: &generator)!
            let chunker = Chunker(.gearTail, mean: mean)
            let (bytes, diskOffset) = Self.run(bytesMax: 1 << 20, &generator)
            let cuts = chunker.cuts(bytes, diskOffset: diskOffset)
            try #require(cuts.last == bytes.count)
            var start = 0
            for cut in cuts {
                try #require(cut > start && cut - start <= chunker.max)
                try #require(cut - start >= chunker.min || cut == bytes.count)
                start = cut
            }
        }
    }

    @Test("has sizes of a quarter and eight times the mean", arguments: means)
    func parameters(_ mean: Int) {
        let chunker = Chunker(.gearTail, mean: mean)
        #expect(chunker.min == mean / 4)
        #expect(chunker.max == mean * 8)
        #expect(chunker.max <= Limits.chunkBytesMax)
    }

    @Test("cuts constant bytes at the greatest size", arguments: means)
    func constantBytes(_ mean: Int) {
        let run = [UInt8](repeating: 0x41, count: mean * 20)
        let cuts = Chunker(.gearTail, mean: mean).cuts(run, diskOffset: 0)
        #expect(cuts == [mean * 8, mean * 16, mean * 20])
    }

    @Test("keeps a run of up to the least size in one piece")
    func shortRuns() {
        let chunker = Chunker(.gearTail, mean: 4096)
        for count in [1, 2, 63, 64, 65, 1023, 1024] {
            let run = [UInt8](repeating: 0, count: count)
            #expect(chunker.cuts(run, diskOffset: 4096 - UInt64(count)) == [count])
        }
    }

    @Test("leaves a rest that is shorter than the least size")
    func shortRest() {
        let chunker = Chunker(.gearTail, mean: 4096)
        let run = [UInt8](repeating: 0x41, count: chunker.max + 1)
        #expect(chunker.cuts(run, diskOffset: 0) == [chunker.max, chunker.max + 1])
    }

    @Test("makes chunks of about the mean size from noise")
    func meanSize() {
        var generator = SeededGenerator(seed: 2)
        let run = generator.bytes(4 << 20)
        let count = Chunker(.gearTail, mean: 8192).cuts(run, diskOffset: 0).count
        #expect(6000...12_000 ~= run.count / count)
    }

    // MARK: - Tails

    /// Noise with zeros in [8192 - zeros, 8192).
    private static func padded(zeros: Int) -> [UInt8] {
        [UInt8](repeating: 0x41, count: 8192 - zeros) + [UInt8](repeating: 0, count: zeros)
            + [UInt8](repeating: 0x42, count: 8192)
    }

    private static let roomy = Chunker(.gearTail, mean: 32 << 10)

    @Test("cuts at a block boundary behind 64 zero bytes", arguments: [64, 65, 500, 4095])
    func tail(_ zeros: Int) {
        let cuts = Self.roomy.cuts(Self.padded(zeros: zeros), diskOffset: 1 << 30)
        #expect(cuts == [8192, 16384])
    }

    @Test("does not cut behind fewer than 64 zero bytes", arguments: [0, 1, 8, 56, 63])
    func shortTail(_ zeros: Int) {
        let cuts = Self.roomy.cuts(Self.padded(zeros: zeros), diskOffset: 1 << 30)
        #expect(cuts == [16384])
    }

    @Test("does not take zeros for a tail where one of the 64 bytes is not zero")
    func interruptedTail() {
        for position in (8192 - 64)..<8192 {
            var run = Self.padded(zeros: 64)
            run[position] = 1
            #expect(Self.roomy.cuts(run, diskOffset: 0) == [16384])
        }
    }

    @Test("looks for tails on the grid of the disk, not of the run", arguments: [1, 512, 4095])
    func tailOffTheGrid(_ shift: UInt64) {
        #expect(Self.roomy.cuts(Self.padded(zeros: 64), diskOffset: shift) == [16384])
    }

    @Test("does not cut at a tail below the least size")
    func earlyTail() {
        var run = Self.padded(zeros: 64)
        run.replaceSubrange(4000..<4096, with: repeatElement(0, count: 96))
        #expect(Self.roomy.cuts(run, diskOffset: 0) == [8192, 16384])
    }

    @Test("cuts at a tail that is exactly the least size away")
    func tailAtLeastSize() {
        let chunker = Chunker(.gearTail, mean: 16 << 10)
        var run = [UInt8](repeating: 0x41, count: 10_000)
        run.replaceSubrange(4000..<4096, with: repeatElement(0, count: 96))
        #expect(chunker.cuts(run, diskOffset: 0) == [4096, 10_000])
    }

    // MARK: - Golden values

    @Test("the gear table is what its name says")
    func gearTable() {
        #expect(GearTable.words[0] == 0xfd22_046e_a1d1_db18)
        #expect(GearTable.words[1] == 0x2a69_6010_2abd_f855)
        #expect(GearTable.words[127] == 0x260e_be1f_0db6_69cd)
        #expect(GearTable.words[255] == 0x07d9_bdbc_b8dd_6381)
    }

    @Test("gear-tail-v1 cuts noise at these offsets for ever")
    func goldenNoise() {
        var generator = SeededGenerator(seed: 1)
        let run = generator.bytes(64 << 10)
        func cuts(_ mean: Int) -> [Int] {
            Chunker(.gearTail, mean: mean).cuts(run, diskOffset: 0)
        }
        #expect(
            cuts(4 << 10) == [
                5737, 7151, 11_617, 15_759, 21_303, 25_605, 30_867, 34_257, 38_358, 43_207, 44_538,
                54_791, 64_432, 65_536,
            ])
        #expect(cuts(8 << 10) == [7151, 15_759, 25_605, 34_257, 44_538, 55_022, 65_536])
        #expect(cuts(16 << 10) == [7705, 34_257, 44_538, 65_536])
        #expect(cuts(32 << 10) == [34_257, 65_536])
    }

    @Test("gear-tail-v1 cuts a run with a tail and a greatest chunk at these offsets for ever")
    func goldenMixture() {
        var generator = SeededGenerator(seed: 2)
        var run = generator.bytes(10_000)
        run += [UInt8](repeating: 0, count: 12_288 - run.count)
        run += [UInt8](repeating: 0x41, count: 40_000)
        run += generator.bytes(20_000)
        // 12 288 is a tail, 45 056 the greatest size, 72 288 the end of the run.
        #expect(
            Chunker(.gearTail, mean: 4096).cuts(run, diskOffset: 1 << 20) == [
                3510, 10_022, 12_288, 45_056, 52_930, 55_288, 57_600, 61_852, 67_112, 69_845,
                72_288,
            ])
    }

    @Test("gear-tail-v1 cuts exactly at the least size here, for ever")
    func goldenLeast() {
        var generator = SeededGenerator(seed: 3)
        let run = Array(generator.bytes(64 << 10)[12_478...])
        let cuts = Chunker(.gearTail, mean: 4096).cuts(run, diskOffset: 0)
        #expect(cuts.prefix(3) == [1024, 6097, 7526])
    }

    @Test("fixed-v1 cuts at multiples of its size on the disk")
    func goldenFixed() {
        let run = [UInt8](repeating: 1, count: 20_000)
        let chunker = Chunker(.fixed, mean: 8192)
        #expect(chunker.cuts(run, diskOffset: 0) == [8192, 16_384, 20_000])
        #expect(chunker.cuts(run, diskOffset: 8192 * 5) == [8192, 16_384, 20_000])
        #expect(chunker.cuts(run, diskOffset: 4096) == [4096, 12_288, 20_000])
    }
}
