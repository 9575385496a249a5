import KuraIO
import SystemPackage
import TestSupport
import Testing

@Suite("Publish") struct PublishTests {
    private let local = LocalFileSystem()

    private static let bytes = Array("the bytes of a pack".utf8)

    private func contents(_ path: FilePath) throws -> [UInt8] {
        try local.contents(path, max: 1 << 24)
    }

    /// Writes a file as another program might have, with a mode of its own.
    private func place(_ bytes: [UInt8], at path: FilePath) throws {
        let file = try FileDescriptor.open(
            path, .writeOnly, options: [.create, .exclusiveCreate], permissions: .ownerReadWrite)
        try file.closeAfter { _ = try file.writeAll(bytes) }
    }

    @Test("leaves one file with the bytes, for reading only")
    func publish() throws {
        try withTemporaryDirectory { directory in
            let name = directory.appending("name")
            try local.publish(Self.bytes, as: name, temporary: directory.appending("temporary"))
            #expect(try contents(name) == Self.bytes)
            #expect(try local.status(name).mode == 0o400)
            #expect(try local.list(directory) == ["name"])
        }
    }

    @Test("writes pieces one behind the other, empty ones, too")
    func pieces() throws {
        let disk = SyntheticDisk(seed: 1, byteCount: 1_100_000).bytes
        try withTemporaryDirectory { directory in
            let name = directory.appending("name")
            try disk.withUnsafeBytes { raw in
                let pieces = [0..<5, 5..<5, 5..<70_000, 70_000..<raw.count]
                    .map { UnsafeRawBufferPointer(rebasing: raw[$0]) }
                try local.publish(pieces, as: name, temporary: directory.appending("temporary"))
            }
            #expect(try contents(name) == disk)
        }
    }

    @Test("publishes a file without bytes")
    func empty() throws {
        try withTemporaryDirectory { directory in
            let name = directory.appending("name")
            try local.publish([UInt8](), as: name, temporary: directory.appending("temporary"))
            #expect(try contents(name).isEmpty)
        }
    }

    @Test("flushes the file before its rename and the directory after it")
    func order() throws {
        let recording = RecordingFileSystem()
        try withTemporaryDirectory { directory in
            try recording.publish(
                Self.bytes, as: directory.appending("name"),
                temporary: directory.appending("temporary"))
        }
        #expect(recording.calls == [.create, .write, .seal, .flush, .rename, .flushDirectory])
    }

    // MARK: - Existing files

    @Test("keeps an equal file that exists", arguments: [0, 19, 1_100_000])
    func equalExists(_ count: Int) throws {
        let bytes = SyntheticDisk(seed: 2, byteCount: count).bytes
        try withTemporaryDirectory { directory in
            let name = directory.appending("name")
            try place(bytes, at: name)
            try local.publish(bytes, as: name, temporary: directory.appending("temporary"))
            #expect(try local.status(name).mode == 0o600)
            #expect(try local.list(directory) == ["name"])
        }
    }

    @Test("replaces a damaged file that exists", arguments: [0, 1 << 20, 1_099_999])
    func damagedExists(_ position: Int) throws {
        let bytes = SyntheticDisk(seed: 2, byteCount: 1_100_000).bytes
        try withTemporaryDirectory { directory in
            let name = directory.appending("name")
            var damaged = bytes
            damaged[position] ^= 1
            try place(damaged, at: name)
            try local.publish(bytes, as: name, temporary: directory.appending("temporary"))
            #expect(try contents(name) == bytes)
            #expect(try local.list(directory) == ["name"])
        }
    }

    @Test("replaces a shorter or longer file that exists", arguments: [-1, 1])
    func otherLengthExists(_ difference: Int) throws {
        try withTemporaryDirectory { directory in
            let name = directory.appending("name")
            try place((Self.bytes + [0]).dropLast(1 - difference), at: name)
            try local.publish(Self.bytes, as: name, temporary: directory.appending("temporary"))
            #expect(try contents(name) == Self.bytes)
        }
    }

