import Foundation
import Glibc
import KuraIO
import SystemPackage
import TestSupport
import Testing

/// Directories of other users in the place of outputs and homes.
@Suite(
    "Hostile outputs", .timeLimit(.minutes(3)),
    .enabled(if: geteuid() == 0, "only root can give files to another user"))
struct HostileOutputTests {
    /// A kura with one recovery point `a@latest`, and a directory of another user beside it.
    private func withDirectory(
        _ body: (_ kura: Kura, _ theirs: FilePath, _ user: FileUser) throws -> Void
    ) throws {
        let user = try FileUser(named: "nobody")
        try Kura.inDirectory { kura in
            // Others can reach what is theirs.
            chmod(kura.directory.string, 0o755)
            let disk = try kura.disk("a.img", byteCount: 100_000)
            #expect(try kura.run("backup", disk).code == 0)
            let theirs = kura.directory.appending("theirs")
            try LocalFileSystem().makeDirectory(theirs)
            chown(theirs.string, user.id, user.group)
            try body(kura, theirs, user)
        }
    }

    @Test("Root writes to a directory of another user with the rights of that user only")
    func otherUser() throws {
        try withDirectory { kura, theirs, user in
            let file = theirs.appending("a.img").string
            for output in [file, theirs.string, theirs.appending("new").string] {
                let refused = try kura.run("restore", "a@latest", "--output", output)
                #expect(refused.code == 1, "\(refused)")
                #expect(refused.error.contains("belongs to user \(user.id)"), "\(refused.error)")
                #expect(refused.error.contains("--as nobody"), "\(refused.error)")
            }
            #expect(try LocalFileSystem().list(theirs).isEmpty)
            let done = try kura.run("restore", "a@latest", "--output", file, "--as", "nobody")
            #expect(done.code == 0, "\(done.error)")
            #expect(
                try kura.bytes(file) == kura.bytes(kura.directory.appending("a.img").string))
            #expect(try LocalFileSystem().status(FilePath(file)).owner == user.id)
            let again = try kura.run(
                "restore", "a@latest", "--output", file, "--as", "nobody", "--force")
            #expect(again.code == 0, "\(again.error)")
            #expect(try LocalFileSystem().list(theirs) == ["a.img"])
        }
    }

    @Test("A link of another user leads no restore to where that user may not write")
    func linkOfOther() throws {
        try withDirectory { kura, theirs, user in
            let victim = kura.directory.appending("victim")
            try LocalFileSystem().makeDirectory(victim)
            let link = theirs.appending("link")
            #expect(symlink(victim.string, link.string) == 0)
            for words in [[], ["--as", "nobody"]] {
                for output in [link, link.appending("x.img")] {
                    let refused = try kura.run(
                        ["restore", "a@latest", "--output", output.string] + words)
                    #expect(refused.code == 1, "\(refused)")
                }
            }
            #expect(try LocalFileSystem().list(victim).isEmpty)
        }
    }

    @Test("A user that the machine does not know, and one that is not root, cannot be acted for")
    func unknownUser() throws {
        try withDirectory { kura, theirs, user in
            let output = theirs.appending("x").string
            let unknown = try kura.run(
                "restore", "a@latest", "--output", output, "--as", "no-such-user")
            #expect(unknown.code == 10, "\(unknown)")
        }
    }

    @Test("A home of another user is refused unless the user allows it")
    func home() throws {
        try withDirectory { kura, _, user in
            chown(kura.home, user.id, user.group)
            let refused = try kura.run("list")
            #expect(refused.code == 1, "\(refused)")
            #expect(refused.error.contains("\(kura.home) belongs to user \(user.id)"))
            let allowed = try kura.shell("KURA_ALLOW_FOREIGN_OWNER=1 kura list")
            #expect(allowed.code == 0, "\(allowed)")
            chown(kura.home, 0, 0)
            chmod(kura.home, 0o770)
            #expect(try kura.run("list").error.contains("may write to \(kura.home)"))
        }
    }

    @Test(
        "A link in the place of a file of the home is not followed",
        arguments: ["catalog.sqlite", "catalog.sqlite-wal", "catalog.sqlite-shm", "kura.json"])
    func links(name: String) throws {
        try withDirectory { kura, _, _ in
            let victim = kura.directory.appending("victim")
            let path = FilePath(kura.home).appending(name)
            unlink(path.string)
            #expect(symlink(victim.string, path.string) == 0)
            let listed = try kura.run("job", "list")
            #expect(listed.code != 0)
            #expect(try !LocalFileSystem().exists(victim))
        }
    }
}
