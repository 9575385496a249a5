import Glibc
import KuraIO
import SystemPackage
import TestSupport
import Testing

@Suite(
    "File system of another user",
    .enabled(if: geteuid() == 0, "only root can act as another user"))
struct UserFileSystemTests {
    @Test("Files are made with the rights of the user, and the thread has its own again after it")
    func rights() throws {
        let user = try FileUser(named: "nobody")
        let theirs = UserFileSystem(user)
        try withTemporaryDirectory { directory in
            chmod(directory.string, 0o755)
            let (own, open) = (directory.appending("own"), directory.appending("open"))
            for path in [own, open] { try LocalFileSystem().makeDirectory(path) }
            // A group of root does not help either.
            chmod(own.string, 0o770)
            chown(open.string, user.id, user.group)
            let file = open.appending("file")
            theirs.close(try theirs.create(file))
            #expect(try LocalFileSystem().status(file).owner == user.id)
            #expect(throws: IOError.self) { try theirs.create(own.appending("file")) }
            #expect(throws: IOError.self) { try theirs.makeDirectory(own.appending("folder")) }
            #expect(throws: IOError.self) {
                try theirs.rename(file, to: own.appending("file"), replacing: false)
            }
            LocalFileSystem().close(try LocalFileSystem().create(own.appending("file")))
            #expect(throws: IOError.self) { try theirs.remove(own.appending("file")) }
            #expect(try LocalFileSystem().status(own.appending("file")).owner == 0)
        }
    }
}

@Suite("Held directories") struct HeldDirectoryTests {
    @Test("A new file stays in the directory that was named, whatever its path leads to meanwhile")
    func heldDirectory() throws {
        try withTemporaryDirectory { directory in
            let (folder, moved) = (directory.appending("folder"), directory.appending("moved"))
            let elsewhere = directory.appending("elsewhere")
            for path in [folder, elsewhere] { try LocalFileSystem().makeDirectory(path) }
            let sink = try SinkPath(folder.appending("disk")).open(byteCount: 4096)
            try LocalFileSystem().rename(folder, to: moved, replacing: false)
            #expect(symlink(elsewhere.string, folder.string) == 0)
            try sink.finish()
            #expect(try LocalFileSystem().list(moved) == ["disk"])
            #expect(try LocalFileSystem().list(elsewhere).isEmpty)
        }
    }
}
