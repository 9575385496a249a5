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
public func removeTree(_ path: FilePath) { removeTree(path.string) }

private func removeTree(_ path: String) {
    var status = stat()
    guard lstat(path, &status) == 0 else { return }
    if status.st_mode & S_IFMT == S_IFDIR {
        chmod(path, 0o700)
        for name in names(in: path) { removeTree("\(path)/\(name)") }
        rmdir(path)
    } else {
        unlink(path)
    }
}

/// Every file below a directory, in ascending order. By strings: a vault has hundreds of
/// directories, and FilePath is slow without optimisation.
public func filesBelow(_ path: FilePath) -> [FilePath] {
    filesBelow(path.string).map { FilePath($0) }
}

private func filesBelow(_ path: String) -> [String] {
    names(in: path).flatMap { name in
        let child = "\(path)/\(name)"
        var status = stat()
        guard lstat(child, &status) == 0 else { return [String]() }
        return status.st_mode & S_IFMT == S_IFDIR ? filesBelow(child) : [child]
    }
}

private func names(in path: String) -> [String] {
    guard let directory = opendir(path) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
            pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
}
