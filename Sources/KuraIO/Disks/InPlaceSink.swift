internal import SystemPackage

/// An existing file or block device that is overwritten in place, so that it keeps its identity:
/// inode, owner, attached loop device. Until `finish` returns, it holds a mixture of old and new.
public final class InPlaceSink: DiskSink {
    private let path: FilePath
    public let byteCount: UInt64
    private let file: SinkFile
    private let isDevice: Bool

    /// Use `SinkPath`, which finds out what is there and asks whether it may be overwritten.
    /// - Parameters:
    ///   - byteCount: size of the disk. A file gets it; a device may be larger.
    ///   - followsLink: whether the last part of `path` may be a symbolic link.
    init(
        _ path: FilePath, byteCount: UInt64, isDevice: Bool, followsLink: Bool,
        on fileSystem: any TargetFileSystem
    ) throws(KuraError) {
        self.path = path
        self.byteCount = byteCount
        self.isDevice = isDevice
        do throws(IOError) {
            file = SinkFile(
                try fileSystem.openForWriting(path, followsLink: followsLink), at: path,
                shownAs: path, on: fileSystem)
        } catch {
            throw KuraError(io: error)
        }
        guard isDevice else {
            try file.resize(to: byteCount)
            return
        }
        let available = try file.deviceByteCount()
        guard available >= byteCount else {
            throw KuraError(
                .io, "\(path) has \(available) bytes, the disk needs \(byteCount)",
                remedy: .advice("choose a larger device"))
        }
    }

    public var name: String { path.string }
    public var access: DiskAccess { .random }
    public var startsAsZeros: Bool { false }

    public func write(at offset: UInt64, _ bytes: UnsafeRawBufferPointer) throws(KuraError) {
        try file.write(at: offset, bytes)
    }

    public func zero(_ range: Range<UInt64>) throws(KuraError) {
        try file.zero(range, makesHoles: !isDevice)
    }

    public func startWriteback(_ range: Range<UInt64>) { file.startWriteback(range) }

    public func finish() throws(KuraError) { try file.flush() }

    public func abandon() {}
}
