public import SystemPackage

/// An open file of a `FileSystem`. The owner closes it exactly once.
public struct OpenFile: Sendable, Hashable {
    public let descriptor: Int32

    public init(descriptor: Int32) { self.descriptor = descriptor }
}

/// An open directory, by a path of its own.
public struct HeldDirectory: Sendable {
    public let file: OpenFile
    /// Leads to it for as long as it is open.
    public let path: FilePath
}

public struct FileStatus: Equatable, Sendable {
    public enum Kind: Sendable { case regular, directory, blockDevice, other }

    public var kind: Kind
    public var byteCount: UInt64
    /// Permission bits, as in `chmod`.
    public var mode: UInt32
    public var owner: UInt32
    /// Nanoseconds since 1970.
    public var modified: Int64
    public var changed: Int64
    /// Number of the device that holds the file.
    public var device: UInt64

    public init(
        kind: Kind, byteCount: UInt64, mode: UInt32, owner: UInt32, modified: Int64, changed: Int64,
        device: UInt64
    ) {
        self.kind = kind
        self.byteCount = byteCount
        self.mode = mode
        self.owner = owner
        self.modified = modified
        self.changed = changed
        self.device = device
    }
}

/// The system calls that a region's files need, and no other way to them: the seam behind which a
/// simulated disk can stand. Whole-file and positional operations only, never called per chunk.
///
/// Every call is safe from any thread. A call that fails throws; "not found" is thrown only when
/// the file is known not to be there.
///
/// What is opened under a name is a regular file: a link, a pipe or a device in its place is an
/// error, and never waited for.
public protocol FileSystem: Sendable {
    /// The same calls for what lies below a directory, where no symbolic link is followed: for
    /// directories that others may write to. How `root` itself is found stays as it is.
    func contained(in root: FilePath) -> any FileSystem
    /// What lets users other than `user` and root change what is found under a path; nil where
    /// nothing does.
    func foothold(on path: FilePath, for user: UInt32) throws(IOError) -> Foothold?
    func openForReading(_ path: FilePath) throws(IOError) -> OpenFile
    /// Creates a file that must not exist, readable and writable by its owner only.
    func create(_ path: FilePath) throws(IOError) -> OpenFile
    func close(_ file: OpenFile)
    /// Fills `target` from `offset`; fewer bytes come back only at the end of the file.
    func read(
        _ file: OpenFile, _ path: FilePath, at offset: UInt64,
        into target: UnsafeMutableRawBufferPointer
    ) throws(IOError) -> Int
    func byteCount(_ file: OpenFile, _ path: FilePath) throws(IOError) -> UInt64
    /// Writes all of `bytes` at `offset`.
    func write(
        _ file: OpenFile, _ path: FilePath, at offset: UInt64, from bytes: UnsafeRawBufferPointer
    ) throws(IOError)
    /// Returns once the file's bytes are on stable storage. After an error the file is lost.
    func flush(_ file: OpenFile, _ path: FilePath) throws(IOError)
    /// Returns once the directory's entries are on stable storage.
    func flushDirectory(_ path: FilePath) throws(IOError)
    /// Takes write permission away from everybody: the file is final.
    func seal(_ file: OpenFile, _ path: FilePath) throws(IOError)
    /// Atomically gives a file another name. Unless `replacing`, an existing target is an error
    /// (`fileExists`).
    func rename(_ from: FilePath, to: FilePath, replacing: Bool) throws(IOError)
    /// Removes a file, a link or an empty directory.
    func remove(_ path: FilePath) throws(IOError)
    /// Creates one directory, for its owner only. An existing one is left as it is.
    func makeDirectory(_ path: FilePath) throws(IOError)
    /// Names in a directory, without "." and "..", in no order: there may be very many. Partial
    /// listings throw.
    func list(_ path: FilePath) throws(IOError) -> [String]
    func status(_ path: FilePath) throws(IOError) -> FileStatus
    /// Opens (and creates) a lock file, without taking its lock.
    func openLock(_ path: FilePath) throws(IOError) -> OpenFile
    /// Takes the kernel lock of a lock file unless another holder has it. It ends when the file is
    /// closed, or with the process.
    /// - Parameter note: written to the file where the lock was taken, for those who wait; nothing
    ///   when empty. That it cannot be written is no error.
    /// - Returns: whether it was taken.
    func takeLock(_ file: OpenFile, _ path: FilePath, note: [UInt8]) throws(IOError) -> Bool
    /// Tells when a lock may have become free; nil where the system cannot tell.
    func watchLock(_ path: FilePath) -> (any LockWatch)?
    /// Bytes that an ordinary user may still write to the file system that holds `path`.
    func freeBytes(_ path: FilePath) throws(IOError) -> UInt64
}

