import KuraIO
import SystemPackage
import TestSupport
import Testing

/// Standard input and output as pipes, which give and take less than they are asked for.
@Suite("Streams") struct StreamTests {
    private static let disk = SyntheticDisk(seed: 1, byteCount: 1_000_003).bytes

    private func withPipe(
        _ body: (_ reading: FileDescriptor, _ writing: FileDescriptor) throws -> Void
    ) throws {
        let ends = try FileDescriptor.pipe()
        defer { try? ends.readEnd.close() }
        try body(ends.readEnd, ends.writeEnd)
    }

    @Test("reads all that was asked for, however small the pieces that come")
    func read() throws {
        try withPipe { reading, writing in
            let input = StreamSource(descriptor: reading.rawValue, name: "input")
            var found: [UInt8] = []
            try read(from: input, into: &found, pieceBytes: 30_000) {
                var rest = Self.disk[...]
                while !rest.isEmpty {
                    _ = try? writing.writeAll(rest.prefix(777))
                    rest = rest.dropFirst(777)
                }
                try? writing.close()
            }
            #expect(found == Self.disk)
        }
    }

    /// Reads to the end while `write` runs on a thread of its own; only the last piece is short.
    private func read(
        from input: StreamSource, into found: inout [UInt8], pieceBytes: Int,
        while write: @escaping @Sendable () -> Void
    ) throws {
        let writer = SerialWorker()
        defer { writer.stop() }
        writer.submit(write)
        var buffer = [UInt8](repeating: 0, count: pieceBytes)
        while true {
            let place = UInt64(found.count)
            let count = try buffer.withUnsafeMutableBytes { try input.read(at: place, into: $0) }
            found += buffer[..<count]
            if count < pieceBytes { break }
        }
    }

    @Test("reads nothing at the end of a stream, again and again")
    func end() throws {
        try withPipe { reading, writing in
            try writing.close()
            let input = StreamSource(descriptor: reading.rawValue, name: "input")
            var buffer = [UInt8](repeating: 0, count: 10)
            for _ in 0..<3 {
                #expect(try buffer.withUnsafeMutableBytes { try input.read(at: 0, into: $0) } == 0)
            }
        }
    }

    @Test("writes everything, even when it does not fit the pipe")
    func write() throws {
        try withPipe { reading, writing in
            let output = StreamSink(
                descriptor: writing.rawValue, name: "output", byteCount: UInt64(Self.disk.count))
            let writer = SerialWorker()
            defer { writer.stop() }
            writer.submit {
                try? Self.disk.withUnsafeBytes { try output.write(at: 0, $0) }
                try? writing.close()
            }
            let input = StreamSource(descriptor: reading.rawValue, name: "input")
            var found = [UInt8](repeating: 0, count: Self.disk.count + 1)
            let count = try found.withUnsafeMutableBytes { try input.read(at: 0, into: $0) }
            #expect(count == Self.disk.count)
            #expect(found.prefix(count) == Self.disk[...])
        }
    }

    @Test("reports what cannot be read or written, by the stream's name")
    func errors() throws {
        try withPipe { reading, writing in
            defer { try? writing.close() }
            var byte: [UInt8] = [0]
            #expect(throws: KuraError(io: IOError("read", at: "input", .badFileDescriptor))) {
                let input = StreamSource(descriptor: writing.rawValue, name: "input")
                _ = try byte.withUnsafeMutableBytes { try input.read(at: 0, into: $0) }
            }
            #expect(throws: KuraError(io: IOError("write", at: "output", .badFileDescriptor))) {
                let output = StreamSink(
                    descriptor: reading.rawValue, name: "output", byteCount: 1)
                try byte.withUnsafeBytes { try output.write(at: 0, $0) }
            }
        }
    }
}
