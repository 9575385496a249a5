internal import CLinux
internal import Glibc
public import SystemPackage

/// The file system of this machine.
public struct LocalFileSystem: TargetFileSystem {
    public init() {}

    public func openForReading(_ path: FilePath) throws(IOError) -> OpenFile {
        try openRegular(path, O_RDONLY | O_NOFOLLOW)
    }

    /// Opens what is a regular file already. Without O_NONBLOCK, a pipe would wait for its other
    /// end, and a file with a lease for its holder; regular files do not care.
    private func openRegular(_ path: FilePath, _ flags: Int32) throws(IOError) -> OpenFile {
        let file = try open(path, flags: flags | O_NONBLOCK, operation: "open")
        try file.requireRegular(path)
        return file
    }

    public func create(_ path: FilePath) throws(IOError) -> OpenFile {
        try open(path, flags: O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, operation: "create")
    }

    private func open(
        _ path: FilePath, flags: Int32, operation: String
    ) throws(IOError) -> OpenFile {
        let descriptor = kura_open(path.string, flags | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure(operation, path) }
        return OpenFile(descriptor: descriptor)
    }

    public func close(_ file: OpenFile) {
        // Everything that matters was flushed before; what close reports then is of no use.
        _ = Glibc.close(file.descriptor)
    }

    public func read(
        _ file: OpenFile, _ path: FilePath, at offset: UInt64,
        into target: UnsafeMutableRawBufferPointer
    ) throws(IOError) -> Int {
        var done = 0
        while done < target.count {
            let count = pread(
                file.descriptor, target.baseAddress! + done, target.count - done,
                off_t(offset) + off_t(done))
            if count == 0 { break }
            if count < 0 {
                if Glibc.errno == EINTR { continue }
                throw failure("read", path)
            }
            done += count
        }
        return done
    }

    public func write(
        _ file: OpenFile, _ path: FilePath, at offset: UInt64, from bytes: UnsafeRawBufferPointer
    ) throws(IOError) {
        let done = writeDirectly(file, at: offset, bytes)
        try writeBuffered(
            file, path, at: offset + UInt64(done),
            from: UnsafeRawBufferPointer(rebasing: bytes[done...]))
    }

    /// Writes all of `bytes` through the page cache.
    public func writeBuffered(
        _ file: OpenFile, _ path: FilePath, at offset: UInt64, from bytes: UnsafeRawBufferPointer
    ) throws(IOError) {
        var done = 0
        while done < bytes.count {
            let count = pwrite(
                file.descriptor, bytes.baseAddress! + done, bytes.count - done,
                off_t(offset) + off_t(done))
            if count < 0, Glibc.errno == EINTR { continue }
            guard count > 0 else {
                throw count < 0 ? failure("write", path) : IOError("write", at: path, .ioError)
            }
            done += count
        }
    }

    /// Writes what may go around the page cache. The file belongs to one thread while it is
    /// written, so the flag, which every user of the descriptor shares, can be set for a moment.
    private func writeDirectly(
        _ file: OpenFile, at offset: UInt64, _ bytes: UnsafeRawBufferPointer
    ) -> Int {
        let count = DirectIO.prefix(of: bytes, at: offset)
        guard count > 0, kura_set_direct(file.descriptor, 1) == 0 else { return 0 }
        defer { _ = kura_set_direct(file.descriptor, 0) }
        return DirectIO.write(
            file.descriptor, at: offset, UnsafeRawBufferPointer(rebasing: bytes[..<count]))
    }

    public func openForWriting(_ path: FilePath) throws(IOError) -> OpenFile {
        try openRegular(path, O_RDWR)
    }

    public func openDevice(_ path: FilePath, followsLink: Bool) throws(IOError) -> OpenFile {
        // Without O_CREAT, O_EXCL is what mounting uses, too: one of both fails.
        try open(
            path, flags: O_RDWR | O_EXCL | (followsLink ? 0 : O_NOFOLLOW), operation: "open")
    }

    public func withoutLinks(_ path: FilePath) throws(IOError) -> FilePath {
        guard let real = realpath(path.isEmpty ? "." : path.string, nil) else {
            throw failure("examine", path)
        }
        defer { free(real) }
        return FilePath(String(cString: real))
    }

