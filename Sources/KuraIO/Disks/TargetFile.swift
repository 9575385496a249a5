internal import CLinux
internal import Glibc
internal import KuraFormat
public import SystemPackage

/// Why a path cannot take a restored disk.
public enum TargetError: Error, Equatable, Sendable {
    case exists(FilePath)
    case isDirectory(FilePath)
    /// A symbolic link where none is followed, or one that leads nowhere.
    case isLink(FilePath)
    /// The directory that would hold the file does not exist.
    case noParent(FilePath)
    case deviceTooSmall(FilePath, needed: UInt64, available: UInt64)
    case io(IOError)
}

/// Where a disk is restored to: a new file, or an existing file or block device that is overwritten.
///
/// A new file is written under a temporary name beside its final one, and renamed when `finish` has
/// flushed it. An existing one is written in place, so it keeps its identity (inode, owner, attached
/// loop device); until `finish` it holds a mixture. Writes at different offsets may come from
/// different threads.
public final class TargetFile: Sendable {
    public let path: FilePath
    private let fileSystem: any TargetFileSystem
    private let file: OpenFile
    /// For writes around the page cache; -1 where the file system has none. Threads share the flags
    /// of a descriptor, so it is one of its own.
    private let directDescriptor: Int32
    /// Where the bytes are until `finish`, for a new file.
    private let temporary: FilePath?
    private let isDevice: Bool
    private let byteCount: UInt64

    /// - Parameters:
    ///   - byteCount: size of the disk.
    ///   - overwrite: whether an existing file or device is written in place.
    ///   - followsLink: whether `path` may be a link to what is overwritten. Not where its last part
    ///     is a name from a vault: what it links to is no choice of the user.
    public init(
        _ path: FilePath, byteCount: UInt64, overwrite: Bool, followsLink: Bool = true,
        fileSystem: any TargetFileSystem = LocalFileSystem()
    ) throws(TargetError) {
        self.path = path
        self.byteCount = byteCount
        self.fileSystem = fileSystem
        let existing = try Self.status(path, fileSystem)
        if !followsLink || existing == nil, Self.isLink(path) { throw .isLink(path) }
        if let existing {
            guard existing.kind != .directory else { throw .isDirectory(path) }
            guard overwrite else { throw .exists(path) }
            temporary = nil
            isDevice = existing.kind == .blockDevice
            file = try Self.withTargetError { () throws(IOError) in
                try fileSystem.openForWriting(path, followsLink: followsLink)
            }
        } else {
            let parent = path.removingLastComponent()
            let found = try Self.status(parent.isEmpty ? "." : parent, fileSystem)
            guard found?.kind == .directory else {
                throw .noParent(path)
            }
            isDevice = false
            // Of its own: a process that was killed left its file behind, and numbers of processes
            // come again, in containers at once.
            let name = FilePath("\(path.string).\(UniqueID.random().hex.prefix(8)).partial")
            file = try Self.withTargetError { () throws(IOError) in try fileSystem.create(name) }
            temporary = name
        }
        directDescriptor = fileSystem is LocalFileSystem
            ? kura_open_direct((temporary ?? path).string) : -1
        do throws(TargetError) {
            try setSize()
        } catch {
            abandon()
            throw error
        }
    }

    deinit {
        fileSystem.close(file)
        if directDescriptor >= 0 { Glibc.close(directDescriptor) }
    }

    private static func status(
        _ path: FilePath, _ fileSystem: any TargetFileSystem
    ) throws(TargetError) -> FileStatus? {
        do {
            return try fileSystem.status(path)
        } catch {
            if error.isNotFound { return nil }
            throw .io(error)
        }
    }

