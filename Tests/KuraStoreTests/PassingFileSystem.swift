import KuraIO
import Synchronization
import SystemPackage

/// The local file system with one replica whose locks cannot be taken.
final class BlindFileSystem: PassingFileSystem {
    private let part: String

    init(to replica: Int) { part = "/replica-\(replica)/" }

    func willLock(_ path: FilePath) throws(IOError) {
        if path.string.contains(part) { throw IOError("lock", path, .readOnlyFileSystem) }
    }

    func willRead(_ path: FilePath, at offset: UInt64) {}
}

/// The local file system that cancels when the first frame of a pack is read.
final class CancellingFileSystem: PassingFileSystem {
    private let cancellation: Cancellation
    private let opened = Mutex<String?>(nil)

    init(_ cancellation: Cancellation) { self.cancellation = cancellation }

    /// The first pack that was read.
    var first: String? { opened.withLock { $0 } }

    func willLock(_ path: FilePath) throws(IOError) {}

    func willRead(_ path: FilePath, at offset: UInt64) {
        guard path.string.contains("/packs/") else { return }
        opened.withLock { $0 = $0 ?? path.string }
        cancellation.cancel()
    }
}

/// The local file system that counts how often each place of a file is read.
final class CountingFileSystem: PassingFileSystem {
    struct Place: Hashable {
        var path: String
        var offset: UInt64
    }

    private let counts = Mutex<[Place: Int]>([:])

    func reads(at place: Place) -> Int { counts.withLock { $0[place] ?? 0 } }

    func willLock(_ path: FilePath) throws(IOError) {}

    func willRead(_ path: FilePath, at offset: UInt64) {
        counts.withLock { $0[Place(path: path.string, offset: offset), default: 0] += 1 }
    }
}

/// The local file system with looks at some calls.
protocol PassingFileSystem: FileSystem {
    func willLock(_ path: FilePath) throws(IOError)
    func willRead(_ path: FilePath, at offset: UInt64)
    func willWrite(_ path: FilePath) throws(IOError)
}

extension PassingFileSystem {
    func willWrite(_ path: FilePath) throws(IOError) {}

    private var base: LocalFileSystem { LocalFileSystem() }

    func openForReading(_ path: FilePath) throws(IOError) -> OpenFile {
        try base.openForReading(path)
    }
    func create(_ path: FilePath) throws(IOError) -> OpenFile { try base.create(path) }
    func close(_ file: OpenFile) { base.close(file) }
    func read(
        _ file: OpenFile, _ path: FilePath, at offset: UInt64,
        into target: UnsafeMutableRawBufferPointer
    ) throws(IOError) -> Int {
        willRead(path, at: offset)
        return try base.read(file, path, at: offset, into: target)
    }
    func write(
        _ file: OpenFile, _ path: FilePath, at offset: UInt64, _ bytes: UnsafeRawBufferPointer
    ) throws(IOError) {
        try willWrite(path)
        try base.write(file, path, at: offset, bytes)
    }
    func flush(_ file: OpenFile, _ path: FilePath) throws(IOError) { try base.flush(file, path) }
    func flushDirectory(_ path: FilePath) throws(IOError) { try base.flushDirectory(path) }
    func seal(_ file: OpenFile, _ path: FilePath) throws(IOError) { try base.seal(file, path) }
    func rename(_ from: FilePath, to: FilePath, replacing: Bool) throws(IOError) {
        try base.rename(from, to: to, replacing: replacing)
    }
    func remove(_ path: FilePath) throws(IOError) { try base.remove(path) }
    func makeDirectory(_ path: FilePath) throws(IOError) { try base.makeDirectory(path) }
    func list(_ path: FilePath) throws(IOError) -> [String] { try base.list(path) }
    func status(_ path: FilePath) throws(IOError) -> FileStatus { try base.status(path) }
    func lock(_ path: FilePath) throws(IOError) -> OpenFile? {
        try willLock(path)
        return try base.lock(path)
    }
    func freeBytes(_ path: FilePath) throws(IOError) -> UInt64 { try base.freeBytes(path) }
}