    public func copyPermissions(
        of old: OpenFile, to new: OpenFile, _ path: FilePath
    ) throws(IOError) {
        var status = stat()
        guard fstat(old.descriptor, &status) == 0 else { throw failure("examine", path) }
        let isKept = fchown(new.descriptor, status.st_uid, status.st_gid) == 0
        let mode = status.st_mode & (isKept ? 0o777 : 0o700)
        guard fchmod(new.descriptor, mode) == 0 else { throw failure("protect", path) }
    }

    public func openAroundCache(_ path: FilePath) -> OpenFile? {
        let descriptor = kura_open_direct(path.string)
        return descriptor < 0 ? nil : OpenFile(descriptor: descriptor)
    }

    public func writeAroundCache(
        _ file: OpenFile, at offset: UInt64, _ bytes: UnsafeRawBufferPointer
    ) -> Int {
        // Short ones, too: buffered, they would exclude other writers and be waited for at the end.
        let count = DirectIO.prefix(of: bytes, at: offset, min: DirectIO.alignment)
        guard count > 0 else { return 0 }
        return DirectIO.write(
            file.descriptor, at: offset, UnsafeRawBufferPointer(rebasing: bytes[..<count]))
    }

    public func startWriteback(_ file: OpenFile, _ range: Range<UInt64>) {
        kura_start_writeback(
            file.descriptor, off_t(range.lowerBound), off_t(range.upperBound - range.lowerBound))
    }

    public func deviceByteCount(_ file: OpenFile, _ path: FilePath) throws(IOError) -> UInt64 {
        var size: UInt64 = 0
        guard kura_block_device_size(file.descriptor, &size) == 0 else {
            throw failure("find the size of", path)
        }
        return size
    }

    public func isWrittenByMachine(_ path: FilePath) -> Bool {
        do throws(IOError) {
            let file = try open(path, flags: O_RDONLY | O_NONBLOCK, operation: "open")
            defer { close(file) }
            return file.isWrittenByMachine
        } catch {
            return false
        }
    }

    public func byteCount(_ file: OpenFile, _ path: FilePath) throws(IOError) -> UInt64 {
        try file.status(path).byteCount
    }

    public func contained(in root: FilePath) -> any FileSystem { ContainedFileSystem(root) }

    public func foothold(on path: FilePath, for user: UInt32) throws(IOError) -> Foothold? {
        let whole = path.isAbsolute ? path : try withoutLinks(".").pushing(path)
        return try Foothold.find(on: whole, for: user)
    }

    public func hold(_ directory: FilePath) throws(IOError) -> HeldDirectory? {
        let file = try open(
            directory.isEmpty ? "." : directory, flags: kura_o_path() | O_DIRECTORY,
            operation: "open")
        let path = "/proc/self/fd/\(file.descriptor)"
        // Without /proc there is no such path.
        guard access(path, F_OK) == 0 else {
            close(file)
            return nil
        }
        return HeldDirectory(file: file, path: FilePath(path))
    }

