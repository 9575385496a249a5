internal import CLinux
internal import Glibc
internal import Synchronization
internal import SystemPackage

/// Files of this machine below one directory, reached without any symbolic link.
///
/// Who can write to that directory can put links and pipes in the place of its directories and
/// files. They are errors here: nothing leads a read or a write out of the directory. The directory
/// itself may be found through links, which are its user's; they are followed once.
final class ContainedFileSystem: FileSystem {
    private let base = LocalFileSystem()
    /// Path of the directory, with a slash behind it.
    private let prefix: String
    private let root: FilePath
    /// The same without links; nil while the directory was not there.
    private let real = Mutex<String?>(nil)

    init(_ root: FilePath) {
        self.root = root
        prefix = root.string.hasSuffix("/") ? root.string : root.string + "/"
    }

    /// - Returns: nil for a path that is not below the directory, or while that is not there.
    private func place(of path: FilePath) -> String? {
        let text = path.string
        guard text.hasPrefix(prefix) else { return nil }
        guard let real = realPrefix() else { return nil }
        return real == prefix ? text : real + text.dropFirst(prefix.count)
    }

    private func realPrefix() -> String? {
        real.withLock { known in
            if let known { return known }
            guard let found = realpath(root.isEmpty ? "." : root.string, nil) else { return nil }
            defer { free(found) }
            let text = String(cString: found)
            known = text == "/" ? text : text + "/"
            return known
        }
    }

    private func open(
        _ path: FilePath, at place: String, _ flags: Int32, as operation: String = "open"
    ) throws(IOError) -> OpenFile {
        let descriptor = kura_open_without_links(AT_FDCWD, place, flags | O_CLOEXEC, 0o600, 0)
        guard descriptor >= 0 else {
            throw IOError(operation, at: path, Errno(rawValue: errno))
        }
        return OpenFile(descriptor: descriptor)
    }

    private func openRegular(
        _ path: FilePath, at place: String, _ flags: Int32
    ) throws(IOError) -> OpenFile {
        let file = try open(path, at: place, flags | O_NOFOLLOW | O_NONBLOCK)
        try file.requireRegular(path)
        return file
    }

    private func openDirectory(
        _ path: FilePath, at place: String, as operation: String
    ) throws(IOError) -> OpenFile {
        try open(path, at: place, O_RDONLY | O_DIRECTORY, as: operation)
    }

    /// Calls `body` with the directory that holds a name, and the name.
    /// - Returns: what `body` does: 0, or -1 with errno.
    private func inParent(
        of place: String, shownAs path: FilePath, _ operation: String,
        _ body: (Int32, String) -> Int32
    ) throws(IOError) {
        let slash = place.lastIndex(of: "/") ?? place.startIndex
        let parent = try open(
            path, at: String(place[..<slash]), kura_o_path() | O_DIRECTORY, as: operation)
        defer { close(parent) }
        guard body(parent.descriptor, String(place[slash...].dropFirst())) == 0 else {
            throw IOError(operation, at: path, Errno(rawValue: errno))
        }
    }

    func openForReading(_ path: FilePath) throws(IOError) -> OpenFile {
        guard let place = place(of: path) else { return try base.openForReading(path) }
        return try openRegular(path, at: place, O_RDONLY)
    }

    func create(_ path: FilePath) throws(IOError) -> OpenFile {
        guard let place = place(of: path) else { return try base.create(path) }
        return try open(path, at: place, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, as: "create")
    }

    func openLock(_ path: FilePath) throws(IOError) -> OpenFile {
        guard let place = place(of: path) else { return try base.openLock(path) }
        return try openRegular(path, at: place, O_RDWR | O_CREAT)
    }

    func flushDirectory(_ path: FilePath) throws(IOError) {
        guard let place = place(of: path) else { return try base.flushDirectory(path) }
        let directory = try openDirectory(path, at: place, as: "open")
        defer { close(directory) }
        try base.flush(directory, path)
    }

