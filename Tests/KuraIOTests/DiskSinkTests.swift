import KuraIO
import SystemPackage
import TestSupport
import Testing

/// What every sink does, whatever is behind it.
@Suite("Disk sinks") struct DiskSinkTests {
    enum Kind: CaseIterable {
        case newFile, shorterFile, longerFile, stream, memory, zeroedMemory, memoryInOrder
    }

    /// A disk as a writer gives it: pieces in ascending order.
    struct Disk: CustomTestStringConvertible {
        enum Piece {
            case data(Int)
            case hole(Int)
        }

        var testDescription: String
        var pieces: [Piece]

        static let table = [
            Disk(testDescription: "empty", pieces: []),
            Disk(testDescription: "one byte", pieces: [.data(1)]),
            Disk(testDescription: "one hole", pieces: [.hole((3 << 20) + 5)]),
            Disk(testDescription: "all data", pieces: [.data(1 << 20), .data(100_001)]),
            Disk(
                testDescription: "aligned",
                pieces: [.data(8192), .hole(4096), .data(1 << 20), .hole(1 << 20), .data(4096)]),
            Disk(
                testDescription: "unaligned",
                pieces: [.hole(3), .data(5000), .hole(70_001), .data(1), .hole(1), .data(300_000)]),
        ]
    }

    /// One stretch with its place; nil for a hole.
    private typealias Stretch = (range: Range<Int>, bytes: [UInt8]?)

    private func stretches(_ disk: Disk) -> [Stretch] {
        var random = SeededGenerator(seed: 7)
        var stretches: [Stretch] = []
        for piece in disk.pieces {
            let start = stretches.last?.range.upperBound ?? 0
            switch piece {
            case .data(let count):
                stretches.append((start..<(start + count), random.bytes(count)))
            case .hole(let count): stretches.append((start..<(start + count), nil))
            }
        }
        return stretches
    }

    private func bytes(_ stretches: [Stretch]) -> [UInt8] {
        stretches.flatMap { $0.bytes ?? [UInt8](repeating: 0, count: $0.range.count) }
    }

    /// Makes a sink of a kind, lets `body` write to it, and gives what it holds then.
    private func contents(
        _ kind: Kind, byteCount: Int, _ body: (any DiskSink) throws -> Void
    ) throws -> [UInt8] {
        let size = UInt64(byteCount)
        if let sink = memory(kind, size) {
            try body(sink)
            #expect(sink.outcome == .finished)
            return sink.bytes
        }
        return try withTemporaryDirectory { directory in
            let path = directory.appending("disk")
            let old: Int? =
                switch kind {
                case .shorterFile: byteCount / 2
                case .longerFile, .stream: byteCount + 4097
                default: nil
                }
            if let old {
                let file = try FileDescriptor.open(
                    path, .writeOnly, options: .create, permissions: .ownerReadWrite)
                try file.closeAfter { _ = try file.writeAll(repeatElement(0xaa, count: old)) }
            }
            if kind == .stream {
                let file = try FileDescriptor.open(path, .writeOnly, options: .truncate)
                try file.closeAfter {
                    try body(
                        StreamSink(
                            descriptor: file.rawValue, name: "stream", byteCount: size))
                }
            } else {
                try body(SinkPath(path, overwrites: old != nil).open(byteCount: size))
            }
            #expect(try LocalFileSystem().list(directory) == ["disk"])
            return try LocalFileSystem().contents(path, max: 1 << 24)
        }
    }

    private func memory(_ kind: Kind, _ size: UInt64) -> MemorySink? {
        switch kind {
        case .memory: MemorySink(byteCount: size)
        case .zeroedMemory: MemorySink(byteCount: size, startsAsZeros: true)
        case .memoryInOrder: MemorySink(byteCount: size, access: .sequential)
        default: nil
        }
    }

    private func give(_ stretch: Stretch, to sink: any DiskSink) throws(KuraError) {
        let range = UInt64(stretch.range.lowerBound)..<UInt64(stretch.range.upperBound)
        guard let bytes = stretch.bytes else { return try sink.zero(range) }
        let buffer = AlignedBuffer(byteCount: bytes.count)
        buffer.bytes.copyBytes(from: bytes)
        try sink.write(at: range.lowerBound, UnsafeRawBufferPointer(buffer.bytes))
        sink.startWriteback(range)
    }

    @Test("holds what it was given in order", arguments: Kind.allCases, Disk.table)
    func inOrder(_ kind: Kind, _ disk: Disk) throws {
        let stretches = stretches(disk)
        let expected = bytes(stretches)
        let found = try contents(kind, byteCount: expected.count) { sink in
            #expect(sink.byteCount == UInt64(expected.count))
            for stretch in stretches { try give(stretch, to: sink) }
            try sink.finish()
        }
        #expect(found == expected)
    }

    @Test(
        "takes stretches from several threads in any order, where its access is random",
        arguments: Kind.allCases, Disk.table)
    func anyOrder(_ kind: Kind, _ disk: Disk) throws {
        let stretches = stretches(disk)
        let expected = bytes(stretches)
        let found = try contents(kind, byteCount: expected.count) { sink in
            let threads = sink.access == .random ? 3 : 1
            Threads.run(threads) { thread in
                let mine = stretches.indices.filter { $0 % threads == thread }
                for index in sink.access == .random ? mine.reversed() : mine {
                    do throws(KuraError) {
                        try give(stretches[index], to: sink)
                    } catch {
                        Issue.record(error)
                    }
                }
            }
            try sink.finish()
        }
        #expect(found == expected)
    }

    @Test("needs no holes where it starts as zeros", arguments: Kind.allCases, Disk.table)
    func holes(_ kind: Kind, _ disk: Disk) throws {
        let stretches = stretches(disk)
        let expected = bytes(stretches)
        let found = try contents(kind, byteCount: expected.count) { sink in
            for stretch in stretches where stretch.bytes != nil || !sink.startsAsZeros {
                try give(stretch, to: sink)
            }
            try sink.finish()
        }
        #expect(found == expected)
    }
}