    public func isLink(_ path: FilePath) -> Bool {
        var status = stat()
        return lstat(path.string, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK
    }

    public func resize(_ file: OpenFile, _ path: FilePath, to byteCount: UInt64) throws(IOError) {
        guard ftruncate(file.descriptor, off_t(byteCount)) == 0 else {
            throw failure("resize", path)
        }
    }

    public func punchHole(
        _ file: OpenFile, _ path: FilePath, in range: Range<UInt64>
    ) throws(IOError) -> Bool {
        let count = off_t(range.upperBound - range.lowerBound)
        return kura_punch_hole(file.descriptor, off_t(range.lowerBound), count) == 0
    }

    public func flush(_ file: OpenFile, _ path: FilePath) throws(IOError) {
        guard fsync(file.descriptor) == 0 else { throw failure("flush", path) }
    }

    public func flushDirectory(_ path: FilePath) throws(IOError) {
        let directory = try open(path, flags: O_RDONLY | O_DIRECTORY, operation: "open")
        defer { close(directory) }
        guard fsync(directory.descriptor) == 0 else { throw failure("flush", path) }
    }

    public func seal(_ file: OpenFile, _ path: FilePath) throws(IOError) {
        guard fchmod(file.descriptor, 0o400) == 0 else { throw failure("protect", path) }
    }

    public func rename(_ from: FilePath, to: FilePath, replacing: Bool) throws(IOError) {
        if !replacing {
            if kura_rename_exclusive(from.string, to.string) == 0 { return }
            // Some file systems do not know the flag; there, looking first has to do.
            guard Glibc.errno == EINVAL || Glibc.errno == ENOSYS else {
                throw failure("rename", to)
            }
            if try exists(to) { throw IOError("rename", at: to, .fileExists) }
        }
        guard Glibc.rename(from.string, to.string) == 0 else { throw failure("rename", to) }
    }

    public func remove(_ path: FilePath) throws(IOError) {
        guard Glibc.remove(path.string) == 0 else { throw failure("remove", path) }
    }

    public func makeDirectory(_ path: FilePath) throws(IOError) {
        guard mkdir(path.string, 0o700) == 0 || Glibc.errno == EEXIST else {
            throw failure("create", path)
        }
    }

    public func list(_ path: FilePath) throws(IOError) -> [String] {
        guard let directory = opendir(path.string) else { throw failure("list", path) }
        return try Self.names(in: directory, path)
    }

    /// - Parameter directory: is closed.
    static func names(
        in directory: OpaquePointer, _ path: FilePath
    ) throws(IOError) -> [String] {
        defer { closedir(directory) }
        var names: [String] = []
        while true {
            Glibc.errno = 0
            guard let entry = readdir(directory) else {
                let reason = Errno(rawValue: Glibc.errno)
                guard reason.rawValue == 0 else { throw IOError("list", at: path, reason) }
                break
            }
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    public func status(_ path: FilePath) throws(IOError) -> FileStatus {
        var status = stat()
        guard stat(path.string, &status) == 0 else { throw failure("examine", path) }
        return FileStatus(status)
    }

    public func openLock(_ path: FilePath) throws(IOError) -> OpenFile {
        try openRegular(path, O_RDWR | O_CREAT | O_NOFOLLOW)
    }

    public func takeLock(
        _ file: OpenFile, _ path: FilePath, note: [UInt8]
    ) throws(IOError) -> Bool {
        while flock(file.descriptor, LOCK_EX | LOCK_NB) != 0 {
            let reason = Glibc.errno
            if reason == EINTR { continue }
            if reason == EWOULDBLOCK { return false }
            throw IOError("lock", at: path, Errno(rawValue: reason))
        }
        // A full disk must not keep a process from the lock that it needs to free space.
        if !note.isEmpty { _ = pwrite(file.descriptor, note, note.count, 0) }
        return true
    }

    public func watchLock(_ path: FilePath) -> (any LockWatch)? { FileWatch(path, for: .close) }

    public func freeBytes(_ path: FilePath) throws(IOError) -> UInt64 {
        var status = statvfs()
        guard statvfs(path.string, &status) == 0 else { throw failure("examine", path) }
        return UInt64(status.f_bavail) * UInt64(status.f_frsize)
    }

    private func failure(_ operation: String, _ path: FilePath) -> IOError {
        IOError(operation, at: path, Errno(rawValue: Glibc.errno))
    }
}

extension OpenFile {
    func status(_ path: FilePath) throws(IOError) -> FileStatus {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw IOError("examine", at: path, Errno(rawValue: Glibc.errno))
        }
        return FileStatus(status)
    }

    /// Closes what is no regular file, and throws.
    func requireRegular(_ path: FilePath) throws(IOError) {
        do throws(IOError) {
            switch try status(path).kind {
            case .regular: return
            case .directory: throw IOError("open", at: path, .isDirectory)
            case .blockDevice, .other: throw IOError("open", at: path, .noSuchAddressOrDevice)
            }
        } catch {
            _ = Glibc.close(descriptor)
            throw error
        }
    }
}

extension FileStatus {
    init(_ status: stat) {
        let kind: Kind =
            switch status.st_mode & S_IFMT {
            case S_IFREG: .regular
            case S_IFDIR: .directory
            case S_IFBLK: .blockDevice
            default: .other
            }
        self.init(
            kind: kind, byteCount: UInt64(clamping: status.st_size),
            mode: status.st_mode & 0o7777, owner: status.st_uid,
            modified: Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec),
            changed: Int64(status.st_ctim.tv_sec) * 1_000_000_000 + Int64(status.st_ctim.tv_nsec),
            device: UInt64(status.st_dev))
    }
}
