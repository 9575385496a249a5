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
            let input = InputStream(descriptor: reading.rawValue, name: "input")
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
        from input: InputStream, into found: inout [UInt8], pieceBytes: Int,
        while write: @escaping @Sendable () -> Void
    ) throws {
        let writer = SerialWorker()
        defer { writer.stop() }
        writer.submit(write)
        var buffer = [UInt8](repeating: 0, count: pieceBytes)
        while true {
            let count = try buffer.withUnsafeMutableBytes { try input.read(into: $0) }
            found += buffer[..<count]
            if count < pieceBytes { break }
        }
    }

    @Test("reads nothing at the end of a stream, again and again")
    func end() throws {
        try withPipe { reading, writing in
            try writing.close()
            let input = InputStream(descriptor: reading.rawValue, name: "input")
            var buffer = [UInt8](repeating: 0, count: 10)
            for _ in 0..<3 {
                #expect(try buffer.withUnsafeMutableBytes { try input.read(into: $0) } == 0)
            }
        }
    }

    @Test("writes everything, even when it does not fit the pipe")
    func write() throws {
        try withPipe { reading, writing in
            let output = OutputStream(descriptor: writing.rawValue, name: "output")
            let writer = SerialWorker()
            defer { writer.stop() }
            writer.submit {
                try? Self.disk.withUnsafeBytes { try output.write($0) }
                try? writing.close()
            }
            let input = InputStream(descriptor: reading.rawValue, name: "input")
            var found = [UInt8](repeating: 0, count: Self.disk.count + 1)
            let count = try found.withUnsafeMutableBytes { try input.read(into: $0) }
            #expect(count == Self.disk.count)
            #expect(found.prefix(count) == Self.disk[...])
        }
    }

    @Test("reports what cannot be read or written, by the stream's name")
    func errors() throws {
        try withPipe { reading, writing in
            defer { try? writing.close() }
            var byte: [UInt8] = [0]
            #expect(throws: IOError("read", "input", .badFileDescriptor)) {
                let input = InputStream(descriptor: writing.rawValue, name: "input")
                _ = try byte.withUnsafeMutableBytes { try input.read(into: $0) }
            }
            #expect(throws: IOError("write", "output", .badFileDescriptor)) {
                let output = OutputStream(descriptor: reading.rawValue, name: "output")
                try byte.withUnsafeBytes { try output.write($0) }
            }
        }
    }
}
