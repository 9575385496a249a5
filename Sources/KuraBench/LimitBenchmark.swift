internal import KuraCodec
internal import KuraFormat
public import KuraIO
internal import KuraStore
internal import Synchronization
internal import SystemPackage

/// What a machine can do at most, primitive by primitive.
public struct MachineLimits: Sendable {
    public var rates = PrimitiveRates()
    /// Bytes of the image that the file system does not know as holes.
    public var readBytes: UInt64 = 0
    /// Of those, bytes that the kernels ran on, spread evenly.
    public var sampleBytes: UInt64 = 0
    /// Bytes of the sample's chunks, and of their frames.
    public var dataBytes: UInt64 = 0
    public var storedBytes: UInt64 = 0
}

/// Measures every primitive on an image's own bytes: zstd and the chunker depend on them.
///
/// Each round measures everything with one thread and with all; the median of each figure counts.
/// Takes some ten seconds a round for `sampleBytesMax` and writes `roomNeeded` bytes at most.
public final class LimitBenchmark: Sendable {
    private let image: FileSource
    private let folder: ScratchFolder
    private let options: Options
    private let cancellation: Cancellation

    public struct Options: Sendable {
        public var chunkBytesMean: Int
        public var level: Int
        public var threads: Int
        public var copies: Int
        public var rounds: Int

        public init(chunkBytesMean: Int, level: Int, threads: Int, copies: Int, rounds: Int) {
            self.chunkBytesMean = chunkBytesMean
            self.level = level
            self.threads = threads
            self.copies = copies
            self.rounds = rounds
        }
    }

    /// Bytes that kernels run on in one pass.
    private static let sampleBytesMax: UInt64 = 384 << 20
    /// Stretches of the sample are long beside a chunk, so that few chunks are cut short.
    private static let stretchBytes: UInt64 = 4 << 20
    private static let memoryBytes = 128 << 20
    /// Enough to keep any device busy.
    private static let directReadsInFlight = 8
    private static let packsWritten = 8

    /// Room that packs written for the measurement take.
    public static func roomNeeded(copies: Int) -> UInt64 {
        UInt64(copies * packsWritten * Tuning.dataPackBytes)
    }

    public init(
        _ image: FileSource, in folder: ScratchFolder, _ options: Options,
        cancellation: Cancellation
    ) {
        self.image = image
        self.folder = folder
        self.options = options
        self.cancellation = cancellation
    }

    public func run() throws(KuraError) -> MachineLimits {
        var limits = MachineLimits()
        let data = try image.dataRanges()
        limits.readBytes = data.reduce(0) { $0 + UInt64($1.count) }
        let sample = Self.sample(of: data, max: Self.sampleBytesMax)
        limits.sampleBytes = sample.reduce(0) { $0 + UInt64($1.count) }
        // Into the page cache, so that the first round finds what the others find.
        _ = try read(sample, image, threads: options.threads)
        var rounds: [PrimitiveRates] = []
        for _ in 0..<options.rounds {
            var rates = PrimitiveRates()
            measureMemory(&rates)
            try measureReads(sample, &rates)
            try measureKernels(sample, rates: &rates, limits: &limits)
            try measureWrites(&rates)
            rounds.append(rates)
        }
        limits.rates = PrimitiveRates.median(rounds)
        return limits
    }

    /// Stretches of data, evenly spread, `max` bytes together at most; all of it where it is less.
    package static func sample(of data: [Range<UInt64>], max: UInt64) -> [Range<UInt64>] {
        let stretches = data.flatMap { range in
            stride(from: range.lowerBound, to: range.upperBound, by: Int(stretchBytes)).map {
                $0..<min($0 + stretchBytes, range.upperBound)
            }
        }
        let total = stretches.reduce(0) { $0 + UInt64($1.count) }
        guard total > max else { return stretches }
        var chosen: [Range<UInt64>] = []
        var passed: UInt64 = 0
        var taken: UInt64 = 0
        for stretch in stretches {
            passed += UInt64(stretch.count)
            // As much of what is behind us as of the whole.
            guard Double(taken) < Double(passed) * (Double(max) / Double(total)),
                taken + UInt64(stretch.count) <= max
            else { continue }
            chosen.append(stretch)
            taken += UInt64(stretch.count)
        }
        return chosen
    }

