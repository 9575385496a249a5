internal import Synchronization
public import SystemPackage

/// The kernel's lock of a file.
public final class FileLock: LockHandle {
    private let file: OpenFile
    private let path: FilePath
    private let fileSystem: any FileSystem
    private let isOpen = Atomic<Bool>(true)

    /// Opens a lock file, and creates it where it is missing.
    public init(_ path: FilePath, _ fileSystem: any FileSystem) throws(IOError) {
        file = try fileSystem.openLock(path)
        self.path = path
        self.fileSystem = fileSystem
    }

    deinit { release(removing: false) }

    public func take(note: [UInt8]) throws(IOError) -> Bool {
        try fileSystem.takeLock(file, path, note: note)
    }

    public func release(removing: Bool) {
        guard isOpen.exchange(false, ordering: .acquiringAndReleasing) else { return }
        if removing {
            do throws(IOError) {
                // While it is locked: afterwards it may be another holder's.
                try fileSystem.remove(path)
            } catch {
                // An empty file without a lock stays behind.
            }
        }
        fileSystem.close(file)
    }
}

/// A lock file of a file system.
public struct FileLockPlace: LockPlace {
    private let path: FilePath
    private let fileSystem: any FileSystem

    public init(_ path: FilePath, _ fileSystem: any FileSystem = LocalFileSystem()) {
        self.path = path
        self.fileSystem = fileSystem
    }

    public func open() throws(IOError) -> any LockHandle { try FileLock(path, fileSystem) }

    public func watch() -> (any LockWatch)? { fileSystem.watchLock(path) }

    public func note(max: Int) throws(IOError) -> [UInt8] {
        try fileSystem.contents(path, max: max)
    }

    public func isHeld() throws(IOError) -> Bool {
        guard try fileSystem.exists(path) else { return false }
        guard let lock = try fileSystem.lock(path) else { return true }
        fileSystem.close(lock)
        return false
    }

    public var description: String { path.string }
}
