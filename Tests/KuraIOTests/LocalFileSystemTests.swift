import Glibc
import KuraIO
import SystemPackage
import TestSupport
import Testing

@Suite("Local file system") struct LocalFileSystemTests {
    private let local = LocalFileSystem()

    private func create(_ path: FilePath, _ text: String = "") throws {
        let file = try local.create(path)
        defer { local.close(file) }
        try Array(text.utf8).withUnsafeBytes { try local.write(file, path, at: 0, from: $0) }
    }

    // MARK: - Files

    @Test("creates a file for its owner only, and only where there is none")
    func create() throws {
        try withTemporaryDirectory { directory in
            let path = directory.appending("file")
            try create(path)
            #expect(try local.status(path).mode == 0o600)
            let error = #expect(throws: IOError.self) { try create(path) }
            #expect(error?.errno == .fileExists)
        }
    }

    @Test("reads as many bytes as there are")
    func read() throws {
        try withTemporaryDirectory { directory in
            let path = directory.appending("file")
            try create(path, "0123456789")
            let file = try local.openForReading(path)
            defer { local.close(file) }
            for (offset, expected) in [(0, "0123"), (4, "4567"), (8, "89"), (10, ""), (99, "")] {
                var target = [UInt8](repeating: 0, count: 4)
                let count = try target.withUnsafeMutableBytes {
                    try local.read(file, path, at: UInt64(offset), into: $0)
                }
                #expect(target.prefix(count) == Array(expected.utf8)[...])
            }
        }
    }

    @Test("writes at an offset, and zeros lie before it")
    func writeAtOffset() throws {
        try withTemporaryDirectory { directory in
            let path = directory.appending("file")
            let file = try local.create(path)
            defer { local.close(file) }
            try [UInt8]([7, 8]).withUnsafeBytes { try local.write(file, path, at: 3, from: $0) }
            #expect(try local.contents(path, max: 10) == [0, 0, 0, 7, 8])
        }
    }

    @Test(
        "writes long pieces whole, wherever they lie in memory and in the file",
        arguments: [0, 1, 4096], [0, 512, 8192])
    func longPieces(memoryOffset: Int, fileOffset: UInt64) throws {
        try withTemporaryDirectory { directory in
            let buffer = AlignedBuffer(byteCount: 1 << 20)
            buffer.bytes.copyBytes(from: SyntheticDisk(seed: 4, byteCount: 1 << 20).bytes)
            // Not a multiple of anything, so that both ways of writing have to meet.
            let piece = UnsafeRawBufferPointer(
                rebasing: buffer.bytes[memoryOffset..<(memoryOffset + 700_001)])
            let path = directory.appending("file")
            let file = try local.create(path)
            try local.write(file, path, at: fileOffset, from: piece)
            try local.write(file, path, at: fileOffset + 700_001, from: piece)
            local.close(file)
            let found = try local.contents(path, max: 1 << 21)
            #expect(found.count == Int(fileOffset) + 2 * 700_001)
            #expect(found.dropFirst(Int(fileOffset)).elementsEqual(Array(piece) + Array(piece)))
        }
    }

    @Test("does not follow a link that has a file's name")
    func link() throws {
        try withTemporaryDirectory { directory in
            let path = directory.appending("link")
            try create(directory.appending("file"), "text")
            #expect(symlink("file", path.string) == 0)
            #expect(throws: IOError.self) { _ = try local.openForReading(path) }
            #expect(throws: IOError.self) { _ = try local.create(path) }
            #expect(throws: IOError.self) { _ = try local.lock(path) }
        }
    }

    @Test("refuses contents that are longer than expected")
    func contentsTooLong() throws {
        try withTemporaryDirectory { directory in
            let path = directory.appending("file")
            try create(path, "12345")
            #expect(try local.contents(path, max: 5).count == 5)
            let error = #expect(throws: IOError.self) { _ = try local.contents(path, max: 4) }
            #expect(error?.errno == .fileTooLarge)
        }
    }

    @Test("seals a file against writing")
    func seal() throws {
        try withTemporaryDirectory { directory in
            let path = directory.appending("file")
            let file = try local.create(path)
            defer { local.close(file) }
            try local.seal(file, path)
            #expect(try local.status(path).mode == 0o400)
        }
    }

    @Test("removes a file once")
    func remove() throws {
        try withTemporaryDirectory { directory in
            let path = directory.appending("file")
            try create(path)
            try local.remove(path)
            let error = #expect(throws: IOError.self) { try local.remove(path) }
            #expect(error?.isNotFound == true)
        }
    }

