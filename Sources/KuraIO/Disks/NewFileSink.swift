internal import KuraFormat
internal import SystemPackage

/// A new file, sparse, its owner's only.
///
/// It is written under a temporary name beside its final one, and renamed when `finish` has flushed
/// it. What is on disk if power fails: before the rename, the temporary file with any bytes, which
/// nothing reads; after it, the complete file under either name; after `finish`, under its own.
public final class NewFileSink: DiskSink {
    private let path: FilePath
    public let byteCount: UInt64
    private let fileSystem: any TargetFileSystem
    private let temporary: FilePath
    private let file: SinkFile

    /// Use `SinkPath` for a path that may hold something already.
    /// - Parameter byteCount: size of the disk.
    init(
        _ path: FilePath, byteCount: UInt64, on fileSystem: any TargetFileSystem
    ) throws(KuraError) {
        self.path = path
        self.byteCount = byteCount
        self.fileSystem = fileSystem
        // Of its own: a process that was killed left its file behind, and numbers of processes
        // come again, in containers at once.
        temporary = FilePath("\(path.string).\(UniqueID.random().hex.prefix(8)).partial")
        do throws(IOError) {
            file = SinkFile(
                try fileSystem.create(temporary), at: temporary, shownAs: path, on: fileSystem)
        } catch {
            throw KuraError(io: IOError(error.operation, path, error.errno))
        }
        do throws(KuraError) {
            try file.resize(to: byteCount)
        } catch {
            abandon()
            throw error
        }
    }

    public var name: String { path.string }
    public var access: DiskAccess { .random }
    public var startsAsZeros: Bool { true }

    public func write(at offset: UInt64, _ bytes: UnsafeRawBufferPointer) throws(KuraError) {
        try file.write(at: offset, bytes)
    }

    public func zero(_ range: Range<UInt64>) throws(KuraError) {
        try file.zero(range, makesHoles: true)
    }

    public func startWriteback(_ range: Range<UInt64>) { file.startWriteback(range) }

    /// Flushes everything and gives the file its name. A file that got the name meanwhile stays as
    /// it is, and that is an error.
    public func finish() throws(KuraError) {
        try file.flush()
        let parent = path.removingLastComponent()
        do throws(IOError) {
            try fileSystem.rename(temporary, to: path, replacing: false)
            try fileSystem.flushDirectory(parent.isEmpty ? "." : parent)
        } catch {
            throw error.errno == .fileExists ? .sinkExists(path) : KuraError(io: error)
        }
    }

    public func abandon() {
        do throws(IOError) {
            try fileSystem.remove(temporary)
        } catch {
            // Its name says that it is rubbish; the error on the way here matters more.
            return
        }
    }
}
