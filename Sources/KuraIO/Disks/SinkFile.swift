internal import SystemPackage

/// An open file or block device that several threads write a disk to. Closed when its last
/// reference goes.
final class SinkFile: Sendable {
    /// The name that the user knows, for messages.
    private let shown: FilePath
    /// The name that it has now.
    private let path: FilePath
    private let fileSystem: any TargetFileSystem
    private let file: OpenFile
    /// For writes around the page cache. Threads share the flags of a descriptor, so it is one of
    /// its own.
    private let direct: OpenFile?

    /// - Parameter file: becomes this object's to close.
    init(
        _ file: OpenFile, at path: FilePath, shownAs shown: FilePath,
        on fileSystem: any TargetFileSystem
    ) {
        self.file = file
        self.path = path
        self.shown = shown
        self.fileSystem = fileSystem
        direct = fileSystem.openAroundCache(path)
    }

    deinit {
        fileSystem.close(file)
        if let direct { fileSystem.close(direct) }
    }

    func write(at offset: UInt64, _ bytes: UnsafeRawBufferPointer) throws(KuraError) {
        var done = 0
        if let direct {
            done = fileSystem.writeAroundCache(direct, at: offset, bytes)
            if done == bytes.count { return }
        }
        let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
        try named { () throws(IOError) in
            try fileSystem.writeBuffered(file, path, at: offset + UInt64(done), from: rest)
        }
    }

    /// Makes a hole, or writes zeros where the file system makes none.
    func zero(_ range: Range<UInt64>, makesHoles: Bool) throws(KuraError) {
        guard !range.isEmpty else { return }
        let isHole = try named { () throws(IOError) in
            makesHoles ? try fileSystem.punchHole(file, path, in: range) : false
        }
        if isHole { return }
        try Zeros.forEachPiece(of: range) { (offset, zeros) throws(KuraError) in
            try write(at: offset, zeros)
        }
    }

    var openDescriptor: Int32 { file.descriptor }

    func startWriteback(_ range: Range<UInt64>) { fileSystem.startWriteback(file, range) }

    func resize(to byteCount: UInt64) throws(KuraError) {
        try named { () throws(IOError) in try fileSystem.resize(file, path, to: byteCount) }
    }

    /// Size of the block device that it is.
    func deviceByteCount() throws(KuraError) -> UInt64 {
        try named { () throws(IOError) in try fileSystem.deviceByteCount(file, path) }
    }

    func takePermissions(of old: OpenFile) throws(KuraError) {
        try named { () throws(IOError) in try fileSystem.copyPermissions(of: old, to: file, path) }
    }

    func flush() throws(KuraError) {
        try named { () throws(IOError) in try fileSystem.flush(file, path) }
    }

    /// Errors by the name that the user knows.
    private func named<T>(_ body: () throws(IOError) -> T) throws(KuraError) -> T {
        do throws(IOError) {
            return try body()
        } catch {
            throw KuraError(io: IOError(error.operation, at: shown, error.errno))
        }
    }
}