/// What writing a restored disk needs besides: calls for files that several threads write in place.
public protocol TargetFileSystem: FileSystem {
    /// Opens a file that exists, to be read and written.
    func openForWriting(_ path: FilePath) throws(IOError) -> OpenFile
    /// Opens a block device to be read and written, which no file system, swap space or other
    /// device uses, and which none can use until it is closed: else the error is `resourceBusy`.
    /// - Parameter followsLink: whether the last part of `path` may be a symbolic link.
    func openDevice(_ path: FilePath, followsLink: Bool) throws(IOError) -> OpenFile
    /// Holds a directory, so that what is named below it is found in that very directory, whatever
    /// becomes of the names above it. The caller closes it.
    /// - Returns: nil where the path itself has to do.
    func hold(_ directory: FilePath) throws(IOError) -> HeldDirectory?
    /// The path of an existing file, without any symbolic link in it.
    func withoutLinks(_ path: FilePath) throws(IOError) -> FilePath
    /// Gives a new file the owner, the group and the permissions of an old one. Where this user may
    /// not give files to that owner and group, it stays its owner's only.
    func copyPermissions(
        of old: OpenFile, to new: OpenFile, _ path: FilePath
    ) throws(IOError)
    /// Like `write`, but for a file that several threads may write to at once.
    func writeBuffered(
        _ file: OpenFile, _ path: FilePath, at offset: UInt64, from bytes: UnsafeRawBufferPointer
    ) throws(IOError)
    /// Opens an existing file once more, for writes around the page cache.
    /// - Returns: nil where the file system has no such writes.
    func openAroundCache(_ path: FilePath) -> OpenFile?
    /// Writes as many leading bytes as it can around the page cache.
    /// - Parameter file: from `openAroundCache`.
    /// - Returns: bytes written. The rest, and what went wrong, is up to `writeBuffered`.
    func writeAroundCache(
        _ file: OpenFile, at offset: UInt64, _ bytes: UnsafeRawBufferPointer
    ) -> Int
    /// Begins to write a range out, without waiting and without any promise.
    func startWriteback(_ file: OpenFile, _ range: Range<UInt64>)
    func resize(_ file: OpenFile, _ path: FilePath, to byteCount: UInt64) throws(IOError)
    /// Size in bytes of a block device.
    func deviceByteCount(_ file: OpenFile, _ path: FilePath) throws(IOError) -> UInt64
    /// Whether a running machine (QEMU) writes to a file. False for one that this user may not
    /// read.
    func isWrittenByMachine(_ path: FilePath) -> Bool
    /// Whether the last part of `path` is a symbolic link, wherever that leads.
    func isLink(_ path: FilePath) -> Bool
    /// Makes a range of a regular file read as zeros without storing them.
    /// - Returns: whether the file system can; otherwise nothing changed.
    func punchHole(
        _ file: OpenFile, _ path: FilePath, in range: Range<UInt64>
    ) throws(IOError) -> Bool
}

extension TargetFileSystem {
    public func hold(_ directory: FilePath) throws(IOError) -> HeldDirectory? { nil }
}

extension FileSystem {
    public func contained(in root: FilePath) -> any FileSystem { self }

    public func foothold(on path: FilePath, for user: UInt32) throws(IOError) -> Foothold? { nil }

    public func byteCount(_ file: OpenFile, _ path: FilePath) throws(IOError) -> UInt64 {
        try status(path).byteCount
    }

    /// Removes a file, or a directory with all that is in it. Links go, what they lead to stays;
    /// where nothing is, nothing happens.
    public func removeTree(_ path: FilePath) throws(IOError) {
        do throws(IOError) {
            return try remove(path)
        } catch {
            if error.isNotFound { return }
            guard error.errno == .directoryNotEmpty else { throw error }
        }
        for name in try list(path) { try removeTree(path.appending(name)) }
        try remove(path)
    }

    /// Opens (and creates) a lock file and takes its lock, without a wait.
    /// - Returns: nil when another holder has it.
    public func lock(_ path: FilePath) throws(IOError) -> OpenFile? {
        let file = try openLock(path)
        do throws(IOError) {
            if try takeLock(file, path, note: []) { return file }
        } catch {
            close(file)
            throw error
        }
        close(file)
        return nil
    }

    /// Whole content of a file that has at most `max` bytes.
    public func contents(_ path: FilePath, max: Int) throws(IOError) -> [UInt8] {
        let file = try openForReading(path)
        defer { close(file) }
        let size = try byteCount(file, path)
        guard size <= UInt64(max) else { throw IOError("read", at: path, .fileTooLarge) }
        // Not cleared first: of large files that would cost as much as reading them.
        var failure: IOError?
        let bytes = [UInt8](unsafeUninitializedCapacity: Int(size)) { target, count in
            do throws(IOError) {
                let whole = UnsafeMutableRawBufferPointer(target)
                let space = UnsafeMutableRawBufferPointer(rebasing: whole[..<Int(size)])
                count = try read(file, path, at: 0, into: space)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return bytes
    }

    /// Whether the file exists. An error other than "not found" is thrown, never taken for absence.
    public func exists(_ path: FilePath) throws(IOError) -> Bool {
        do {
            _ = try status(path)
            return true
        } catch {
            if error.isNotFound { return false }
            throw error
        }
    }
}
