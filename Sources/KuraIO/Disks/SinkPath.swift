public import SystemPackage

/// A path that takes a disk, and what may happen to what is there.
public struct SinkPath: Sendable {
    public var path: FilePath
    /// Whether an existing file or block device is overwritten in place.
    public var overwrites: Bool
    /// Whether `path` may be a link to what is overwritten. Not where its last part is a name from
    /// a vault: the user did not choose what it links to.
    public var followsLink: Bool

    public init(_ path: FilePath, overwrites: Bool = false, followsLink: Bool = true) {
        self.path = path
        self.overwrites = overwrites
        self.followsLink = followsLink
    }

    /// Looks at what is there, and makes a new file or opens the existing one.
    /// - Parameter byteCount: size of the disk.
    public func open(
        byteCount: UInt64, on fileSystem: any TargetFileSystem = LocalFileSystem()
    ) throws(KuraError) -> any DiskSink {
        let existing = try status(of: path, on: fileSystem)
        if !followsLink || existing == nil, fileSystem.isLink(path) {
            throw KuraError(
                .exists, "\(path) is a symbolic link",
                remedy: .advice("remove it, or choose another path"))
        }
        if let existing {
            guard existing.kind != .directory else {
                throw KuraError(.io, "\(path) is a directory", remedy: .advice("name a file in it"))
            }
            guard overwrites else { throw .sinkExists(path) }
            return try InPlaceSink(
                path, byteCount: byteCount, isDevice: existing.kind == .blockDevice,
                followsLink: followsLink, on: fileSystem)
        }
        let parent = path.removingLastComponent()
        guard try status(of: parent.isEmpty ? "." : parent, on: fileSystem)?.kind == .directory
        else {
            throw KuraError(
                .io, "the directory for \(path) does not exist", remedy: .advice("make it first"))
        }
        return try NewFileSink(path, byteCount: byteCount, on: fileSystem)
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
}
