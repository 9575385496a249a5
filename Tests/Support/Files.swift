import Glibc
import KuraIO
public import SystemPackage

/// The whole content of a file.
public func readFile(_ path: FilePath) throws -> [UInt8] {
    try LocalFileSystem().contents(path, max: 1 << 30)
}

/// Makes a new file with these bytes, in place of one that is there.
public func writeFile(_ bytes: [UInt8], to path: FilePath) throws {
    let fileSystem = LocalFileSystem()
    unlink(path.string)
    let file = try fileSystem.create(path)
    defer { fileSystem.close(file) }
    try bytes.withUnsafeBytes { try fileSystem.write(file, path, at: 0, from: $0) }
}

/// Copies a directory and everything in it, or a file.
public func copyTree(_ from: FilePath, to: FilePath) throws {
    let fileSystem = LocalFileSystem()
    guard try fileSystem.status(from).kind == .directory else {
        return try writeFile(readFile(from), to: to)
    }
    try fileSystem.makeDirectories(to)
    for name in try fileSystem.list(from) {
        try copyTree(from.appending(name), to: to.appending(name))
    }
}
