internal import CLinux
internal import Glibc
public import KuraIO
public import SystemPackage

/// The disk of a machine, opened for reading where it may be.
public final class OpenedDisk: Sendable {
    /// Closed with this object.
    public let descriptor: Int32
    /// The open directory that holds the image; nil for a block device.
    let folder: Int32?

    fileprivate init(_ descriptor: Int32, in folder: Int32?) {
        self.descriptor = descriptor
        self.folder = folder
    }

    deinit {
        close(descriptor)
        if let folder { close(folder) }
    }

    /// The disk itself, for one reader.
    /// - Parameter path: what messages call it.
    public func source(shownAs path: FilePath) throws(KuraError) -> FileSource {
        let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0 else {
            throw KuraError(io: IOError("open", at: path, Errno(rawValue: errno)))
        }
        return try FileSource(adopting: copy, shownAs: path)
    }
}

/// Where disks of machines may be: in the folder of their machine, and where the operator allowed
/// it. Who describes a machine need not be who backs it up: without this, the backup would read any
/// file of its user, and the restore hand it over.
public struct DiskPlaces: Sendable {
    /// Directories, images and block devices that any machine may name.
    public var allowed: [FilePath]

    public init(allowed: [FilePath] = []) { self.allowed = allowed }

    /// Opens a disk. No symbolic link on the way to it is followed below the inventory's folder or
    /// an allowed directory, unless only root and this user could change it. A file has one
    /// name, and belongs to the owner of the machine's folder, to root, or to this user.
    /// - Throws: `refused` for what is elsewhere or is no disk of that machine.
    public func open(
        _ disk: VirtualMachine.Disk, of machine: VirtualMachine
    ) throws(KuraError) -> OpenedDisk {
        let (path, folder) = (FilePath(disk.path), FilePath(machine.folder))
        let descriptor = try Self.machineFolder(folder)
        defer { close(descriptor) }
        var owner = stat()
        guard fstat(descriptor, &owner) == 0 else { throw Self.failure("examine", folder) }
        let found: OpenedDisk
        let isAllowed: Bool
        if let inside = Self.part(of: path, below: folder) {
            found = try Self.open(inside, below: descriptor, path)
            isAllowed = false
        } else if let root = allowed.first(where: { Self.part(of: path, below: $0) != nil }) {
            found = try Self.open(path, allowedBy: root)
            isAllowed = true
        } else {
            throw KuraError(
                .refused,
                "disk \(disk.name) of \(machine.name), \(path), is outside of the machine's folder",
                remedy: .home(.allowDisks(path.removingLastComponent().string)))
        }
        try Self.check(found.descriptor, path, folderOwner: owner.st_uid, isAllowed: isAllowed)
        return found
    }

    /// The folder, found from the inventory's without links.
    private static func machineFolder(_ folder: FilePath) throws(KuraError) -> Int32 {
        var root = folder
        for _ in 0..<3 { root.removeLastComponent() }
        guard let below = part(of: folder, below: root) else {
            throw KuraError(.refused, "\(folder) is no machine's folder")
        }
        let inventory = try directory(root)
        defer { close(inventory) }
        return try openAt(inventory, below, flags: kura_o_path() | O_DIRECTORY, of: folder)
    }

    /// The rest of a path behind a directory; empty for the directory itself, nil for others.
    private static func part(of path: FilePath, below directory: FilePath) -> String? {
        guard path.isAbsolute, path.starts(with: directory),
            !path.components.contains(where: { $0.kind == .parentDirectory })
        else { return nil }
        let count = directory.components.count
        return path.components.dropFirst(count).map(\.string).joined(separator: "/")
    }

    private static let reading = O_RDONLY | O_NONBLOCK

