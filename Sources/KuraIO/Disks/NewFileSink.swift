internal import KuraFormat
internal import SystemPackage

/// A new file, sparse, its owner's only; or one that replaces an old file, with its owner, group
/// and permissions.
///
/// It is written under a temporary name beside its final one, and renamed when `finish` has flushed
/// it. What is on disk if power fails, or the process dies: before the rename, the temporary file
/// with any bytes, which nothing reads, and the old file as it was; after it, the complete new file
/// under either name, and under its own at any rate the whole old or the whole new one; after
/// `finish`, the new one under its own.
///
/// Replacing takes room for both files. Who has the old file open (a machine that runs, a loop
/// device) keeps the old bytes, and so do other names that are hard links to it. A symbolic link
/// stays, and what it leads to is replaced.
public final class NewFileSink: DiskSink {
    private let shown: FilePath
    /// Without links where a file is replaced. Below the directory that is held, so that it is the
    /// same one from the first byte to the last, also where directories are renamed meanwhile.
    private let path: FilePath
    private let held: HeldDirectory?
    public let byteCount: UInt64
    private let fileSystem: any TargetFileSystem
    private let temporary: FilePath
    private let file: SinkFile
    /// The file that is replaced.
    private let old: OpenFile?

    /// Use `SinkPath`, which finds out what is there and asks whether it may be replaced.
    /// - Parameters:
    ///   - byteCount: size of the disk.
    ///   - replaces: whether there is a regular file with this path, which this user may write to.
    init(
        _ path: FilePath, byteCount: UInt64, replaces: Bool, on fileSystem: any TargetFileSystem
    ) throws(KuraError) {
        shown = path
        self.byteCount = byteCount
        self.fileSystem = fileSystem
        var old: OpenFile?
        var held: HeldDirectory?
        do throws(IOError) {
            let real = replaces ? try fileSystem.withoutLinks(path) : path
            held = try fileSystem.hold(real.removingLastComponent())
            if let held, let name = real.lastComponent {
                self.path = held.path.appending(name)
            } else {
                self.path = real
            }
            // Of its own: a process that was killed left its file behind, and numbers of processes
            // come again, in containers at once.
            temporary = FilePath("\(self.path.string).\(UniqueID.random().hex.prefix(8)).partial")
            // Not to write to it: a file that this user may not change is not replaced either.
            if replaces { old = try fileSystem.openForWriting(self.path) }
            file = SinkFile(
                try fileSystem.create(temporary), at: temporary, shownAs: path, on: fileSystem)
        } catch {
            for file in [old, held?.file].compactMap(\.self) { fileSystem.close(file) }
            throw KuraError(io: IOError(error.operation, at: path, error.errno))
        }
        self.old = old
        self.held = held
        do throws(KuraError) {
            try file.resize(to: byteCount)
        } catch {
            abandon()
            throw error
        }
    }

    deinit {
        for file in [old, held?.file].compactMap(\.self) { fileSystem.close(file) }
    }

    public var name: String { shown.string }
    /// For a program that writes all of a file that was made without bytes; stays this object's.
    package var openDescriptor: Int32 { file.openDescriptor }
    public var access: DiskAccess { .random }
    public var startsAsZeros: Bool { true }

    public func write(at offset: UInt64, _ bytes: UnsafeRawBufferPointer) throws(KuraError) {
        try file.write(at: offset, bytes)
    }

    public func zero(_ range: Range<UInt64>) throws(KuraError) {
        try file.zero(range, makesHoles: true)
    }

    public func startWriteback(_ range: Range<UInt64>) { file.startWriteback(range) }

    /// Flushes everything and gives the file its name. Unless it replaces one, a file that got the
    /// name meanwhile stays as it is, and that is an error.
    public func finish() throws(KuraError) {
        if let old { try file.takePermissions(of: old) }
        try file.flush()
        let parent = path.removingLastComponent()
        do throws(IOError) {
            try fileSystem.rename(temporary, to: path, replacing: old != nil)
            try fileSystem.flushDirectory(parent.isEmpty ? "." : parent)
        } catch {
            throw error.errno == .fileExists
                ? .sinkExists(shown)
                : KuraError(io: IOError(error.operation, at: shown, error.errno))
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
