import Foundation
import Glibc
import KuraFormat
import KuraIO
import SystemPackage
import TestSupport
import Testing

@Suite("Safe paths") struct SafePathTests {
    /// One recovery point of two disks.
    private func backup(_ kura: Kura) throws {
        let disks = try [
            kura.disk("a.img", byteCount: 100_000), kura.disk("b.img", seed: 2, byteCount: 100_000),
        ]
        #expect(try kura.run(["backup"] + disks + ["--item", "web"]).code == 0)
    }

    /// Writes the record of the only point anew, in every replica, as `change` has it.
    private func forge(
        _ kura: Kura, _ change: (inout RecoveryPoint) -> Void
    ) throws -> RecoveryPointID {
        var id: RecoveryPointID?
        for file in filesBelow(FilePath(kura.home)) where file.string.contains("/points/") {
            let bytes = try LocalFileSystem().contents(file, max: 1 << 20)
            var (point, _) = try RecoveryPoint.decode(bytes)
            change(&point)
            let record = point.encoded()
            let name = try RecoveryPoint.decode(record).id
            let directory = file.removingLastComponent()
            try LocalFileSystem().publish(
                record, as: directory.appending(name.hex), temporary: directory.appending("new"))
            try LocalFileSystem().remove(file)
            id = name
        }
        return try #require(id)
    }

    private static let names = [
        "../escaped", "..", ".", "/tmp/kura-escaped", "a/b", "down/../../escaped", "line\nbreak",
        "\u{1B}[2J", "nul\0byte",
    ]

    @Test("A disk's name from a vault never leads out of the chosen directory")
    func diskNames() throws {
        try Kura.inDirectory { kura in
            try backup(kura)
            for (number, name) in Self.names.enumerated() {
                let id = try forge(kura) { $0.disks[1].name = name }
                let files = FileManager.default
                let before = try files.contentsOfDirectory(atPath: kura.directory.string)
                let out = kura.directory.appending("out-\(number)")
                let outcome = try kura.run("restore", id.hex, "--output", out.string)
                #expect(outcome.code == 64, "\(name): \(outcome.error)")
                #expect(outcome.error.contains("cannot name a restored disk"))
                #expect(!outcome.error.contains("\u{1B}") && !outcome.error.contains("\0"))
                let after = try files.contentsOfDirectory(atPath: kura.directory.string)
                #expect(Set(after).subtracting(before) == ["out-\(number)"], "\(name)")
                #expect(try LocalFileSystem().list(out).isEmpty, "\(name)")
                #expect(!files.fileExists(atPath: "/tmp/kura-escaped"))
            }
            // The disk can be had all the same: to a path that the user names.
            let id = try forge(kura) { $0.disks[1].name = "../escaped" }
            let file = kura.directory.appending("one").string
            let one = try kura.run("restore", id.hex, "--disk", "../escaped", "--output", file)
            // Points that were here before they were forged are missed.
            #expect(one.code == 3, "\(one.error)")
            #expect(one.error.contains("in no replica"))
            #expect(try kura.bytes(file) == kura.bytes(kura.directory.appending("b.img").string))
        }
    }

    @Test("Links in the output directory are not followed, with and without --force")
    func linksInside() throws {
        try Kura.inDirectory { kura in
            try backup(kura)
            let out = kura.directory.appending("out")
            let outside = kura.directory.appending("outside")
            try LocalFileSystem().makeDirectories(out)
            try Data("precious".utf8).write(to: URL(fileURLWithPath: outside.string))
            #expect(symlink(outside.string, out.appending("b.img").string) == 0)
            for force in [[], ["--force"]] {
                let outcome = try kura.run(
                    ["restore", "web@latest", "--output", out.string] + force)
                #expect(outcome.code == 1, "\(outcome.error)")
                #expect(try kura.bytes(outside.string) == Data("precious".utf8))
                #expect(outcome.error.contains("symbolic link"))
                unlink(out.appending("a.img").string)
            }
        }
    }

    @Test("An output that is a link is refused, and overwritten where it leads with --force")
    func linkAsOutput() throws {
        try Kura.inDirectory { kura in
            let disk = try kura.disk("a.img")
            #expect(try kura.run("backup", disk).code == 0)
            let (file, link) = (kura.directory.appending("file"), kura.directory.appending("link"))
            try Data("old".utf8).write(to: URL(fileURLWithPath: file.string))
            #expect(symlink(file.string, link.string) == 0)
            #expect(try kura.run("restore", "a@latest", "--output", link.string).code == 1)
            #expect(try kura.bytes(file.string) == Data("old".utf8))
            let forced = try kura.run("restore", "a@latest", "--output", link.string, "--force")
            #expect(forced.code == 0, "\(forced.error)")
            #expect(try kura.bytes(file.string) == kura.bytes(disk))
        }
    }