    // MARK: Measurements

    private func measureMemory(_ rates: inout PrimitiveRates) {
        for (primitive, bufferBytes) in [
            (Primitive.memoryRead, Self.memoryBytes), (.zeroScan, Tuning.windowBytes),
        ] {
            rates[primitive] = .init(
                one: zeroRate(primitive, bufferBytes: bufferBytes, threads: 1),
                all: zeroRate(primitive, bufferBytes: bufferBytes, threads: options.threads))
        }
    }

    /// Bytes per second of scanning `memoryBytes` of zeros, in a buffer over and over.
    private func zeroRate(_ primitive: Primitive, bufferBytes: Int, threads: Int) -> Double? {
        let total = Mutex(PrimitiveTimes())
        Threads.run(threads) { _ in
            let pass = ZeroPass(
                primitive, bufferBytes: bufferBytes, rounds: Self.memoryBytes / bufferBytes)
            precondition(pass.zeroBytes == Self.memoryBytes)
            total.withLock { $0 += pass.times }
        }
        return total.withLock { $0.rate(primitive, threads: threads) }
    }

    private func measureReads(
        _ sample: [Range<UInt64>], _ rates: inout PrimitiveRates
    ) throws(KuraError) {
        rates[.pageCacheRead] = .init(
            one: try read(sample, image, threads: 1),
            all: try read(sample, image, threads: options.threads))
        let direct = try FileSource(image.path)
        // Some file systems have no other way than the page cache.
        guard direct.readAroundCache() else { return }
        rates[.directRead] = .init(
            one: try read(sample, direct, threads: 1),
            all: try read(sample, direct, threads: Self.directReadsInFlight))
    }