    func rename(_ from: FilePath, to: FilePath, replacing: Bool) throws(IOError) {
        guard let old = place(of: from), let new = place(of: to) else {
            return try base.rename(from, to: to, replacing: replacing)
        }
        var isUnknown = false
        try inParent(of: old, shownAs: from, "rename") { oldParent, oldName in
            do throws(IOError) {
                try inParent(of: new, shownAs: to, "rename") { newParent, newName in
                    kura_rename_at(oldParent, oldName, newParent, newName, replacing ? 1 : 0)
                }
                return 0
            } catch {
                // Some file systems do not know the flag.
                isUnknown =
                    !replacing && [.invalidArgument, .noFunction].contains(error.errno)
                errno = isUnknown ? 0 : error.errno.rawValue
                return isUnknown ? 0 : -1
            }
        }
        guard isUnknown else { return }
        // There, looking first has to do.
        if try exists(to) { throw IOError("rename", at: to, .fileExists) }
        try rename(from, to: to, replacing: true)
    }

    func remove(_ path: FilePath) throws(IOError) {
        guard let place = place(of: path) else { return try base.remove(path) }
        try inParent(of: place, shownAs: path, "remove") { parent, name in
            if unlinkat(parent, name, 0) == 0 { return 0 }
            return errno == EISDIR ? unlinkat(parent, name, AT_REMOVEDIR) : -1
        }
    }

    func makeDirectory(_ path: FilePath) throws(IOError) {
        guard let place = place(of: path) else { return try base.makeDirectory(path) }
        try inParent(of: place, shownAs: path, "create") { parent, name in
            mkdirat(parent, name, 0o700) == 0 || errno == EEXIST ? 0 : -1
        }
    }

    func list(_ path: FilePath) throws(IOError) -> [String] {
        guard let place = place(of: path) else { return try base.list(path) }
        let file = try openDirectory(path, at: place, as: "list")
        guard let directory = fdopendir(file.descriptor) else {
            let reason = Errno(rawValue: errno)
            close(file)
            throw IOError("list", at: path, reason)
        }
        return try LocalFileSystem.names(in: directory, path)
    }

    func status(_ path: FilePath) throws(IOError) -> FileStatus {
        guard let place = place(of: path) else { return try base.status(path) }
        let file = try open(path, at: place, kura_o_path() | O_NOFOLLOW, as: "examine")
        defer { close(file) }
        return try file.status(path)
    }

    func freeBytes(_ path: FilePath) throws(IOError) -> UInt64 {
        guard let place = place(of: path) else { return try base.freeBytes(path) }
        let file = try openDirectory(path, at: place, as: "examine")
        defer { close(file) }
        var status = statvfs()
        guard fstatvfs(file.descriptor, &status) == 0 else {
            throw IOError("examine", at: path, Errno(rawValue: errno))
        }
        return UInt64(status.f_bavail) * UInt64(status.f_frsize)
    }

    func watchLock(_ path: FilePath) -> (any LockWatch)? { base.watchLock(path) }

    // MARK: Open files

    func close(_ file: OpenFile) { base.close(file) }

    func read(
        _ file: OpenFile, _ path: FilePath, at offset: UInt64,
        into target: UnsafeMutableRawBufferPointer
    ) throws(IOError) -> Int {
        try base.read(file, path, at: offset, into: target)
    }

    func byteCount(_ file: OpenFile, _ path: FilePath) throws(IOError) -> UInt64 {
        try base.byteCount(file, path)
    }

    func write(
        _ file: OpenFile, _ path: FilePath, at offset: UInt64, from bytes: UnsafeRawBufferPointer
    ) throws(IOError) {
        try base.write(file, path, at: offset, from: bytes)
    }

    func flush(_ file: OpenFile, _ path: FilePath) throws(IOError) { try base.flush(file, path) }

    func seal(_ file: OpenFile, _ path: FilePath) throws(IOError) { try base.seal(file, path) }

    func takeLock(
        _ file: OpenFile, _ path: FilePath, note: [UInt8]
    ) throws(IOError) -> Bool {
        try base.takeLock(file, path, note: note)
    }

    func foothold(on path: FilePath, for user: UInt32) throws(IOError) -> Foothold? {
        try base.foothold(on: path, for: user)
    }
}