    @Test("Names that a vault holds do not reach the terminal as they are")
    func controlCharacters() throws {
        try Kura.inDirectory { kura in
            try backup(kura)
            let id = try forge(kura) { point in
                point.item = "web\u{1B}]0;owned\u{07}\u{9B}31m\u{202E}\nsecond"
                point.disks[0].name = "os\u{1B}[2J\nfake  row"
                point.tags = ["\u{1B}c", "zw\u{200B}web\u{AD}\u{E0041}"]
            }
            for arguments in [
                ["list"], ["show", id.hex], ["list", "--json"], ["show", id.hex, "--json"],
                ["stats"], ["doctor"], ["restore", id.hex, "--disk", "x", "--output", "o"],
            ] {
                let outcome = try kura.run(arguments)
                for scalar in (outcome.output + outcome.error).unicodeScalars where scalar != "\n" {
                    #expect(
                        ![.control, .format].contains(scalar.properties.generalCategory),
                        "\(arguments)")
                }
            }
            let show = try kura.run("show", id.hex).output
            #expect(show.contains("os\\u001b[2J\\u000afake  row"))
            #expect(show.contains("\\u202e\\u000asecond"))
            #expect(show.contains("zw\\u200bweb\\u00ad\\udb40\\udc41"))
            let json = try kura.run("show", id.hex, "--json").json()
            #expect((json["item"] as? String)?.contains("\u{9B}31m\u{202E}\nsecond") == true)
        }
    }

    @Test(
        "Whatever the mask of the caller is, a region is its owner's alone",
        arguments: ["0", "022", "0777"])
    func modes(mask: String) throws {
        try Kura.inDirectory { kura in
            let disk = try kura.disk("a.img")
            let outcome = try kura.shell(
                "umask \(mask); kura backup '\(disk)' && kura prune && kura verify")
            #expect(outcome.code == 0, "\(outcome.error)")
            let region = FilePath(kura.home).appending("regions").appending("local")
            var directories = 0
            var files = 0
            let all = try #require(FileManager.default.enumerator(atPath: region.string))
            for case let name as String in all {
                let path = region.pushing(FilePath(name))
                let status = try LocalFileSystem().status(path)
                if status.kind == .directory {
                    #expect(status.mode == 0o700, "\(path)")
                    directories += 1
                } else {
                    let isLock = path.removingLastComponent().lastComponent == "locks"
                    #expect(status.mode == (isLock ? 0o600 : 0o400), "\(path)")
                    files += 1
                }
            }
            #expect(directories > 3 * 256 && files > 3 * 5)
        }
    }

    @Test("A replica that others may write to is refused unless the user allows it")
    func writableByOthers() throws {
        try Kura.inDirectory { kura in
            let disk = try kura.disk("a.img")
            #expect(try kura.run("backup", disk).code == 0)
            let replica = FilePath(kura.home).pushing("regions/local/replica-1").string
            chmod(replica, 0o770)
            let warned = try kura.run("backup", disk)
            #expect(warned.code == 3, "\(warned.error)")
            #expect(warned.error.contains("may write to \(replica)"))
            let doctor = try kura.run("doctor")
            #expect(doctor.code == 1 && doctor.output.contains("chmod go-w \(replica)"))
            let allowed = try kura.shell("KURA_ALLOW_FOREIGN_OWNER=1 kura backup '\(disk)'")
            #expect(allowed.code == 0, "\(allowed.error)")
        }
    }

    @Test(
        "A replica of another user is refused unless the user allows it; also where root asks",
        .enabled(if: geteuid() == 0, "only root can give a directory to another user"))
    func foreignOwner() throws {
        try Kura.inDirectory { kura in
            let disk = try kura.disk("a.img")
            #expect(try kura.run("backup", disk).code == 0)
            // The home belongs to one user, one replica to another; both may enter all of it.
            let give = "chown -R 65533 '\(kura.directory)' && chmod 755 '\(kura.directory)'"
            #expect(try kura.shell(give).code == 0)
            let replica = FilePath(kura.home).pushing("regions/local/replica-1").string
            #expect(try kura.shell("chown 65532 '\(replica)' && chmod 755 '\(replica)'").code == 0)
            let user = "setpriv --reuid 65533 --regid 65533 --clear-groups"
            let refused = try kura.shell("\(user) kura list --vault default")
            // Where the program itself cannot be reached by others, there is nothing to see.
            guard refused.code != 126, refused.code != 127 else { return }
            let show = try kura.shell("\(user) kura region show local")
            let problem = "\(replica) belongs to user 65532, and this is user 65533"
            #expect(show.output.contains(problem), "\(show)")
            let allowed = try kura.shell(
                "KURA_ALLOW_FOREIGN_OWNER=1 \(user) kura region show local")
            #expect(!allowed.output.contains("belongs to user"), "\(allowed)")
            let root = try kura.run("backup", disk)
            #expect(root.code == 1 && root.error.contains("belongs to user"), "\(root)")
            let asked = try kura.shell("KURA_ALLOW_FOREIGN_OWNER=1 kura backup '\(disk)'")
            #expect(asked.code == 0, "\(asked.error)")
        }
    }
}
