import Glibc
import KuraIO
import SystemPackage
import TestSupport
import Testing

@Suite("Contained file system", .timeLimit(.minutes(1))) struct ContainedFileSystemTests {
    /// A directory in which `link` leads to a directory outside of it.
    private func withLink(
        _ body: (_ fileSystem: any FileSystem, _ link: FilePath, _ outside: FilePath) throws -> Void
    ) throws {
        try withTemporaryDirectory { directory in
            let (root, outside) = (directory.appending("root"), directory.appending("outside"))
            for path in [root, outside] { try LocalFileSystem().makeDirectory(path) }
            try writeFile([1, 2, 3], to: outside.appending("file"))
            let link = root.appending("link")
            #expect(symlink(outside.string, link.string) == 0)
            try body(LocalFileSystem().contained(in: root), link, outside)
            #expect(try LocalFileSystem().list(outside) == ["file"])
            #expect(try readFile(outside.appending("file")) == [1, 2, 3])
        }
    }

    private func reason(_ body: () throws(IOError) -> Void) -> Errno? {
        do throws(IOError) {
            try body()
            return nil
        } catch {
            return error.errno
        }
    }

    @Test("No call follows a link below the directory")
    func links() throws {
        try withLink { fileSystem, link, outside in
            let (file, new) = (link.appending("file"), link.appending("new"))
            let mine = link.removingLastComponent().appending("mine")
            fileSystem.close(try fileSystem.create(mine))
            let calls: [(String, () throws(IOError) -> Void)] = [
                ("read", { () throws(IOError) in _ = try fileSystem.openForReading(file) }),
                ("create", { () throws(IOError) in _ = try fileSystem.create(new) }),
                ("lock", { () throws(IOError) in _ = try fileSystem.openLock(new) }),
                ("flush", { () throws(IOError) in try fileSystem.flushDirectory(link) }),
                ("list", { () throws(IOError) in _ = try fileSystem.list(link) }),
                ("status", { () throws(IOError) in _ = try fileSystem.status(file) }),
                ("remove", { () throws(IOError) in try fileSystem.remove(file) }),
                ("make", { () throws(IOError) in try fileSystem.makeDirectory(new) }),
                (
                    "rename to",
                    { () throws(IOError) in
                        try fileSystem.rename(mine, to: new, replacing: false)
                    }
                ),
                (
                    "rename from",
                    { () throws(IOError) in
                        try fileSystem.rename(file, to: mine, replacing: true)
                    }
                ),
            ]
            for (name, call) in calls {
                let found = reason(call)
                // A link is no directory to list or flush, and never one that is not there.
                #expect(found == .tooManySymbolicLinkLevels, "\(name)")
            }
        }
    }

    @Test("A tree is removed without what a link in it leads to")
    func removeTree() throws {
        try withLink { fileSystem, link, outside in
            try fileSystem.removeTree(link.removingLastComponent().appending("link"))
            #expect(try fileSystem.list(link.removingLastComponent()).isEmpty)
        }
    }

    @Test("The directory itself may be found through a link")
    func rootByLink() throws {
        try withTemporaryDirectory { directory in
            let (root, link) = (directory.appending("root"), directory.appending("link"))
            #expect(symlink(root.string, link.string) == 0)
            let fileSystem = LocalFileSystem().contained(in: link)
            // Known before there is anything.
            #expect(try !fileSystem.exists(link.appending("a")))
            try LocalFileSystem().makeDirectory(root)
            try fileSystem.publish(
                [7], as: link.appending("a"), temporary: link.appending("t"))
            #expect(try readFile(root.appending("a")) == [7])
            #expect(try fileSystem.contents(link.appending("a"), max: 10) == [7])
            #expect(try fileSystem.status(link.appending("a")).byteCount == 1)
            #expect(try fileSystem.freeBytes(link) > 0)
        }
    }

    @Test("What is no regular file is refused at once, with a link and without one")
    func kinds() throws {
        try withTemporaryDirectory { directory in
            let pipe = directory.appending("pipe")
            #expect(mkfifo(pipe.string, 0o600) == 0)
            for fileSystem in [LocalFileSystem().contained(in: directory), LocalFileSystem()] {
                for path in [pipe, directory] {
                    #expect(throws: IOError.self) { try fileSystem.openForReading(path) }
                    #expect(throws: IOError.self) { try fileSystem.openLock(path) }
                    #expect(throws: IOError.self) { try fileSystem.contents(path, max: 1) }
                }
            }
            #expect(throws: IOError.self) { try LocalFileSystem().openForWriting(pipe) }
        }
    }

    @Test("A name is taken only once, and a file replaced only on request")
    func rename() throws {
        try withTemporaryDirectory { directory in
            let fileSystem = LocalFileSystem().contained(in: directory)
            let (a, b) = (directory.appending("a"), directory.appending("b"))
            try writeFile([1], to: a)
            try writeFile([2], to: b)
            let found = reason { () throws(IOError) in
                try fileSystem.rename(a, to: b, replacing: false)
            }
            #expect(found == .fileExists)
            try fileSystem.rename(a, to: b, replacing: true)
            #expect(try readFile(b) == [1])
            try fileSystem.makeDirectory(a)
            try fileSystem.makeDirectory(a)
            try fileSystem.remove(a)
            #expect(try fileSystem.list(directory) == ["b"])
        }
    }
}

@Suite("Footholds") struct FootholdTests {
    private func foothold(_ path: FilePath) throws -> Foothold? {
        try LocalFileSystem().foothold(on: path, for: KuraIO.Process.userID)
    }

    @Test("A path that root and this user alone can change has none")
    func none() throws {
        try withTemporaryDirectory { directory in
            let path = directory.appending("a")
            try LocalFileSystem().makeDirectory(path)
            #expect(try foothold(path) == nil)
            #expect(try foothold(path.appending("not there")) == nil)
        }
    }

    @Test("A directory on the way that others may write to is one")
    func writable() throws {
        try withTemporaryDirectory { directory in
            let open = directory.appending("open")
            let path = open.appending("a")
            try LocalFileSystem().makeDirectories(path)
            chmod(open.string, 0o757)
            #expect(try foothold(path) == Foothold(path: open, kind: .writable(0o757)))
            // Also where a link leads through it.
            let link = directory.appending("link")
            #expect(symlink("open/a", link.string) == 0)
            #expect(try foothold(link)?.path == open)
        }
    }

    @Test(
        "A directory or a link of another user is one, and a sticky directory of root is none",
        .enabled(if: geteuid() == 0, "only root can give files to another user"))
    func owner() throws {
        try withTemporaryDirectory { directory in
            let (sticky, path) = (directory.appending("s"), directory.pushing("s/theirs/a"))
            try LocalFileSystem().makeDirectories(path)
            chmod(sticky.string, 0o1777)
            #expect(try foothold(path) == nil)
            let theirs = path.removingLastComponent()
            chown(theirs.string, 65534, 65534)
            #expect(try foothold(path) == Foothold(path: theirs, kind: .owner(65534)))
            let link = sticky.appending("link")
            #expect(symlink(directory.string, link.string) == 0)
            #expect(try foothold(link) == nil)
            lchown(link.string, 65534, 65534)
            #expect(try foothold(link) == Foothold(path: link, kind: .owner(65534)))
        }
    }
}
