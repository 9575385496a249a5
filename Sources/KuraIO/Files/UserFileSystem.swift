internal import CLinux
internal import Glibc
public import SystemPackage

/// The file system of this machine as another user may use it: for root, who writes where that
/// user could lead him anywhere. Files that it makes belong to the user.
///
/// Each call that finds a file by its path runs with the rights of the user, on the calling thread
/// alone. What is open is written to like any other file.
public struct UserFileSystem: TargetFileSystem {
    private let base = LocalFileSystem()
    private let user: FileUser

    public init(_ user: FileUser) { self.user = user }

    private func acting<T>(
        _ operation: String, at path: FilePath, _ body: () throws(IOError) -> T
    ) throws(IOError) -> T {
        var mine = [gid_t](repeating: 0, count: Int(max(0, getgroups(0, nil))))
        let count = getgroups(Int32(mine.count), &mine)
        let group = getegid()
        func takeBack() -> Bool {
            kura_borrow_identity(geteuid(), group, mine, Int(max(0, count))) == 0
        }
        guard kura_borrow_identity(user.id, user.group, user.groups, user.groups.count) == 0 else {
            _ = takeBack()
            throw IOError(operation, at: path, .notPermitted)
        }
        defer {
            // The rights to do so stay with the thread.
            precondition(takeBack(), "this thread cannot take its own rights back")
        }
        return try body()
    }

    public func openForReading(_ path: FilePath) throws(IOError) -> OpenFile {
        try acting("open", at: path) { () throws(IOError) in try base.openForReading(path) }
    }
    public func openForWriting(_ path: FilePath) throws(IOError) -> OpenFile {
        try acting("open", at: path) { () throws(IOError) in try base.openForWriting(path) }
    }
    public func openDevice(_ path: FilePath, followsLink: Bool) throws(IOError) -> OpenFile {
        try acting("open", at: path) { () throws(IOError) in
            try base.openDevice(path, followsLink: followsLink)
        }
    }
    public func create(_ path: FilePath) throws(IOError) -> OpenFile {
        try acting("create", at: path) { () throws(IOError) in try base.create(path) }
    }
    public func openLock(_ path: FilePath) throws(IOError) -> OpenFile {
        try acting("open", at: path) { () throws(IOError) in try base.openLock(path) }
    }
    public func hold(_ directory: FilePath) throws(IOError) -> HeldDirectory? {
        try acting("open", at: directory) { () throws(IOError) in try base.hold(directory) }
    }
    public func openAroundCache(_ path: FilePath) -> OpenFile? {
        do throws(IOError) {
            return try acting("open", at: path) { base.openAroundCache(path) }
        } catch {
            return nil
        }
    }
    public func flushDirectory(_ path: FilePath) throws(IOError) {
        try acting("flush", at: path) { () throws(IOError) in try base.flushDirectory(path) }
    }
    public func rename(_ from: FilePath, to: FilePath, replacing: Bool) throws(IOError) {
        try acting("rename", at: to) { () throws(IOError) in
            try base.rename(from, to: to, replacing: replacing)
        }
    }
    public func remove(_ path: FilePath) throws(IOError) {
        try acting("remove", at: path) { () throws(IOError) in try base.remove(path) }
    }
    public func makeDirectory(_ path: FilePath) throws(IOError) {
        try acting("create", at: path) { () throws(IOError) in try base.makeDirectory(path) }
    }
    public func list(_ path: FilePath) throws(IOError) -> [String] {
        try acting("list", at: path) { () throws(IOError) in try base.list(path) }
    }
    public func status(_ path: FilePath) throws(IOError) -> FileStatus {
        try acting("examine", at: path) { () throws(IOError) in try base.status(path) }
    }
    public func withoutLinks(_ path: FilePath) throws(IOError) -> FilePath {
        try acting("examine", at: path) { () throws(IOError) in try base.withoutLinks(path) }
    }
    public func freeBytes(_ path: FilePath) throws(IOError) -> UInt64 {
        try acting("examine", at: path) { () throws(IOError) in try base.freeBytes(path) }
    }
    public func isLink(_ path: FilePath) -> Bool {
        do throws(IOError) {
            return try acting("examine", at: path) { base.isLink(path) }
        } catch {
            return false
        }
    }
    /// The new file is the user's, who could not give it to another one.
    public func copyPermissions(
        of old: OpenFile, to new: OpenFile, _ path: FilePath
    ) throws(IOError) {
        try acting("protect", at: path) { () throws(IOError) in
            try base.copyPermissions(of: old, to: new, path)
        }
    }

    // MARK: Open files

    public func close(_ file: OpenFile) { base.close(file) }
    public func read(
        _ file: OpenFile, _ path: FilePath, at offset: UInt64,
        into target: UnsafeMutableRawBufferPointer
    ) throws(IOError) -> Int {
        try base.read(file, path, at: offset, into: target)
    }
    public func byteCount(_ file: OpenFile, _ path: FilePath) throws(IOError) -> UInt64 {
        try base.byteCount(file, path)
    }
    public func write(
        _ file: OpenFile, _ path: FilePath, at offset: UInt64, from bytes: UnsafeRawBufferPointer
    ) throws(IOError) {
        try base.write(file, path, at: offset, from: bytes)
    }
    public func writeBuffered(
        _ file: OpenFile, _ path: FilePath, at offset: UInt64, from bytes: UnsafeRawBufferPointer
    ) throws(IOError) {
        try base.writeBuffered(file, path, at: offset, from: bytes)
    }
    public func writeAroundCache(
        _ file: OpenFile, at offset: UInt64, _ bytes: UnsafeRawBufferPointer
    ) -> Int {
        base.writeAroundCache(file, at: offset, bytes)
    }
    public func startWriteback(_ file: OpenFile, _ range: Range<UInt64>) {
        base.startWriteback(file, range)
    }
    public func flush(_ file: OpenFile, _ path: FilePath) throws(IOError) {
        try base.flush(file, path)
    }
    public func seal(_ file: OpenFile, _ path: FilePath) throws(IOError) {
        try base.seal(file, path)
    }
    public func takeLock(
        _ file: OpenFile, _ path: FilePath, note: [UInt8]
    ) throws(IOError) -> Bool {
        try base.takeLock(file, path, note: note)
    }
    public func watchLock(_ path: FilePath) -> (any LockWatch)? { base.watchLock(path) }
    public func resize(_ file: OpenFile, _ path: FilePath, to byteCount: UInt64) throws(IOError) {
        try base.resize(file, path, to: byteCount)
    }
    public func deviceByteCount(_ file: OpenFile, _ path: FilePath) throws(IOError) -> UInt64 {
        try base.deviceByteCount(file, path)
    }
    public func isWrittenByMachine(_ path: FilePath) -> Bool {
        do throws(IOError) {
            return try acting("open", at: path) { base.isWrittenByMachine(path) }
        } catch {
            return false
        }
    }
    public func punchHole(
        _ file: OpenFile, _ path: FilePath, in range: Range<UInt64>
    ) throws(IOError) -> Bool {
        try base.punchHole(file, path, in: range)
    }
}
