internal import Glibc
public import SystemPackage

/// A place on the way to a file through which another user can put other files in its place, or
/// which is another user's itself.
public struct Foothold: Equatable, Sendable, CustomStringConvertible {
    public enum Kind: Equatable, Sendable {
        /// It belongs to this user.
        case owner(UInt32)
        /// Others than its owner may write to it; its permission bits.
        case writable(UInt32)
    }

    public var path: FilePath
    public var kind: Kind

    public init(path: FilePath, kind: Kind) {
        self.path = path
        self.kind = kind
    }

    public var description: String {
        switch kind {
        case .owner(let user): "\(path) belongs to user \(user)"
        case .writable(let mode):
            "others than its owner may write to \(path) (mode \(String(mode, radix: 8)))"
        }
    }

    /// Follows a path from the root, link by link. Directories on the way may be sticky ones of
    /// root, in which everybody makes names of his own, and may be open to a group that is its
    /// owner's alone by its number. The last part must be its owner's alone, unless it is a sticky
    /// directory of root.
    /// - Parameters:
    ///   - path: absolute. What is not there is in no one's hands: nil.
    ///   - user: who is trusted besides root.
    static func find(on path: FilePath, for user: UInt32) throws(IOError) -> Foothold? {
        var rest = Array(path.string.split(separator: "/").reversed().map(String.init))
        var here = ""
        var links = 0
        if let found = check("/", try status("/"), for: user, isLast: rest.isEmpty) { return found }
        while let name = rest.popLast() {
            if name == "." { continue }
            if name == ".." {
                here = String(here[..<(here.lastIndex(of: "/") ?? here.startIndex)])
                continue
            }
            let next = "\(here)/\(name)"
            let status: stat
            do throws(IOError) {
                status = try Self.status(next)
            } catch {
                if error.isNotFound { return nil }
                throw error
            }
            if status.st_mode & S_IFMT == S_IFLNK {
                links += 1
                guard links <= linksMax else {
                    throw IOError("follow", at: path, .tooManySymbolicLinkLevels)
                }
                if status.st_uid != 0, status.st_uid != user {
                    return Foothold(path: FilePath(next), kind: .owner(status.st_uid))
                }
                let target = try Self.target(of: next)
                if target.hasPrefix("/") { here = "" }
                rest += target.split(separator: "/").reversed().map(String.init)
                continue
            }
            if let found = check(next, status, for: user, isLast: rest.isEmpty) { return found }
            here = next
        }
        return nil
    }

    private static let linksMax = 40

    private static func check(
        _ path: String, _ status: stat, for user: UInt32, isLast: Bool
    ) -> Foothold? {
        if status.st_uid != 0, status.st_uid != user {
            return Foothold(path: FilePath(path), kind: .owner(status.st_uid))
        }
        let isDirectory = status.st_mode & S_IFMT == S_IFDIR
        if isDirectory, status.st_mode & S_ISVTX != 0, status.st_uid == 0 { return nil }
        let isOwnGroup = status.st_gid == status.st_uid
        let others: mode_t = !isLast && isOwnGroup ? 0o002 : 0o022
        if status.st_mode & others == 0 { return nil }
        return Foothold(path: FilePath(path), kind: .writable(status.st_mode & 0o7777))
    }

    private static func status(_ path: String) throws(IOError) -> stat {
        var status = stat()
        guard lstat(path, &status) == 0 else {
            throw IOError("examine", place: path, Errno(rawValue: errno))
        }
        return status
    }

    private static func target(of path: String) throws(IOError) -> String {
        var bytes = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = bytes.withUnsafeMutableBytes { buffer in
            readlink(path, buffer.baseAddress!.assumingMemoryBound(to: CChar.self), buffer.count)
        }
        guard count >= 0 else { throw IOError("examine", place: path, Errno(rawValue: errno)) }
        return String(decoding: bytes[..<count], as: UTF8.self)
    }
}