    // MARK: - Rename

    @Test("renames over a file only when it is asked to")
    func rename() throws {
        try withTemporaryDirectory { directory in
            let (from, to) = (directory.appending("from"), directory.appending("to"))
            try create(from, "new")
            try create(to, "old")
            let error = #expect(throws: IOError.self) {
                try local.rename(from, to: to, replacing: false)
            }
            #expect(error?.errno == .fileExists)
            #expect(try local.contents(to, max: 9) == Array("old".utf8))
            try local.rename(from, to: to, replacing: true)
            #expect(try local.contents(to, max: 9) == Array("new".utf8))
            #expect(try local.list(directory) == ["to"])
        }
    }

    // MARK: - Presence

    @Test("says that a file exists, or that it does not")
    func exists() throws {
        try withTemporaryDirectory { directory in
            let path = directory.appending("file")
            #expect(try !local.exists(path))
            try create(path)
            #expect(try local.exists(path))
            #expect(try local.exists(directory))
            #expect(try !local.exists(path.appending("below")))
        }
    }

    @Test("never takes another error for absence")
    func notAbsence() throws {
        try withTemporaryDirectory { directory throws in
            let path = directory.appending(String(repeating: "n", count: 300))
            let error = #expect(throws: IOError.self) { _ = try local.exists(path) }
            #expect(error?.isNotFound == false)
        }
    }

    @Test("tells files, directories and other things apart")
    func kinds() throws {
        try withTemporaryDirectory { directory in
            let path = directory.appending("file")
            try create(path, "12345")
            let status = try local.status(path)
            #expect(status.kind == .regular)
            #expect(status.byteCount == 5)
            #expect(status.owner == Process.userID)
            #expect(status.modified > 1_600_000_000_000_000_000)
            #expect(try local.status(directory).kind == .directory)
            #expect(try local.status("/dev/null").kind == .other)
        }
    }

    // MARK: - Directories

    @Test("lists the names in a directory")
    func list() throws {
        try withTemporaryDirectory { directory in
            #expect(try local.list(directory).isEmpty)
            let names = ["b", "a", "c", "B", ".hidden", "10", "9"]
            for name in names { try create(directory.appending(name)) }
            #expect(try local.list(directory).sorted() == names.sorted())
        }
    }

    @Test("lists many names completely")
    func longList() throws {
        try withTemporaryDirectory { directory in
            let names = (0..<300).map { "\($0)-" + String(repeating: "x", count: 120) }
            for name in names { try create(directory.appending(name)) }
            #expect(try local.list(directory).sorted() == names.sorted())
        }
    }

    @Test("does not list what is missing or is no directory")
    func listErrors() throws {
        try withTemporaryDirectory { directory in
            let path = directory.appending("file")
            #expect(throws: IOError.self) { _ = try local.list(path) }
            try create(path)
            #expect(throws: IOError.self) { _ = try local.list(path) }
        }
    }

    @Test("makes one directory and leaves an existing one as it is")
    func makeDirectory() throws {
        try withTemporaryDirectory { directory in
            let path = directory.appending("one")
            try local.makeDirectory(path)
            try create(path.appending("file"))
            try local.makeDirectory(path)
            #expect(try local.list(path) == ["file"])
            let orphan = directory.appending("no/two")
            #expect(throws: IOError.self) { try local.makeDirectory(orphan) }
        }
    }

    @Test("knows how much room there is")
    func freeBytes() throws {
        try withTemporaryDirectory { directory throws in
            #expect(try local.freeBytes(directory) > 0)
            let missing = directory.appending("missing")
            #expect(throws: IOError.self) { _ = try local.freeBytes(missing) }
        }
    }

    // MARK: - Locks

    @Test("gives a lock to one holder, until that one closes it")
    func lock() throws {
        try withTemporaryDirectory { directory throws in
            let path = directory.appending("lock")
            let first = try #require(try local.lock(path))
            #expect(try local.lock(path) == nil)
            local.close(first)
            let second = try #require(try local.lock(path))
            local.close(second)
        }
    }

    @Test("locks each file by itself")
    func locks() throws {
        try withTemporaryDirectory { directory throws in
            let first = try #require(try local.lock(directory.appending("first")))
            let second = try #require(try local.lock(directory.appending("second")))
            local.close(first)
            local.close(second)
        }
    }

    @Test("reports a lock file that cannot be made")
    func noLock() throws {
        try withTemporaryDirectory { directory throws in
            let path = directory.appending("no/lock")
            #expect(throws: IOError.self) { _ = try local.lock(path) }
        }
    }
}
