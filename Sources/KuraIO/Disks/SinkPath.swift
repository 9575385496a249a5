public import SystemPackage

/// A path that takes a disk, and what may happen to what is there.
public struct SinkPath: Sendable {
    public var path: FilePath
    /// Whether an existing file is replaced, when the disk is complete.
    public var overwrites: Bool
    /// Whether `path` is a block device, and only that, which is overwritten.
    public var isDevice: Bool
    /// Whether `path` may be a link to what is overwritten. Not where its last part is a name from
    /// a vault: the user did not choose what it links to.
    public var followsLink: Bool

    public init(
        _ path: FilePath, overwrites: Bool = false, isDevice: Bool = false,
        followsLink: Bool = true
    ) {
        self.path = path
        self.overwrites = overwrites
        self.isDevice = isDevice
        self.followsLink = followsLink
    }

    /// Looks at what is there, and makes a new file or opens the device.
    /// - Parameter byteCount: size of the disk.
    public func open(
        byteCount: UInt64, on fileSystem: any TargetFileSystem = LocalFileSystem()
    ) throws(KuraError) -> any DiskSink {
        let existing = try status(of: path, on: fileSystem)?.kind
        if !followsLink || existing == nil, fileSystem.isLink(path) {
            throw KuraError(
                .exists, "\(path) is a symbolic link",
                remedy: .advice("remove it, or choose another path"))
        }
        guard existing != .directory else {
            throw KuraError(.io, "\(path) is a directory", remedy: .advice("name a file in it"))
        }
        guard existing != .other else {
            throw KuraError(
                .io, "\(path) is neither a file nor a block device",
                remedy: .point(.restoreStream))
        }
        if existing == .blockDevice {
            guard isDevice else { throw .sinkIsDevice(path) }
            try refuseRunningMachine(fileSystem)
            return try DeviceSink(
                path, byteCount: byteCount, followsLink: followsLink, on: fileSystem)
        }
        guard !isDevice else {
            throw KuraError(
                .invalidInput, "\(path) is not a block device",
                remedy: .advice("name the device that is to be overwritten"))
        }
        guard existing == nil || overwrites else { throw .sinkExists(path) }
        if existing != nil { try refuseRunningMachine(fileSystem) }
        let parent = path.removingLastComponent()
        guard try status(of: parent.isEmpty ? "." : parent, on: fileSystem)?.kind == .directory
        else {
            throw KuraError(
                .io, "the directory for \(path) does not exist", remedy: .advice("make it first"))
        }
        return try NewFileSink(
            path, byteCount: byteCount, replaces: existing != nil, on: fileSystem)
    }

    /// Throws where a machine would go on with a disk that changes under it, or that is no longer
    /// the one of this name.
    private func refuseRunningMachine(_ fileSystem: any TargetFileSystem) throws(KuraError) {
        guard fileSystem.isWrittenByMachine(path) else { return }
        throw KuraError(
            .refused, "a running machine (QEMU) writes to \(path)",
            remedy: .anyOf([
                .advice("shut the machine down"), .advice("choose another path"),
            ]))
    }

    /// Nil where nothing is.
    private func status(
        of path: FilePath, on fileSystem: any TargetFileSystem
    ) throws(KuraError) -> FileStatus? {
        do throws(IOError) {
            return try fileSystem.status(path)
        } catch {
            if error.isNotFound { return nil }
            throw KuraError(io: error)
        }
    }
}

extension KuraError {
    static func sinkExists(_ path: FilePath) -> KuraError {
        KuraError(
            .exists, "\(path) exists already",
            remedy: .anyOf([.advice("choose another path"), .point(.overwriteTarget)]))
    }

    fileprivate static func sinkIsDevice(_ path: FilePath) -> KuraError {
        KuraError(
            .refused, "\(path) is a block device, and what is on it would be lost",
            remedy: .anyOf([.advice("choose another path"), .point(.overwriteDevice)]))
    }
}
