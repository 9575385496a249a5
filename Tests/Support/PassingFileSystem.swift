public import KuraIO
internal import Synchronization
public import SystemPackage

/// A call to a file system.
public enum FileCall: Sendable {
    case open, create, read, write, flush, flushDirectory, seal, rename, remove
    case makeDirectory, list, examine, lock
}

/// The local file system, with a look at every call before it is made.
public protocol PassingFileSystem: FileSystem {
    /// What this throws, the call throws. Of a rename, `path` is the new name.
    func before(_ call: FileCall, _ path: FilePath) throws(IOError)
    /// Told of every read besides, with its place in the file.
    func willRead(_ path: FilePath, at offset: UInt64)
}

extension PassingFileSystem {
    public func willRead(_ path: FilePath, at offset: UInt64) {}

    private var base: LocalFileSystem { LocalFileSystem() }

    public func openForReading(_ path: FilePath) throws(IOError) -> OpenFile {
        try before(.open, path)
        return try base.openForReading(path)
    }
    public func create(_ path: FilePath) throws(IOError) -> OpenFile {
        try before(.create, path)
        return try base.create(path)
    }
    public func close(_ file: OpenFile) { base.close(file) }
    public func read(
        _ file: OpenFile, _ path: FilePath, at offset: UInt64,
        into target: UnsafeMutableRawBufferPointer
    ) throws(IOError) -> Int {
        try before(.read, path)
        willRead(path, at: offset)
        return try base.read(file, path, at: offset, into: target)
    }
    public func write(
        _ file: OpenFile, _ path: FilePath, at offset: UInt64, from bytes: UnsafeRawBufferPointer
    ) throws(IOError) {
        try before(.write, path)
        try base.write(file, path, at: offset, from: bytes)
    }
    public func flush(_ file: OpenFile, _ path: FilePath) throws(IOError) {
        try before(.flush, path)
        try base.flush(file, path)
    }
    public func flushDirectory(_ path: FilePath) throws(IOError) {
        try before(.flushDirectory, path)
        try base.flushDirectory(path)
    }
    public func seal(_ file: OpenFile, _ path: FilePath) throws(IOError) {
        try before(.seal, path)
        try base.seal(file, path)
    }
    public func rename(_ from: FilePath, to: FilePath, replacing: Bool) throws(IOError) {
        try before(.rename, to)
        try base.rename(from, to: to, replacing: replacing)
    }
    public func remove(_ path: FilePath) throws(IOError) {
        try before(.remove, path)
        try base.remove(path)
    }
    public func makeDirectory(_ path: FilePath) throws(IOError) {
        try before(.makeDirectory, path)
        try base.makeDirectory(path)
    }
    public func list(_ path: FilePath) throws(IOError) -> [String] {
        try before(.list, path)
        return try base.list(path)
    }
    public func status(_ path: FilePath) throws(IOError) -> FileStatus {
        try before(.examine, path)
        return try base.status(path)
    }
    public func openLock(_ path: FilePath) throws(IOError) -> OpenFile {
        try before(.lock, path)
        return try base.openLock(path)
    }
    public func takeLock(
        _ file: OpenFile, _ path: FilePath, note: [UInt8]
    ) throws(IOError) -> Bool {
        try base.takeLock(file, path, note: note)
    }
    public func watchLock(_ path: FilePath) -> (any LockWatch)? { base.watchLock(path) }
    public func freeBytes(_ path: FilePath) throws(IOError) -> UInt64 { try base.freeBytes(path) }
}

/// The local file system that does something else, once, before a call of a kind: so that one
/// operation happens in the middle of another one, at the same call each time.
public final class InterleavingFileSystem: PassingFileSystem {
    private let isMoment: @Sendable (FileCall, String) -> Bool
    private let number: Int
    private let body: @Sendable () throws -> Void
    private let count = Atomic<Int>(0)
    private let outcome = Mutex<Result<Void, any Error>?>(nil)

    /// Why there is no outcome.
    public struct MomentNeverCame: Error {}

    /// - Parameter number: of the call of its kind, from 1.
    public init(
        at isMoment: @escaping @Sendable (_ call: FileCall, _ path: String) -> Bool,
        number: Int = 1, _ body: @escaping @Sendable () throws -> Void
    ) {
        self.isMoment = isMoment
        self.number = number
        self.body = body
    }

    /// Calls of its kind so far.
    public var calls: Int { count.load(ordering: .relaxed) }

    public func before(_ call: FileCall, _ path: FilePath) throws(IOError) {
        guard isMoment(call, path.string),
            count.add(1, ordering: .relaxed).newValue == number
        else { return }
        let found = Result { try body() }
        outcome.withLock { $0 = found }
    }

    /// Throws what `body` threw, or that it was never called.
    public func finish() throws {
        guard let found = outcome.withLock({ $0 }) else { throw MomentNeverCame() }
        try found.get()
    }
}