    private static func isLink(_ path: FilePath) -> Bool {
        var status = stat()
        return lstat(path.string, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK
    }

    private static func withTargetError<T>(
        _ body: () throws(IOError) -> T
    ) throws(TargetError) -> T {
        do {
            return try body()
        } catch {
            throw .io(error)
        }
    }

    private func setSize() throws(TargetError) {
        if isDevice {
            var size: UInt64 = 0
            guard kura_block_device_size(file.descriptor, &size) == 0 else {
                throw .io(IOError("find the size of", path, Errno(rawValue: Glibc.errno)))
            }
            guard size >= byteCount else {
                throw .deviceTooSmall(path, needed: byteCount, available: size)
            }
        } else {
            do throws(IOError) {
                try fileSystem.resize(file, temporary ?? path, to: byteCount)
            } catch {
                // By the name that its user knows.
                throw .io(IOError(error.operation, path, error.errno))
            }
        }
    }

    /// Whether holes hold something else than zeros before they are written.
    public var needsZeros: Bool { temporary == nil }

    public func write(at offset: UInt64, _ bytes: UnsafeRawBufferPointer) throws(IOError) {
        var done = 0
        // Short ones, too: buffered, they would exclude other writers and be waited for at the end.
        let direct = DirectIO.prefix(of: bytes, at: offset, min: DirectIO.alignment)
        if direct > 0, directDescriptor >= 0 {
            done = DirectIO.write(
                directDescriptor, at: offset, UnsafeRawBufferPointer(rebasing: bytes[..<direct]))
        }
        try fileSystem.writeBuffered(
            file, temporary ?? path, at: offset + UInt64(done),
            UnsafeRawBufferPointer(rebasing: bytes[done...]))
    }

    /// Lets the kernel begin to write a finished range out, so that `finish` has less to wait for.
    public func startWriteback(_ range: Range<UInt64>) {
        kura_start_writeback(
            file.descriptor, off_t(range.lowerBound),
            off_t(range.upperBound - range.lowerBound))
    }

    /// Makes a range read as zeros: a hole where the file system can, else written zeros.
    public func zero(_ range: Range<UInt64>) throws(IOError) {
        guard !range.isEmpty else { return }
        let count = range.upperBound - range.lowerBound
        if !isDevice, try fileSystem.punchHole(file, temporary ?? path, range) { return }
        let zeros = [UInt8](repeating: 0, count: Int(min(count, 1 << 20)))
        var offset = range.lowerBound
        while offset < range.upperBound {
            let step = Int(min(UInt64(zeros.count), range.upperBound - offset))
            let result = zeros.withUnsafeBytes { raw -> Result<Void, IOError> in
                do throws(IOError) {
                    return .success(
                        try write(at: offset, UnsafeRawBufferPointer(rebasing: raw[..<step])))
                } catch {
                    return .failure(error)
                }
            }
            try result.get()
            offset += UInt64(step)
        }
    }

    /// Flushes everything and gives a new file its name. The disk is complete on return.
    public func finish() throws(IOError) {
        try fileSystem.flush(file, temporary ?? path)
        guard let temporary else { return }
        try fileSystem.rename(temporary, to: path, replacing: false)
        let parent = path.removingLastComponent()
        try fileSystem.flushDirectory(parent.isEmpty ? "." : parent)
    }

    /// Removes a new file that will not be finished.
    public func abandon() {
        guard let temporary else { return }
        do throws(IOError) {
            try fileSystem.remove(temporary)
        } catch {
            // Its name says that it is rubbish; the error on the way here matters more.
            return
        }
    }
}

/// A stream that takes a restored disk in order: standard output.
public final class OutputStream: Sendable {
    private let descriptor: Int32
    public let name: String

    /// - Parameter descriptor: stays the caller's.
    public init(descriptor: Int32, name: String) {
        self.descriptor = descriptor
        self.name = name
    }

    public func write(_ bytes: UnsafeRawBufferPointer) throws(IOError) {
        var done = 0
        while done < bytes.count {
            let count = Glibc.write(descriptor, bytes.baseAddress! + done, bytes.count - done)
            if count < 0, Glibc.errno == EINTR { continue }
            guard count > 0 else {
                throw IOError("write", FilePath(name), Errno(rawValue: Glibc.errno))
            }
            done += count
        }
    }
}