    /// Opens an image by its path from an open directory.
    private static func open(
        _ part: String, below directory: Int32, _ path: FilePath
    ) throws(KuraError) -> OpenedDisk {
        let names = part.split(separator: "/")
        let above = names.dropLast().joined(separator: "/")
        let folder = try openAt(
            directory, above.isEmpty ? "." : above, flags: kura_o_path() | O_DIRECTORY,
            of: path)
        do throws(KuraError) {
            let image = try openAt(
                folder, names.last.map(String.init) ?? ".", flags: reading, of: path)
            return OpenedDisk(image, in: folder)
        } catch {
            close(folder)
            throw error
        }
    }

    private static func open(
        _ path: FilePath, allowedBy root: FilePath
    ) throws(KuraError) -> OpenedDisk {
        guard let part = part(of: path, below: root), !part.isEmpty else {
            // The operator named this very file or device.
            return try following(path)
        }
        let top = try directory(root)
        defer { close(top) }
        do throws(KuraError) {
            return try open(part, below: top, path)
        } catch {
            // Volumes are links of root: /dev/vg0/lv1 to /dev/dm-1.
            guard error.code == .refused, try isTrusted(path) else { throw error }
            return try following(path)
        }
    }

    private static func isTrusted(_ path: FilePath) throws(KuraError) -> Bool {
        do throws(IOError) {
            // The device itself may belong to a group of machines.
            return try LocalFileSystem().foothold(
                on: path.removingLastComponent(), for: Process.userID) == nil
        } catch {
            throw KuraError(io: error)
        }
    }

    private static func following(_ path: FilePath) throws(KuraError) -> OpenedDisk {
        let image = kura_open(path.string, reading | O_CLOEXEC, 0)
        guard image >= 0 else { throw failure("open", path) }
        return OpenedDisk(image, in: nil)
    }

    private static func directory(_ path: FilePath) throws(KuraError) -> Int32 {
        let descriptor = kura_open(
            path.string, kura_o_path() | O_DIRECTORY | O_CLOEXEC, 0)
        guard descriptor >= 0 else { throw failure("open", path) }
        return descriptor
    }

    private static func openAt(
        _ directory: Int32, _ part: String, flags: Int32, of path: FilePath
    ) throws(KuraError) -> Int32 {
        let descriptor = kura_open_without_links(directory, part, flags | O_CLOEXEC, 0, 1)
        guard descriptor < 0 else { return descriptor }
        guard [ELOOP, EXDEV].contains(errno) else { throw failure("open", path) }
        throw KuraError(
            .refused, "\(path) is a symbolic link, or one is on the way to it",
            remedy: .anyOf([
                .advice("put the image itself there"),
                .advice("name the image in vm.json by its own path, and allow its directory"),
            ]))
    }

    private static func check(
        _ descriptor: Int32, _ path: FilePath, folderOwner: UInt32, isAllowed: Bool
    ) throws(KuraError) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw failure("examine", path) }
        switch status.st_mode & S_IFMT {
        case S_IFBLK:
            guard !isAllowed else { return }
            throw KuraError(
                .refused, "\(path) is a block device", remedy: .home(.allowDisks(path.string)))
        case S_IFREG:
            guard status.st_nlink == 1 else {
                throw KuraError(
                    .refused, "\(path) has \(status.st_nlink) names (hard links)",
                    remedy: .advice("copy the image, so that it is a file of its own"))
            }
            guard [0, folderOwner, Process.userID].contains(status.st_uid) else {
                throw KuraError(
                    .refused,
                    "\(path) belongs to user \(status.st_uid), who owns neither the machine's "
                        + "folder nor Kura",
                    remedy: .advice("run: chown \(folderOwner) \(path)"))
            }
        default:
            throw KuraError(
                .refused, "\(path) is neither a file nor a block device",
                remedy: .advice("put the image itself there"))
        }
    }

    private static func failure(_ operation: String, _ path: FilePath) -> KuraError {
        let error = IOError(operation, at: path, Errno(rawValue: errno))
        if error.isNotFound {
            return KuraError(
                .io, "there is no \(path)", remedy: .advice("check the path"), cause: error)
        }
        return KuraError(io: error)
    }
}
