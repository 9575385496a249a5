import KuraIO
import SystemPackage
import TestSupport
import Testing

/// What every source does, whatever is behind it.
@Suite("Disk sources") struct DiskSourceTests {
    enum Kind: CaseIterable { case file, memory, stream }

    private static let sizes = [0, 1, 4095, 4096, 524_288, 1_500_001]

    private func withSource(
        _ kind: Kind, _ bytes: [UInt8], _ body: (any DiskSource) throws -> Void
    ) throws {
        try withTemporaryDirectory { directory in
            let path = directory.appending("disk")
            let file = try FileDescriptor.open(
                path, .readWrite, options: .create, permissions: .ownerReadWrite)
            try file.closeAfter {
                _ = try file.writeAll(toAbsoluteOffset: 0, bytes)
                switch kind {
                case .file: try body(FileSource(path))
                case .memory: try body(MemorySource(name: "memory", bytes))
                case .stream:
                    try body(StreamSource(descriptor: file.rawValue, name: "stream"))
                }
            }
        }
    }

    @Test(
        "gives every byte, window by window, and nothing behind the end",
        arguments: Kind.allCases, sizes)
    func windows(_ kind: Kind, _ byteCount: Int) throws {
        let disk = SyntheticDisk(seed: 3, byteCount: byteCount).bytes
        try withSource(kind, disk) { source throws in
            let window = AlignedBuffer(byteCount: 512 << 10)
            var found: [UInt8] = []
            while true {
                let count = try source.read(at: UInt64(found.count), into: window.bytes)
                found += window.bytes[..<count]
                if count < window.byteCount { break }
            }
            #expect(found == disk)
            #expect(try source.read(at: UInt64(byteCount), into: window.bytes) == 0)
        }
    }

    @Test("knows its size, or has an end", arguments: Kind.allCases, sizes)
    func size(_ kind: Kind, _ byteCount: Int) throws {
        let disk = SyntheticDisk(seed: 3, byteCount: byteCount).bytes
        try withSource(kind, disk) { source throws in
            #expect(source.knownByteCount == (kind == .stream ? nil : UInt64(byteCount)))
            #expect(!source.name.isEmpty)
            #expect(try !source.hasChanged())
        }
    }

    @Test("leaves out of its data only what reads as zeros", arguments: Kind.allCases, sizes)
    func data(_ kind: Kind, _ byteCount: Int) throws {
        let disk = SyntheticDisk(seed: 3, byteCount: byteCount).bytes
        try withSource(kind, disk) { source throws in
            var cursor: UInt64 = 0
            let end = UInt64(byteCount)
            while let data = try source.nextData(in: cursor..<end) {
                #expect(!data.isEmpty && data.lowerBound >= cursor && data.upperBound <= end)
                #expect(disk[Int(cursor)..<Int(data.lowerBound)].allSatisfy { $0 == 0 })
                cursor = data.upperBound
            }
            #expect(disk[Int(cursor)...].allSatisfy { $0 == 0 })
            #expect(try source.nextData(in: end..<end) == nil)
        }
    }

    @Test("is read at any offset when its size is known", arguments: [Kind.file, .memory])
    func anyOffset(_ kind: Kind) throws {
        let disk = SyntheticDisk(seed: 4, byteCount: 100_001).bytes
        try withSource(kind, disk) { source throws in
            let window = AlignedBuffer(byteCount: 5000)
            for offset in [99_999, 0, 50_000, 1, 100_001, 200_000] {
                let count = try source.read(at: UInt64(offset), into: window.bytes)
                #expect(window.bytes[..<count].elementsEqual(disk.dropFirst(offset).prefix(5000)))
            }
        }
    }

    @Test("refuses to read a stream anywhere but where the last read ended")
    func order() throws {
        try withSource(.stream, [1, 2, 3, 4]) { source throws in
            var two: [UInt8] = [0, 0]
            _ = try two.withUnsafeMutableBytes { try source.read(at: 0, into: $0) }
            let error = #expect(throws: KuraError.self) {
                _ = try two.withUnsafeMutableBytes { try source.read(at: 0, into: $0) }
            }
            #expect(error?.message == "stream is a stream and cannot be read at offset 0")
            #expect(try two.withUnsafeMutableBytes { try source.read(at: 2, into: $0) } == 2)
            #expect(two == [3, 4])
        }
    }

    @Test("a stretch of a disk in memory has a hole before it")
    func stretch() throws {
        let buffer = AlignedBuffer(byteCount: 100)
        buffer.bytes.initializeMemory(as: UInt8.self, repeating: 7)
        let source = MemorySource(name: "stretch", buffer: buffer, count: 10, start: 50)
        #expect(source.byteCount == 60)
        #expect(try source.nextData(in: 0..<60) == 50..<60)
        #expect(try source.nextData(in: 0..<50) == nil)
        var found = [UInt8](repeating: 1, count: 20)
        #expect(try found.withUnsafeMutableBytes { try source.read(at: 45, into: $0) } == 15)
        #expect(found == [0, 0, 0, 0, 0] + [UInt8](repeating: 7, count: 10) + [1, 1, 1, 1, 1])
    }
}
