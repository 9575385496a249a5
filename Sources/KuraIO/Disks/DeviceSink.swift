internal import SystemPackage

/// A block device that is overwritten from its start, and that nothing else can mount or use
/// meanwhile. What lies behind the disk stays.
///
/// What is on the device if power fails: until `finish` returns, each block old or new; then the
/// disk.
public final class DeviceSink: DiskSink {
    private let path: FilePath
    public let byteCount: UInt64
    private let file: SinkFile

    /// Use `SinkPath`, which finds out what is there and asks whether it may be overwritten.
    /// - Parameters:
    ///   - byteCount: size of the disk; the device may be larger.
    ///   - followsLink: whether the last part of `path` may be a symbolic link.
    /// - Throws: `refused` when a file system, swap space or another device uses it.
    init(
        _ path: FilePath, byteCount: UInt64, followsLink: Bool,
        on fileSystem: any TargetFileSystem
    ) throws(KuraError) {
        self.path = path
        self.byteCount = byteCount
        do throws(IOError) {
            file = SinkFile(
                try fileSystem.openDevice(path, followsLink: followsLink), at: path,
                shownAs: path, on: fileSystem)
        } catch {
            guard error.errno == .resourceBusy else { throw KuraError(io: error) }
            throw Self.inUse(path)
        }
        let available = try file.deviceByteCount()
        guard available >= byteCount else {
            throw KuraError(
                .io, "\(path) has \(available) bytes, the disk needs \(byteCount)",
                remedy: .advice("choose a larger device"))
        }
    }

    private static func inUse(_ path: FilePath) -> KuraError {
        let (use, end) =
            switch DeviceUse.find(path) {
            case .mounted(let place): ("is mounted at \(place)", "unmount it first")
            case .swap: ("is swap space that is in use", "end that with swapoff first")
            case .device(let name): ("is part of device \(name)", "take that apart first")
            case nil:
                (
                    "is mounted elsewhere, or another program holds it",
                    "end that first: lsof and lsblk tell more"
                )
            }
        return KuraError(
            .refused, "\(path) \(use): nothing was written to it",
            remedy: .advice("\(end), or choose another device"))
    }

    public var name: String { path.string }
    public var access: DiskAccess { .random }
    public var startsAsZeros: Bool { false }

    public func write(at offset: UInt64, _ bytes: UnsafeRawBufferPointer) throws(KuraError) {
        try file.write(at: offset, bytes)
    }

    public func zero(_ range: Range<UInt64>) throws(KuraError) {
        try file.zero(range, makesHoles: false)
    }

    public func startWriteback(_ range: Range<UInt64>) { file.startWriteback(range) }

    public func finish() throws(KuraError) { try file.flush() }

    public func abandon() {}
}
