internal import Glibc
package import SystemPackage

/// A new folder that no other user can look into, for sockets and links.
package struct PrivateFolder: Sendable {
    package let path: FilePath

    package init() throws(KuraError) {
        var template = Array("/tmp/kura-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw KuraError(
                io: IOError("make a folder in", place: "/tmp", Errno(rawValue: errno)))
        }
        path = FilePath(
            String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self))
    }

    /// Makes a link in it.
    package func link(_ name: String, to target: String) throws(KuraError) -> FilePath {
        let link = path.appending(name)
        guard symlink(target, link.string) == 0 else {
            throw KuraError(io: IOError("make a link", at: link, Errno(rawValue: errno)))
        }
        return link
    }

    /// Removes it, with files of these names that are still in it.
    package func remove(_ names: String...) {
        for name in names { unlink(path.appending(name).string) }
        rmdir(path.string)
    }
}
