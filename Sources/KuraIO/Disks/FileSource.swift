internal import CLinux
internal import Glibc
public import SystemPackage

/// A disk image file or a block device, opened for reading at any offset from any thread.
///
/// All reads are positional, so threads share the descriptor. Finding holes moves the descriptor's
/// offset, which nothing else uses.
public final class FileSource: DiskSource {
    public let path: FilePath
    /// Size in bytes when it was opened.
    public let byteCount: UInt64
    private let descriptor: Int32
    private let opened: FileStatus

    /// - Parameter shown: what messages call it; nil for the path itself.
    public convenience init(_ path: FilePath, shownAs shown: FilePath? = nil) throws(KuraError) {
        // O_NONBLOCK, because opening a named pipe would wait for its writer. Files do not care.
        let descriptor = path.withPlatformString {
            kura_open($0, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0)
        }
        guard descriptor >= 0 else {
            throw Self.cannotOpen(path, Errno(rawValue: Glibc.errno))
        }
        try self.init(adopting: descriptor, shownAs: shown ?? path)
    }

    /// - Parameters:
    ///   - descriptor: open for reading; becomes this object's to close, also after an error.
    ///   - path: what messages call it.
    public init(adopting descriptor: Int32, shownAs path: FilePath) throws(KuraError) {
        do throws(KuraError) {
            (opened, byteCount) = try Self.examine(descriptor, path)
        } catch {
            Glibc.close(descriptor)
            throw error
        }
        posix_fadvise(descriptor, 0, 0, Int32(POSIX_FADV_SEQUENTIAL))
        self.path = path
        self.descriptor = descriptor
    }

    /// What it is, and its size.
    private static func examine(
        _ descriptor: Int32, _ path: FilePath
    ) throws(KuraError) -> (FileStatus, UInt64) {
        let status: FileStatus
        do throws(IOError) {
            status = try OpenFile(descriptor: descriptor).status(path)
        } catch {
            throw KuraError(io: error)
        }
        switch status.kind {
        case .regular:
            return (status, status.byteCount)
        case .blockDevice:
            var size: UInt64 = 0
            guard kura_block_device_size(descriptor, &size) == 0 else {
                throw KuraError(
                    io: IOError("find the size of", at: path, Errno(rawValue: Glibc.errno)))
            }
            return (status, size)
        case .directory:
            throw KuraError(
                .io, "\(path) is a directory, not a disk",
                remedy: .advice("name the image files in it one by one"))
        case .other:
            throw KuraError(
                .io, "\(path) is neither a file nor a block device",
                remedy: .point(.backUpStream))
        }
    }

    deinit { Glibc.close(descriptor) }

    private static func cannotOpen(_ path: FilePath, _ reason: Errno) -> KuraError {
        let error = IOError("open", at: path, reason)
        if error.isNotFound {
            return KuraError(
                .io, "there is no \(path)", remedy: .advice("check the path"), cause: error)
        }
        return KuraError(io: error)
    }

    public var name: String { path.string }
    public var knownByteCount: UInt64? { byteCount }

    /// For a program that reads the same file; stays this object's.
    package var openDescriptor: Int32 { descriptor }
    package var isBlockDevice: Bool { opened.kind == .blockDevice }

    public func isWrittenByMachine() -> Bool {
        OpenFile(descriptor: descriptor).isWrittenByMachine
    }

    /// Whether size, mtime or ctime differ from when it was opened.
    public func hasChanged() throws(KuraError) -> Bool {
        var raw = stat()
        guard fstat(descriptor, &raw) == 0 else { throw failure("examine") }
        let now = FileStatus(raw)
        return now.byteCount != opened.byteCount || now.modified != opened.modified
            || now.changed != opened.changed
    }

    /// Fills `target` from `offset`; fewer bytes come back only at the end.
    public func read(
        at offset: UInt64, into target: UnsafeMutableRawBufferPointer
    ) throws(KuraError) -> Int {
        do throws(IOError) {
            return try LocalFileSystem().read(
                OpenFile(descriptor: descriptor), path, at: offset, into: target)
        } catch {
            throw KuraError(io: error)
        }
    }

    /// Makes every further read go around the page cache; offset, length and memory must then be
    /// multiples of `DirectIO.alignment`. What the cache holds stays in it.
    /// - Returns: false where the file system cannot.
    public func readAroundCache() -> Bool { kura_set_direct(descriptor, 1) == 0 }

    /// The next stretch within `range` that may hold data, by SEEK_DATA and SEEK_HOLE.
    /// - Returns: nil when the rest of the range is a hole. Where the file system tells no holes
    ///   (or the source is a device), all of it is data.
    public func nextData(in range: Range<UInt64>) throws(KuraError) -> Range<UInt64>? {
        guard !range.isEmpty else { return nil }
        guard opened.kind == .regular else { return range }
        let start = kura_seek_data(descriptor, off_t(range.lowerBound))
        if start < 0 {
            if Glibc.errno == ENXIO { return nil }
            if Glibc.errno == EINVAL { return range }
            throw failure("find data in")
        }
        guard UInt64(start) < range.upperBound else { return nil }
        let end = kura_seek_hole(descriptor, start)
        guard end >= 0 else { return UInt64(start)..<range.upperBound }
        return UInt64(start)..<min(UInt64(end), range.upperBound)
    }

    private func failure(_ operation: String) -> KuraError {
        KuraError(io: IOError(operation, at: path, Errno(rawValue: Glibc.errno)))
    }
}
