import KuraCodec
import KuraFormat
import TestSupport
import Testing

/// The chunk vectors of FORMAT.md, section 10.6, against the chunker.
@Suite("FORMAT.md, chunking") struct ChunkVectorTests {
    private static func names() throws -> [String] {
        try Specification.vectors().map(\.name).filter { $0.hasPrefix("chunks-") }
    }

    @Test("has the gear table of the code") func gearTable() throws {
        let vector = try Specification.vector("gear-table")
        func hex(_ word: UInt64) -> String {
            let digits = String(word, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }
        for value in [0, 1, 255] {
            #expect(try vector.one("word-\(value)") == hex(GearTable.words[value]))
        }
        var writer = ByteWriter()
        for value in 0..<256 { writer.integer(GearTable.words[value]) }
        #expect(try vector.one("table-sha256") == SHA256.digest(writer.bytes).hex)
    }

    @Test("has the chunks of the code", arguments: try names()) func chunks(_ name: String) throws {
        let input = try ChunkInput(Specification.vector(name))
        #expect(input.chunks() == input.expected)
    }

    @Test("has the same chunks when a run becomes known piece by piece", arguments: try names())
    func pieces(_ name: String) throws {
        let input = try ChunkInput(Specification.vector(name))
        for step in [509, 4096] { #expect(input.chunks(growingBy: step) == input.expected) }
    }

    @Test("covers the cases that are easy to get wrong") func coverage() throws {
        let inputs = try Self.names().map { try ChunkInput(Specification.vector($0)) }
        func some(_ condition: (ChunkInput, ChunkInput.Chunk) -> Bool) -> Bool {
            inputs.contains { input in input.expected.contains { condition(input, $0) } }
        }
        #expect(some { $0.chunker.kind == .gearTail && $1.byteCount == $0.chunker.min })
        #expect(some { $0.chunker.kind == .gearTail && $1.byteCount == $0.chunker.max })
        #expect(some { $0.chunker.kind == .gearTail && $1.byteCount == $0.chunker.mean })
        #expect(some { $1.byteCount < $0.chunker.min })
        #expect(some { $1.end % Limits.blockBytes == 0 && $1.end < $0.bytes.count })
        #expect(inputs.contains { $0.expected.isEmpty && $0.bytes.count == Limits.extentBytes })
    }

    @Test("does not take a run's known end for a place of the easy mask")
    func easyBeforeMean() throws {
        // Position 4095 has the easy mask's bits zero; that counts from 4096 on only.
        let input = try ChunkInput(Specification.vector("chunks-easy-before-mean"))
        let cut = input.bytes.withUnsafeBufferPointer { bytes in
            input.chunker.cut(
                bytes.baseAddress!, from: 0, to: 4095, runEnds: false, diskOffset: 0)
        }
        #expect(cut == nil)
    }
}

/// A vector's piece of a disk, and the chunks that it must be cut into.
private struct ChunkInput {
    struct Chunk: Equatable {
        var start: Int
        var byteCount: Int
        var end: Int { start + byteCount }
    }

    let chunker: Chunker
    let diskOffset: Int
    let bytes: [UInt8]
    let expected: [Chunk]

    init(_ vector: SpecVector) throws {
        let kind = try #require(ChunkerKind(rawValue: vector.one("chunker")))
        chunker = Chunker(kind, mean: try vector.integer("mean"))
        diskOffset = try vector.integer("disk-offset")
        bytes = try vector.fields("input").flatMap { fields in
            let count = try #require(Int(fields[2]))
            switch fields[0] {
            case "byte":
                return [UInt8](repeating: try #require(UInt8(fields[1], radix: 16)), count: count)
            case "splitmix64":
                var generator = SeededGenerator(seed: try #require(UInt64(fields[1])))
                return generator.bytes(count)
            default: throw Specification.Problem("unknown input \(fields[0])")
            }
        }
        expected = try vector.fields("chunk").map { fields in
            Chunk(start: try #require(Int(fields[0])), byteCount: try #require(Int(fields[1])))
        }
    }

    /// Cuts every data run.
    /// - Parameter step: bytes by which the known part of a run grows; nil: known as a whole.
    func chunks(growingBy step: Int? = nil) -> [Chunk] {
        bytes.withUnsafeBufferPointer { buffer in
            var chunks: [Chunk] = []
            for run in runs(buffer) {
                var start = run.lowerBound
                var known = step.map { min(start + $0, run.upperBound) } ?? run.upperBound
                while start < run.upperBound {
                    let end =
                        start < known
                        ? chunker.cut(
                            buffer.baseAddress!, from: start, to: known,
                            runEnds: known == run.upperBound, diskOffset: UInt64(diskOffset)) : nil
                    if let end {
                        chunks.append(Chunk(start: start, byteCount: end - start))
                        start = end
                    } else {
                        known = min(known + (step ?? 0), run.upperBound)
                    }
                }
            }
            return chunks
        }
    }

    /// The data runs: consecutive blocks of one extent that are not all zero.
    private func runs(_ buffer: UnsafeBufferPointer<UInt8>) -> [Range<Int>] {
        var runs: [Range<Int>] = []
        for start in stride(from: 0, to: buffer.count, by: Limits.blockBytes) {
            let end = min(start + Limits.blockBytes, buffer.count)
            if ZeroScan.isZero(buffer.baseAddress! + start, count: end - start) { continue }
            let startsExtent = (diskOffset + start) % Limits.extentBytes == 0
            if let last = runs.last, last.upperBound == start, !startsExtent {
                runs[runs.count - 1] = last.lowerBound..<end
            } else {
                runs.append(start..<end)
            }
        }
        return runs
    }
}
