import Benchmark
import KuraCodec
import KuraFormat

/// 64 MiB without blocks of zeros: half text-like, half noise, always the same.
private let sample: [UInt8] = {
    var state: UInt64 = 42
    var bytes: [UInt8] = []
    bytes.reserveCapacity(64 << 20)
    while bytes.count < 64 << 20 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        let isText = (bytes.count >> 16) & 1 == 0
        for shift in stride(from: 0, to: 64, by: 8) {
            let byte = UInt8(truncatingIfNeeded: state >> UInt64(shift))
            bytes.append(isText ? 97 + byte % 16 : byte)
        }
    }
    return bytes
}()

private let frameBytes = 512 << 10

private let indexSample = IndexSample()

let benchmarks: @Sendable () -> Void = {
    Benchmark.defaultConfiguration = .init(
        metrics: [.wallClock, .throughput, .cpuTotal], maxDuration: .seconds(3))

    Benchmark("gear-tail-v1 over 64 MiB") { _ in
        let chunker = Chunker(.gearTail, mean: 32768)
        sample.withUnsafeBufferPointer { bytes in
            var start = 0
            while start < bytes.count,
                let cut = chunker.cut(
                    bytes.baseAddress!, from: start, to: bytes.count, runEnds: true, diskOffset: 0)
            {
                start = cut
            }
            blackHole(start)
        }
    }

    Benchmark("zero scan over 64 MiB of zeros") { benchmark in
        let zeros = [UInt8](repeating: 0, count: 64 << 20)
        benchmark.startMeasurement()
        zeros.withUnsafeBytes { blackHole(ZeroScan.isZero($0.baseAddress!, count: $0.count)) }
    }

    Benchmark("SHA-256 of 64 MiB in chunks of 32 KiB, OpenSSL one by one") { _ in
        sample.withUnsafeBytes { bytes in
            for start in stride(from: 0, to: bytes.count, by: 32768) {
                let chunk = UnsafeRawBufferPointer(rebasing: bytes[start..<(start + 32768)])
                blackHole(ChunkHasher.digest(chunk))
            }
        }
    }

    Benchmark("SHA-256 of 64 MiB in chunks of 32 KiB, lanes of a batch") { _ in
        var hasher = BatchHasher()
        sample.withUnsafeBytes { bytes in
            for start in stride(from: 0, to: bytes.count, by: 1 << 20) {
                hasher.removeAll()
                for offset in stride(from: start, to: start + 1 << 20, by: 32768) {
                    hasher.append(
                        UnsafeRawBufferPointer(rebasing: bytes[offset..<(offset + 32768)]))
                }
                hasher.run()
                blackHole(hasher.digests.count)
            }
        }
    }

    for level in [1, 2, 3] {
        Benchmark("zstd \(level) of 64 MiB in frames of 512 KiB") { _ in
            let compressor = Compressor(level: level)
            let target = UnsafeMutableRawBufferPointer.allocate(
                byteCount: Compressor.bound(frameBytes), alignment: 16)
            defer { target.deallocate() }
            sample.withUnsafeBytes { bytes in
                for start in stride(from: 0, to: bytes.count, by: frameBytes) {
                    let frame = UnsafeRawBufferPointer(
                        rebasing: bytes[start..<(start + frameBytes)])
                    blackHole(try? compressor.compress(frame, into: target))
                }
            }
        }
    }

    Benchmark("unzstd of a frame of 512 KiB, 128 times") { benchmark in
        let compressor = Compressor(level: 1)
        let decompressor = Decompressor()
        let stored = UnsafeMutableRawBufferPointer.allocate(
            byteCount: Compressor.bound(frameBytes), alignment: 16)
        let plain = UnsafeMutableRawBufferPointer.allocate(byteCount: frameBytes, alignment: 16)
        defer {
            stored.deallocate()
            plain.deallocate()
        }
        try sample.withUnsafeBytes { bytes in
            let frame = UnsafeRawBufferPointer(rebasing: bytes[..<frameBytes])
            let count = try compressor.compress(frame, into: stored)
            let frameStored = UnsafeRawBufferPointer(
                rebasing: UnsafeRawBufferPointer(stored)[..<count])
            benchmark.startMeasurement()
            for _ in 0..<128 { try decompressor.decompress(frameStored, into: plain) }
        }
    }

    Benchmark("100 000 look-ups in an index run of 1 Mi chunks, hits") { benchmark in
        let index = indexSample
        benchmark.startMeasurement()
        for id in index.known { precondition(index.contains(id)) }
    }

    Benchmark("100 000 look-ups in an index run of 1 Mi chunks, misses") { benchmark in
        let index = indexSample
        benchmark.startMeasurement()
        for id in index.unknown { precondition(!index.contains(id)) }
    }
}
