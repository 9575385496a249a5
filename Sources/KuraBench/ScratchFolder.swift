internal import Glibc
internal import KuraFormat
public import KuraIO
public import SystemPackage

/// A new folder for a measurement, removed with everything in it at the end.
public struct ScratchFolder: Sendable {
    public let path: FilePath

    /// - Parameters:
    ///   - parent: an existing directory.
    ///   - byteCount: room that must be there; less is an error, before anything is made.
    public init(in parent: FilePath, needing byteCount: UInt64) throws(KuraError) {
        let fileSystem = LocalFileSystem()
        path = parent.appending("kura-bench-\(UniqueID.random().hex)")
        do throws(IOError) {
            let free = try fileSystem.freeBytes(parent)
            guard free >= byteCount else {
                throw IOError("measure in", at: parent, .noSpace)
            }
            try fileSystem.makeDirectory(path)
        } catch {
            throw error.isNoSpace
                ? KuraError(
                    .noSpace,
                    "\(parent) has not the \(byteCount >> 20) MiB that this needs at most",
                    remedy: .advice("name a directory with more room"))
                : KuraError(io: error)
        }
    }

    /// Removes it. What cannot be removed is named in the error.
    public func remove() throws(KuraError) {
        try withKuraErrors { try Self.removeTree(path) }
    }

    private static func removeTree(_ path: FilePath) throws {
        let fileSystem = LocalFileSystem()
        for name in try fileSystem.list(path) {
            let child = path.appending(name)
            if try fileSystem.status(child).kind == .directory {
                try removeTree(child)
            } else {
                try fileSystem.remove(child)
            }
        }
        guard rmdir(path.string) == 0 else {
            throw IOError("remove", at: path, Errno(rawValue: Glibc.errno))
        }
    }
}
