public import SystemPackage

/// A system call that failed: which one, on what, and why.
public struct IOError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What was tried, as a verb: "open", "write", "flush".
    public var operation: String
    public var path: FilePath
    public var errno: Errno

    public init(_ operation: String, _ path: FilePath, _ errno: Errno) {
        self.operation = operation
        self.path = path
        self.errno = errno
    }

    public var description: String { "cannot \(operation) \(path): \(errno)" }

    /// Whether the file, or a directory on the way to it, does not exist.
    public var isNotFound: Bool { errno == .noSuchFileOrDirectory || errno == .notDirectory }

    public var isNoSpace: Bool { errno == .noSpace || errno == .diskQuotaExceeded }
}