    @Test("replaces whatever exists when it is asked to")
    func replacing() throws {
        try withTemporaryDirectory { directory in
            let name = directory.appending("name")
            try place(Self.bytes, at: name)
            try local.publish(
                Self.bytes, as: name, temporary: directory.appending("temporary"), replacing: true)
            #expect(try local.status(name).mode == 0o400)
        }
    }

    // MARK: - Failures

    @Test(
        "leaves nothing behind when a call fails",
        arguments: [RecordingFileSystem.Call.create, .write, .seal, .flush, .rename])
    func failure(_ call: RecordingFileSystem.Call) throws {
        let recording = RecordingFileSystem(failing: call)
        try withTemporaryDirectory { directory throws in
            let error = #expect(throws: IOError.self) {
                try recording.publish(
                    Self.bytes, as: directory.appending("name"),
                    temporary: directory.appending("temporary"))
            }
            #expect(error?.operation == call.rawValue)
            #expect(try local.list(directory).isEmpty)
            #expect(recording.calls.count { $0 == .flush } <= 1)
        }
    }

    @Test("reports a directory that cannot be flushed, with the file complete")
    func directoryFlushFails() throws {
        let recording = RecordingFileSystem(failing: .flushDirectory)
        try withTemporaryDirectory { directory throws in
            let name = directory.appending("name")
            #expect(throws: IOError.self) {
                try recording.publish(
                    Self.bytes, as: name, temporary: directory.appending("temporary"))
            }
            #expect(try contents(name) == Self.bytes)
            #expect(try local.list(directory) == ["name"])
        }
    }

    @Test("leaves nothing behind when the final directory does not exist")
    func noDirectory() throws {
        try withTemporaryDirectory { directory throws in
            let error = #expect(throws: IOError.self) {
                try local.publish(
                    Self.bytes, as: directory.appending("missing/name"),
                    temporary: directory.appending("temporary"))
            }
            #expect(error?.isNotFound == true)
            #expect(try local.list(directory).isEmpty)
        }
    }

    @Test("leaves nothing behind when a directory has the name")
    func directoryInTheWay() throws {
        try withTemporaryDirectory { directory in
            let name = directory.appending("name")
            try local.makeDirectory(name)
            #expect(throws: IOError.self) {
                try local.publish(Self.bytes, as: name, temporary: directory.appending("temporary"))
            }
            #expect(try local.list(directory) == ["name"])
        }
    }

    @Test("leaves somebody else's temporary file alone")
    func temporaryExists() throws {
        try withTemporaryDirectory { directory in
            let temporary = directory.appending("temporary")
            try place([1], at: temporary)
            let error = #expect(throws: IOError.self) {
                try local.publish(
                    Self.bytes, as: directory.appending("name"), temporary: temporary)
            }
            #expect(error?.errno == .fileExists)
            #expect(try contents(temporary) == [1])
            #expect(try local.list(directory) == ["temporary"])
        }
    }

    // MARK: - Directories

    @Test("makes a directory with everything above it")
    func makeDirectories() throws {
        try withTemporaryDirectory { directory in
            let path = directory.appending("one/two/three")
            try local.makeDirectories(path)
            #expect(try local.status(path).kind == .directory)
            #expect(try local.status(path).mode == 0o700)
            try local.makeDirectories(path)
        }
    }

    @Test("flushes the parent of each directory it makes, and of no other")
    func directoriesFlushed() throws {
        let recording = RecordingFileSystem()
        try withTemporaryDirectory { directory in
            try recording.makeDirectories(directory.appending("one/two"))
        }
        #expect(
            recording.calls == [.makeDirectory, .flushDirectory, .makeDirectory, .flushDirectory])
    }

    @Test("does not take a file for a directory", arguments: ["file", "file/below"])
    func fileInTheWay(_ path: String) throws {
        try withTemporaryDirectory { directory in
            try place([1], at: directory.appending("file"))
            #expect(throws: IOError.self) {
                try local.makeDirectories(directory.pushing(FilePath(path)))
            }
        }
    }
}
