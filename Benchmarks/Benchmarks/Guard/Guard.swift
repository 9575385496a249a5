import Foundation
import KuraBench
import KuraCodec
import KuraFormat
import KuraStore

/// What Tools/bench-guard runs.
///
///     guard-kernels list             names of kernels, with the units that they work through
///     guard-kernels run NAME ROUNDS  sets a kernel up, then runs it ROUNDS times
///     guard-kernels ratios           how fast one way of doing something is beside another
///
/// The instructions of a round: those of a process with some rounds, less those of one with none.
@main
struct Guard {
    static func main() throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        switch (arguments.first, arguments.count) {
        case ("list", 1):
            for kernel in Kernel.all { print("\(kernel.name)\t\(kernel.units)\t\(kernel.unit)") }
        case ("run", 3):
            guard let kernel = Kernel.all.first(where: { $0.name == arguments[1] }),
                let rounds = Int(arguments[2])
            else { return usage() }
            let round = try kernel.prepare()
            for _ in 0..<rounds { try round() }
        case ("ratios", 1):
            try Ratio.printAll()
        default:
            usage()
        }
    }

    private static func usage() {
        FileHandle.standardError.write(
            Data("guard-kernels list | run NAME ROUNDS | ratios\n".utf8))
        exit(64)
    }
}

/// One piece of work whose instructions are counted.
struct Kernel: Sendable {
    var name: String
    /// What a round works through: bytes, or look-ups.
    var units: Int
    var unit = "byte"
    /// Sets up, and returns what makes a round.
    var prepare: @Sendable () throws -> () throws -> Void

    private static let frameBytes = 512 << 10
    private static let lookUps = 10_000

    static let all = [
        Kernel(name: "chunker", units: 4 << 20) {
            let sample = Sample.mixed(4 << 20)
            let chunker = Chunker(.gearTail, mean: 32768)
            return {
                sample.withUnsafeBufferPointer { bytes in
                    var start = 0
                    while start < bytes.count,
                        let cut = chunker.cut(
                            bytes.baseAddress!, from: start, to: bytes.count, runEnds: true,
                            diskOffset: 0)
                    {
                        start = cut
                    }
                    use(start)
                }
            }
        },
        Kernel(name: "zero-scan", units: 16 << 20) {
            let zeros = [UInt8](repeating: 0, count: 16 << 20)
            return {
                zeros.withUnsafeBytes {
                    use(ZeroScan.isZero($0.baseAddress!, count: $0.count) ? 1 : 0)
                }
            }
        },
        Kernel(name: "sha256-batch", units: 4 << 20) {
            let sample = Sample.mixed(4 << 20)
            return { Sample.hashInBatches(sample) }
        },
        Kernel(name: "frame-encode", units: 4 << 20) {
            let sample = Sample.mixed(4 << 20)
            return {
                try sample.withUnsafeBytes { try Sample.compress($0, frameBytes: frameBytes) }
            }
        },
        Kernel(name: "frame-decode", units: 8 * frameBytes) {
            let frame = Array(Sample.mixed(frameBytes))
            let stored = UnsafeMutableRawBufferPointer.allocate(
                byteCount: Compressor.bound(frameBytes), alignment: 16)
            let plain = UnsafeMutableRawBufferPointer.allocate(
                byteCount: frameBytes, alignment: 16)
            let count = try frame.withUnsafeBytes {
                try Compressor(level: 2).compress($0, into: stored)
            }
            return {
                let decompressor = Decompressor()
                for _ in 0..<8 {
                    try decompressor.decompress(
                        UnsafeRawBufferPointer(rebasing: stored[..<count]), into: plain)
                }
                use(Int(plain[0]))
            }
        },
        Kernel(name: "index-miss", units: lookUps, unit: "look-up") {
            try lookUps(of: (0..<UInt64(lookUps)).map { 1 << 40 + $0 })
        },
        Kernel(name: "index-hit", units: lookUps, unit: "look-up") {
            // As many of each run: which one is searched first is left to chance.
            try lookUps(of: (0..<UInt64(lookUps)).map { $0 * 3 })
        },
    ]

    private static func lookUps(of numbers: [UInt64]) throws -> () throws -> Void {
        let index = try Sample.index()
        let names = numbers.map { SyntheticIndex.name(of: $0) }
        // Blocks are read and checked once; what counts are the look-ups themselves.
        for name in names { use(try index.contains(name) ? 1 : 0) }
        return {
            var found = 0
            for name in names where try index.contains(name) { found += 1 }
            guard found == 0 || found == names.count else { throw Unexpected() }
        }
    }

    private struct Unexpected: Error {}
}

/// Keeps a result from being optimised away.
@inline(never)
func use(_ value: Int) {
    withExtendedLifetime(value) {}
}
