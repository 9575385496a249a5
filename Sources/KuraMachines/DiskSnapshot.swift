internal import CLinux
internal import Glibc
public import SystemPackage

/// A copy of an image that shares its blocks: made in a moment, whatever the size.
public struct DiskSnapshot: Sendable {
    /// Where it can be read, for as long as this process has it open.
    public let path: FilePath
    private let descriptor: Int32

    /// Nil where the file system cannot share blocks, or the disk is no file: then it has to be
    /// read in place. The copy has no name, so nothing is left behind whatever happens.
    public static func take(of disk: OpenedDisk) -> DiskSnapshot? {
        guard let folder = disk.folder else { return nil }
        let copy = kura_open_without_links(
            folder, ".", O_RDWR | O_CLOEXEC | kura_o_tmpfile(), 0o600, 1)
        guard copy >= 0 else { return nil }
        guard kura_clone_file(copy, disk.descriptor) == 0 else {
            close(copy)
            return nil
        }
        return DiskSnapshot(path: FilePath("/proc/self/fd/\(copy)"), descriptor: copy)
    }

    /// Removes the copy. Call it once.
    public func remove() { close(descriptor) }
}
