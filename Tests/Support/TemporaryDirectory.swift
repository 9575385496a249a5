import Glibc
import KuraIO
public import SystemPackage

/// A directory of its own for one test, removed at the end.
public func withTemporaryDirectory<T>(_ body: (FilePath) throws -> T) throws -> T {
    let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    let path = FilePath("\(base)/kura-test-\(getpid())-\(UInt64.random(in: 0...UInt64.max))")
    try LocalFileSystem().makeDirectories(path)
    defer { removeTree(path) }
    return try body(path)
}

/// Removes a directory and everything in it; directories without permissions, too.
public func removeTree(_ path: FilePath) {
    var status = stat()
    guard lstat(path.string, &status) == 0 else { return }
    if status.st_mode & S_IFMT == S_IFDIR {
        chmod(path.string, 0o700)
        for name in (try? LocalFileSystem().list(path)) ?? [] { removeTree(path.appending(name)) }
        rmdir(path.string)
    } else {
        unlink(path.string)
    }
}
