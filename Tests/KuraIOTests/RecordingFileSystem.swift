import KuraIO
import Synchronization
import SystemPackage

/// The local file system, which notes the calls that change something and fails where a test asks.
final class RecordingFileSystem: FileSystem {
    enum Call: String, CaseIterable, Sendable {
        case create, write, flush, flushDirectory, seal, rename, remove, makeDirectory
    }

    private let local = LocalFileSystem()
    private let failing: Call?
    private let recorded = Mutex<[Call]>([])

    init(failing: Call? = nil) { self.failing = failing }

    var calls: [Call] { recorded.withLock { $0 } }

    private func note(_ call: Call, _ path: FilePath) throws(IOError) {
        recorded.withLock { $0.append(call) }
        if call == failing { throw IOError(call.rawValue, at: path, .ioError) }
    }

    func openForReading(_ path: FilePath) throws(IOError) -> OpenFile {
        try local.openForReading(path)
    }

    func create(_ path: FilePath) throws(IOError) -> OpenFile {
        try note(.create, path)
        return try local.create(path)
    }

    func close(_ file: OpenFile) { local.close(file) }

    func read(
        _ file: OpenFile, _ path: FilePath, at offset: UInt64,
        into target: UnsafeMutableRawBufferPointer
    ) throws(IOError) -> Int {
        try local.read(file, path, at: offset, into: target)
    }

    func write(
        _ file: OpenFile, _ path: FilePath, at offset: UInt64, from bytes: UnsafeRawBufferPointer
    ) throws(IOError) {
        try note(.write, path)
        try local.write(file, path, at: offset, from: bytes)
    }

    func flush(_ file: OpenFile, _ path: FilePath) throws(IOError) {
        try note(.flush, path)
        try local.flush(file, path)
    }

    func flushDirectory(_ path: FilePath) throws(IOError) {
        try note(.flushDirectory, path)
        try local.flushDirectory(path)
    }

    func seal(_ file: OpenFile, _ path: FilePath) throws(IOError) {
        try note(.seal, path)
        try local.seal(file, path)
    }

    func rename(_ from: FilePath, to: FilePath, replacing: Bool) throws(IOError) {
        try note(.rename, to)
        try local.rename(from, to: to, replacing: replacing)
    }

    func remove(_ path: FilePath) throws(IOError) {
        try note(.remove, path)
        try local.remove(path)
    }

    func makeDirectory(_ path: FilePath) throws(IOError) {
        try note(.makeDirectory, path)
        try local.makeDirectory(path)
    }

    func list(_ path: FilePath) throws(IOError) -> [String] { try local.list(path) }

    func status(_ path: FilePath) throws(IOError) -> FileStatus { try local.status(path) }

    func openLock(_ path: FilePath) throws(IOError) -> OpenFile { try local.openLock(path) }
    func takeLock(
        _ file: OpenFile, _ path: FilePath, note: [UInt8]
    ) throws(IOError) -> Bool {
        try local.takeLock(file, path, note: note)
    }
    func watchLock(_ path: FilePath) -> (any LockWatch)? { local.watchLock(path) }

    func freeBytes(_ path: FilePath) throws(IOError) -> UInt64 { try local.freeBytes(path) }
}
