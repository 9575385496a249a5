public import KuraIO
internal import Synchronization
public import SystemPackage

/// The local file system with calls that fail on request.
public final class FailingFileSystem: FileSystem {
    public enum Operation: Sendable { case create, write, flush, flushDirectory, rename, remove }

    public struct Call {
        public var operation: Operation
        public var path: FilePath
        /// Calls before this one.
        public var count: Int
        fileprivate var history: [(Operation, String)]

        /// Calls of `operation` before this one whose path contains `part`.
        public func earlier(_ operation: Operation, under part: String) -> Int {
            history.count { $0.0 == operation && $0.1.contains(part) }
        }

        /// Calls before this one whose path contains `part`.
        public func earlier(under part: String) -> Int { history.count { $0.1.contains(part) } }
    }

    private let base = LocalFileSystem()
    private let fails: @Sendable (Call) -> Bool
    private let errno: Errno
    private let history = Mutex<[(Operation, String)]>([])

    public init(_ errno: Errno = .ioError, fails: @escaping @Sendable (Call) -> Bool) {
        self.fails = fails
        self.errno = errno
    }

    /// Number of calls that change something so far.
    public var callCount: Int { history.withLock { $0.count } }

    /// Calls so far whose path contains `part`.
    public func count(under part: String) -> Int {
        history.withLock { history in history.count { $0.1.contains(part) } }
    }

    private func check(_ operation: Operation, _ path: FilePath) throws(IOError) {
        let fails = history.withLock { history in
            let call = Call(
                operation: operation, path: path, count: history.count, history: history)
            history.append((operation, path.string))
            return self.fails(call)
        }
        if fails { throw IOError("\(operation)", at: path, errno) }
    }

    public func openForReading(_ path: FilePath) throws(IOError) -> OpenFile {
        try base.openForReading(path)
    }
    public func create(_ path: FilePath) throws(IOError) -> OpenFile {
        try check(.create, path)
        return try base.create(path)
    }
    public func close(_ file: OpenFile) { base.close(file) }
    public func read(
        _ file: OpenFile, _ path: FilePath, at offset: UInt64,
        into target: UnsafeMutableRawBufferPointer
    ) throws(IOError) -> Int {
        try base.read(file, path, at: offset, into: target)
    }
    public func write(
        _ file: OpenFile, _ path: FilePath, at offset: UInt64, from bytes: UnsafeRawBufferPointer
    ) throws(IOError) {
        try check(.write, path)
        try base.write(file, path, at: offset, from: bytes)
    }
    public func flush(_ file: OpenFile, _ path: FilePath) throws(IOError) {
        try check(.flush, path)
        try base.flush(file, path)
    }
    public func flushDirectory(_ path: FilePath) throws(IOError) {
        try check(.flushDirectory, path)
        try base.flushDirectory(path)
    }
    public func seal(_ file: OpenFile, _ path: FilePath) throws(IOError) {
        try base.seal(file, path)
    }
    public func rename(_ from: FilePath, to: FilePath, replacing: Bool) throws(IOError) {
        try check(.rename, to)
        try base.rename(from, to: to, replacing: replacing)
    }
    public func remove(_ path: FilePath) throws(IOError) {
        try check(.remove, path)
        try base.remove(path)
    }
    public func makeDirectory(_ path: FilePath) throws(IOError) { try base.makeDirectory(path) }
    public func list(_ path: FilePath) throws(IOError) -> [String] { try base.list(path) }
    public func status(_ path: FilePath) throws(IOError) -> FileStatus { try base.status(path) }
    public func openLock(_ path: FilePath) throws(IOError) -> OpenFile { try base.openLock(path) }
    public func takeLock(
        _ file: OpenFile, _ path: FilePath, note: [UInt8]
    ) throws(IOError) -> Bool {
        try base.takeLock(file, path, note: note)
    }
    public func watchLock(_ path: FilePath) -> (any LockWatch)? { base.watchLock(path) }
    public func freeBytes(_ path: FilePath) throws(IOError) -> UInt64 { try base.freeBytes(path) }
}
