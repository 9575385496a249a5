import Glibc
import KuraIO
import SystemPackage
import TestSupport
import Testing

@Suite("File source") struct FileSourceTests {
    /// A file of 1 MiB whose only data are 64 KiB in its middle.
    private func withSparseFile(_ body: (FileSource) throws -> Void) throws {
        try withTemporaryDirectory { directory in
            let path = directory.appending("disk")
            let file = try FileDescriptor.open(
                path, .writeOnly, options: .create, permissions: .ownerReadWrite)
            try file.closeAfter {
                try file.resize(to: 1 << 20)
                let data = [UInt8](repeating: 1, count: 64 << 10)
                _ = try file.writeAll(toAbsoluteOffset: Int64(Self.data.lowerBound), data)
            }
            try body(FileSource(path))
        }
    }

    private static let data: Range<UInt64> = (512 << 10)..<(576 << 10)

    private func withDisk(_ byteCount: Int, _ body: (FilePath, [UInt8]) throws -> Void) throws {
        try withTemporaryDirectory { directory in
            let path = directory.appending("disk")
            let disk = SyntheticDisk(seed: 1, byteCount: byteCount)
            try disk.write(to: path, sparse: true)
            try body(path, disk.bytes)
        }
    }

    @Test("has the size of the file", arguments: [0, 1, 511, 4096, 100_001])
    func size(_ byteCount: Int) throws {
        try withDisk(byteCount) { path, _ throws in
            #expect(try FileSource(path).byteCount == UInt64(byteCount))
        }
    }

    @Test("reads any stretch, and less at the end")
    func read() throws {
        try withDisk(100_001) { path, bytes in
            let file = try FileSource(path)
            for offset in [0, 1, 4095, 50_000, 99_000, 100_000, 100_001, 200_000] {
                var target = [UInt8](repeating: 0xee, count: 5000)
                let count = try target.withUnsafeMutableBytes {
                    try file.read(at: UInt64(offset), into: $0)
                }
                #expect(target.prefix(count) == bytes.dropFirst(offset).prefix(5000))
            }
        }
    }

    // MARK: - Holes

    @Test("finds the data between two holes")
    func nextData() throws {
        try withSparseFile { file throws in
            #expect(try file.nextData(in: 0..<file.byteCount) == Self.data)
        }
    }

    @Test("finds nothing in a hole, behind the end or in no range at all")
    func noData() throws {
        try withSparseFile { file throws in
            #expect(try file.nextData(in: 0..<Self.data.lowerBound) == nil)
            #expect(try file.nextData(in: Self.data.upperBound..<file.byteCount) == nil)
            #expect(try file.nextData(in: file.byteCount..<(file.byteCount + 4096)) == nil)
            #expect(try file.nextData(in: 0..<0) == nil)
            #expect(try file.nextData(in: Self.data.lowerBound..<Self.data.lowerBound) == nil)
        }
    }

    @Test("finds data within the range only")
    func dataInRange() throws {
        try withSparseFile { file throws in
            let inside = (Self.data.lowerBound + 5000)..<(Self.data.upperBound - 5000)
            #expect(try file.nextData(in: inside) == inside)
            let early = 0..<(Self.data.lowerBound + 5000)
            #expect(try file.nextData(in: early) == Self.data.lowerBound..<early.upperBound)
        }
    }

    @Test("finds all data of a disk")
    func allData() throws {
        try withDisk(3 << 20) { path, bytes in
            let file = try FileSource(path)
            var cursor: UInt64 = 0
            var found = [UInt8](repeating: 0, count: bytes.count)
            while let range = try file.nextData(in: cursor..<file.byteCount) {
                #expect(range.lowerBound >= cursor && range.upperBound <= file.byteCount)
                try found.withUnsafeMutableBytes { found in
                    let part = found[Int(range.lowerBound)..<Int(range.upperBound)]
                    let target = UnsafeMutableRawBufferPointer(rebasing: part)
                    let count = try file.read(at: range.lowerBound, into: target)
                    #expect(count == range.count)
                }
                cursor = range.upperBound
            }
            #expect(found == bytes)
        }
    }

    // MARK: - Errors

    @Test("refuses a directory")
    func directory() throws {
        try withTemporaryDirectory { directory throws in
            let error = try #require(throws: KuraError.self) { _ = try FileSource(directory) }
            #expect(error.message == "\(directory) is a directory, not a disk")
        }
    }

    @Test("refuses a file that does not exist")
    func missing() throws {
        try withTemporaryDirectory { directory throws in
            let path = directory.appending("missing")
            let error = try #require(throws: KuraError.self) { _ = try FileSource(path) }
            #expect(error.message == "there is no \(path)")
        }
    }

    @Test("refuses a character device")
    func device() throws {
        let error = try #require(throws: KuraError.self) { _ = try FileSource("/dev/null") }
        #expect(error.message == "/dev/null is neither a file nor a block device")
    }

    @Test("refuses a named pipe without waiting for a writer", .timeLimit(.minutes(1)))
    func pipe() throws {
        try withTemporaryDirectory { directory throws in
            let path = directory.appending("pipe")
            #expect(mkfifo(path.string, 0o600) == 0)
            let error = try #require(throws: KuraError.self) { _ = try FileSource(path) }
            #expect(error.message == "\(path) is neither a file nor a block device")
        }
    }

    // MARK: - Changes

    @Test("has not changed while nobody writes")
    func unchanged() throws {
        try withDisk(10_000) { path, _ throws in
            #expect(try !FileSource(path).hasChanged())
        }
    }

    @Test("has changed when it has another size")
    func otherSize() throws {
        try withDisk(10_000) { path, _ in
            let file = try FileSource(path)
            #expect(truncate(path.string, 10_001) == 0)
            #expect(try file.hasChanged())
        }
    }

    @Test("has changed when it was written at another time")
    func otherTime() throws {
        try withDisk(10_000) { path, _ in
            let file = try FileSource(path)
            let times = [timespec(tv_sec: 1, tv_nsec: 0), timespec(tv_sec: 1, tv_nsec: 0)]
            #expect(utimensat(AT_FDCWD, path.string, times, 0) == 0)
            #expect(try file.hasChanged())
        }
    }

    @Test("reads the file that was opened, whatever gets its name")
    func replaced() throws {
        try withDisk(10_000) { path, bytes in
            let file = try FileSource(path)
            try SyntheticDisk(seed: 2, byteCount: 10_000)
                .write(to: FilePath("\(path).new"), sparse: false)
            try LocalFileSystem().rename(FilePath("\(path).new"), to: path, replacing: true)
            var target = [UInt8](repeating: 0, count: 10_000)
            _ = try target.withUnsafeMutableBytes { try file.read(at: 0, into: $0) }
            #expect(target == bytes)
        }
    }
}
