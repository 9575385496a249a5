import KuraBench
import KuraCodec
import KuraFormat
import KuraIO
import SystemPackage
import TestSupport
import Testing

@Suite("Benchmarks") struct BenchmarkTests {
    @Test("Medians are of each figure alone, and of none there is none")
    func medians() {
        let rounds = [(1.0, 9.0), (3.0, 7.0), (2.0, 8.0)].map { one, all in
            var rates = PrimitiveRates()
            rates[.compress] = .init(one: one, all: all)
            return rates
        }
        let median = PrimitiveRates.median(rounds)
        #expect(median[.compress] == .init(one: 2, all: 8))
        #expect(median[.decode] == .init(one: nil, all: nil))
        #expect(PrimitiveRates.median(Array(rounds.prefix(2)))[.compress].one == 2)
    }

    @Test("A sample is spread over all data and never longer than asked", arguments: UInt64(1)...6)
    func sample(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var ranges: [Range<UInt64>] = []
        var place: UInt64 = 0
        for _ in 0..<50 {
            let start = place + UInt64.random(in: 1...100, using: &random) << 20
            place = start + UInt64.random(in: 1...40, using: &random) << 20
            ranges.append(start..<place)
        }
        let total = ranges.reduce(0) { $0 + UInt64($1.count) }
        let max = total / 5
        let sample = LimitBenchmark.sample(of: ranges, max: max)
        let taken = sample.reduce(0) { $0 + UInt64($1.count) }
        #expect(taken <= max && taken > max * 9 / 10, "seed \(seed)")
        #expect(sample.allSatisfy { part in ranges.contains { $0.contains(part.lowerBound) } })
        #expect(zip(sample, sample.dropFirst()).allSatisfy { $0.upperBound <= $1.lowerBound })
        let half = sample.filter { $0.lowerBound < place / 2 }.reduce(0) { $0 + UInt64($1.count) }
        let halfOfAll = ranges.filter { $0.lowerBound < place / 2 }
            .reduce(0) { $0 + UInt64($1.count) }
        let difference = Double(half) / Double(taken) - Double(halfOfAll) / Double(total)
        #expect(abs(difference) < 0.1, "seed \(seed)")
        #expect(LimitBenchmark.sample(of: ranges, max: total).reduce(0) { $0 + $1.count } == total)
    }

    @Test("A scattered copy differs in about the asked share of blocks, and in whole blocks only")
    func scattered() throws {
        try withTemporaryDirectory { directory in
            let (path, copy) = (directory.appending("disk"), directory.appending("copy"))
            try SyntheticDisk(seed: 3, byteCount: 20_000_001).write(to: path, sparse: true)
            try ScatteredCopy.make(of: path, at: copy, share: 0.1)
            let (before, after) = (try readFile(path), try readFile(copy))
            #expect(before.count == after.count)
            let data = try FileSource(path).dataRanges()
            let blocks = data.reduce(0) { $0 + $1.count / Limits.blockBytes }
            var changed = 0
            for start in stride(from: 0, to: before.count, by: Limits.blockBytes) {
                let end = min(start + Limits.blockBytes, before.count)
                guard before[start..<end] != after[start..<end] else { continue }
                changed += 1
                #expect(end - start == Limits.blockBytes)
                #expect(data.contains { $0.contains(UInt64(start)) })
            }
            #expect(changed > blocks / 20 && changed < blocks / 5, "\(changed) of \(blocks)")
        }
    }

    @Test("Synthetic content is the same every time, has no holes, and compresses in part")
    func synthetic() throws {
        try withTemporaryDirectory { directory in
            let byteCount = 1_000_001
            let paths = ["one", "two"].map { directory.appending($0) }
            for path in paths {
                try SyntheticImage.write(to: path, byteCount: UInt64(byteCount))
            }
            let bytes = try readFile(paths[0])
            #expect(try bytes == readFile(paths[1]))
            #expect(bytes.count == byteCount)
            let pass = KernelPass(
                try FileSource(paths[0]), Chunker(.gearTail, mean: 32768), level: 1)
            try pass.run(0..<UInt64(byteCount))
            try pass.finishFrame()
            #expect(pass.dataBytes == byteCount)
            #expect(pass.storedBytes < pass.dataBytes * 3 / 4)
            #expect(pass.storedBytes > pass.dataBytes / 4)
        }
    }

    @Test("Every kernel works on every byte of data, and on nothing else")
    func kernels() throws {
        try withTemporaryDirectory { directory in
            let path = directory.appending("disk")
            try SyntheticDisk(seed: 5, byteCount: 6_000_001).write(to: path, sparse: false)
            let pass = KernelPass(try FileSource(path), Chunker(.gearTail, mean: 4096), level: 1)
            try pass.run(0..<6_000_001)
            try pass.finishFrame()
            let entries = pass.times.entries
            #expect(pass.dataBytes > 0)
            for primitive in [
                Primitive.chunker, .hashOneLane, .hashManyLanes, .compress, .checkAfterCompress,
                .decode,
            ] {
                #expect(entries[primitive]?.bytes == Double(pass.dataBytes), "\(primitive)")
            }
            #expect(pass.times.rate(.chunker, threads: 2) ?? 0 > 0)
            #expect(pass.times.rate(.directRead, threads: 2) == nil)
        }
    }

    @Test("The zero scan is timed over blocks that it reads to their end", arguments: [1, 3])
    func zeroScan(_ rounds: Int) {
        let pass = ZeroPass(.zeroScan, bufferBytes: 512 << 10, rounds: rounds)
        let byteCount = rounds * 512 << 10
        #expect(pass.zeroBytes == byteCount)
        #expect(pass.times.entries[.zeroScan]?.bytes == Double(byteCount))
    }

    @Test("A scratch folder refuses what it has no room for, and leaves nothing behind")
    func scratch() throws {
        try withTemporaryDirectory { directory in
            let error = #expect(throws: KuraError.self) {
                _ = try ScratchFolder(in: directory, needing: .max)
            }
            #expect(error?.code == .noSpace)
            #expect(try LocalFileSystem().list(directory).isEmpty)
            let folder = try ScratchFolder(in: directory, needing: 1)
            try LocalFileSystem().makeDirectories(folder.path.pushing("a/b"))
            try writeFile([1, 2, 3], to: folder.path.pushing("a/b/c"))
            try folder.remove()
            #expect(try LocalFileSystem().list(directory).isEmpty)
        }
    }
}