    /// Bytes per second of reading a sample window by window.
    private func read(
        _ sample: [Range<UInt64>], _ file: FileSource, threads: Int
    ) throws(KuraError) -> Double? {
        let times = try eachStretch(of: sample, threads: threads) { stretches throws(KuraError) in
            let block = UInt64(Limits.blockBytes)
            let buffer = AlignedBuffer(byteCount: Tuning.windowBytes)
            var times = PrimitiveTimes()
            while let stretch = stretches() {
                var offset = stretch.lowerBound
                // Whole blocks only: reads around the page cache take nothing else.
                while offset + block <= stretch.upperBound {
                    let left = (stretch.upperBound - offset) / block * block
                    let count = Int(min(left, UInt64(buffer.byteCount)))
                    let target = UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[..<count])
                    try withKuraErrors {
                        _ = try times.time(.pageCacheRead, byteCount: count) {
                            try file.read(at: offset, into: target)
                        }
                    }
                    offset += UInt64(count)
                }
            }
            return times
        }
        return times.rate(.pageCacheRead, threads: threads)
    }

    private func measureKernels(
        _ sample: [Range<UInt64>], rates: inout PrimitiveRates, limits: inout MachineLimits
    ) throws(KuraError) {
        let chunker = Chunker(.gearTail, mean: options.chunkBytesMean)
        let counts = Mutex<(data: UInt64, stored: UInt64)>((0, 0))
        func pass(_ threads: Int) throws(KuraError) -> PrimitiveTimes {
            counts.withLock { $0 = (0, 0) }
            return try eachStretch(of: sample, threads: threads) { stretches throws(KuraError) in
                let pass = KernelPass(image, chunker, level: options.level)
                while let stretch = stretches() { try pass.run(stretch) }
                try pass.finishFrame()
                let (data, stored) = (pass.dataBytes, pass.storedBytes)
                counts.withLock { $0 = ($0.data + data, $0.stored + stored) }
                return pass.times
            }
        }
        let (one, all) = (try pass(1), try pass(options.threads))
        for primitive in all.entries.keys {
            rates[primitive] = .init(
                one: one.rate(primitive, threads: 1),
                all: all.rate(primitive, threads: options.threads))
        }
        (limits.dataBytes, limits.storedBytes) = counts.withLock { $0 }
    }

    /// Runs `body` in each thread with a source of stretches that all share, and adds the times up.
    private func eachStretch(
        of sample: [Range<UInt64>], threads: Int,
        _ body: @Sendable (_ stretches: () -> Range<UInt64>?) throws(KuraError) -> PrimitiveTimes
    ) throws(KuraError) -> PrimitiveTimes {
        let next = Atomic<Int>(0)
        let result = Mutex<(times: PrimitiveTimes, error: KuraError?)>((PrimitiveTimes(), nil))
        Threads.run(threads) { [cancellation] _ in
            do throws(KuraError) {
                let times = try body {
                    let number = next.add(1, ordering: .relaxed).oldValue
                    return number < sample.count && !cancellation.isCancelled
                        ? sample[number] : nil
                }
                result.withLock { $0.times += times }
            } catch {
                result.withLock { $0.error = error }
            }
        }
        if cancellation.isCancelled { throw KuraError(.interrupted, "interrupted") }
        let (times, error) = result.withLock { $0 }
        if let error { throw error }
        return times
    }

    // MARK: Writing

    private func measureWrites(_ rates: inout PrimitiveRates) throws(KuraError) {
        let one = try write(copies: 1)
        let all = options.copies > 1 ? try write(copies: options.copies) : one
        rates[.writeOneCopy] = .init(one: one.rate)
        rates[.writeAllCopies] = .init(all: all.rate)
        rates[.writeProcessor] = .init(
            one: all.processorRate, all: all.processorRate * Double(Threads.processorCount))
    }

    /// Publishes packs as a region's replicas do: one thread each, the same buffer for all.
    /// - Returns: bytes of all copies per second of time, and per second of processor time.
    private func write(
        copies: Int
    ) throws(KuraError) -> (rate: Double, processorRate: Double) {
        let fileSystem = LocalFileSystem()
        let buffer = AlignedBuffer(byteCount: Tuning.dataPackBytes)
        // Bytes that no device can compress.
        var random = SplitMix(state: UInt64(copies))
        for offset in stride(from: 0, to: buffer.byteCount, by: 8) {
            buffer.base.storeBytes(of: random.next(), toByteOffset: offset, as: UInt64.self)
        }
        let places = (0..<copies).map { folder.path.appending("copy-\($0)") }
        let failure = Mutex<KuraError?>(nil)
        try withKuraErrors { for place in places { try fileSystem.makeDirectory(place) } }
        let (start, busy) = (Clock.steady(), Clock.processor())
        Threads.run(copies) { copy in
            do throws(IOError) {
                for number in 0..<Self.packsWritten {
                    let name = places[copy].appending("pack-\(number)")
                    try fileSystem.publish(
                        [UnsafeRawBufferPointer(buffer.bytes)], as: name,
                        temporary: places[copy].appending("new"))
                }
            } catch {
                failure.withLock { $0 = KuraError(io: error) }
            }
        }
        let (seconds, processor) = (
            Double(Clock.steady() - start) / 1e9, Double(Clock.processor() - busy) / 1e9
        )
        if let error = failure.withLock({ $0 }) { throw error }
        try withKuraErrors {
            for place in places {
                for name in try fileSystem.list(place) {
                    try fileSystem.remove(place.appending(name))
                }
            }
        }
        let bytes = Double(copies * Self.packsWritten * buffer.byteCount)
        return (bytes / seconds, bytes / max(processor, 1e-9))
    }
}

extension FileSource {
    /// Stretches that the file system does not know as holes, on the grid of blocks, ascending.
    package func dataRanges() throws(KuraError) -> [Range<UInt64>] {
        let block = UInt64(Limits.blockBytes)
        var ranges: [Range<UInt64>] = []
        var cursor: UInt64 = 0
        while let data = try nextData(in: cursor..<byteCount) {
            let start = max(data.lowerBound / block * block, cursor)
            let end = min((data.upperBound + block - 1) / block * block, byteCount)
            ranges.join(start..<end)
            cursor = end
        }
        return ranges
    }
}
