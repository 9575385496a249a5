import Foundation
import SystemPackage
import Testing

@Suite("Bad input") struct BadInputTests {
    /// A message, a remedy, an exit code, and nothing on standard output.
    private func expectError(
        _ outcome: Kura.Outcome, code: Int32, _ part: String,
        location: SourceLocation = #_sourceLocation
    ) {
        #expect(outcome.code == code, "\(outcome.error)", sourceLocation: location)
        #expect(outcome.error.hasPrefix("kura: error: "), sourceLocation: location)
        #expect(outcome.error.contains("\n  help: "), sourceLocation: location)
        #expect(outcome.error.contains(part), "\(outcome.error)", sourceLocation: location)
        #expect(outcome.output.isEmpty, sourceLocation: location)
    }

    @Test("Paths that are no disks are refused")
    func notDisks() throws {
        try Kura.inDirectory { kura in
            expectError(try kura.run("backup", "/no/such.img"), code: 1, "there is no")
            expectError(try kura.run("backup", kura.directory.string), code: 1, "is a directory")
            expectError(try kura.run("backup", "/dev/null", "--item", "n"), code: 1, "neither")
        }
    }

    @Test("Wrong flags and values are usage errors")
    func usage() throws {
        try Kura.inDirectory { kura in
            let disk = try kura.disk("d.img")
            expectError(try kura.run("backup"), code: 64, "usage")
            expectError(try kura.run("backup", disk, "--level", "99"), code: 64, "--level")
            expectError(try kura.run("backup", "-"), code: 64, "--item")
            expectError(try kura.run("backup", disk, "--format", "tar"), code: 64, "--format")
            expectError(try kura.run("backup", disk, "--format", "vhd"), code: 1, "no vhd image")
            expectError(
                try kura.run("backup", disk, disk, "--chain", "b.img"), code: 64, "--chain")
            expectError(
                try kura.run("backup", "--stdin-from-command", "--", "true"), code: 64, "--item")
            expectError(try kura.run("frobnicate"), code: 64, "frobnicate")
            expectError(try kura.run("backup", disk, "--item", "a/b"), code: 64, "slash")
            expectError(try kura.run("backup", disk, "--item", "a\tb"), code: 64, "control")
            let long = String(repeating: "x", count: 256)
            expectError(try kura.run("backup", disk, "--item", long), code: 64, "256 bytes")
            expectError(try kura.run("vault", "create", "1"), code: 64, "2 to 50")
        }
    }

    @Test("What does not exist is exit code 10")
    func notFound() throws {
        try Kura.inDirectory { kura in
            let disk = try kura.disk("d.img")
            #expect(try kura.run("backup", disk).code == 0)
            let out = kura.directory.appending("o").string
            expectError(
                try kura.run("restore", "ffff", "--output", out), code: 10, "recovery point")
            expectError(try kura.run("restore", "no@latest", "--output", out), code: 10, "item no")
            expectError(try kura.run("backup", disk, "--vault", "nope"), code: 10, "no vault")
            expectError(try kura.run("list", "--item", "nope"), code: 10, "nope")
            expectError(
                try kura.run("restore", "d@latest", "--disk", "x", "--output", out), code: 10, "x")
            expectError(
                try kura.run("restore", "d@latest", "--region", "x", "--output", out), code: 10, "x"
            )
        }
    }

    @Test("Restores to impossible places are refused and leave nothing")
    func restoreTargets() throws {
        try Kura.inDirectory { kura in
            let disk = try kura.disk("d.img")
            #expect(try kura.run("backup", disk).code == 0)
            expectError(try kura.run("restore", "d@latest", "--output", disk), code: 1, "--force")
            expectError(
                try kura.run("restore", "d@latest", "--output", "/dev/null", "--force"), code: 1,
                "--output -")
            expectError(try kura.run("restore", "d@latest", "--output", ""), code: 64, "--output")
            expectError(
                try kura.run("restore", "d@latest", "--output", disk, "--device"), code: 64,
                "not a block device")
            let missing = kura.directory.appending("no/such/file").string
            expectError(try kura.run("restore", "d@latest", "--output", missing), code: 1, "exist")
            let inside = kura.home + "/regions/local/replica-0/x.img"
            expectError(
                try kura.run("restore", "d@latest", "--output", inside), code: 64, "inside replica")
        }
    }

    @Test("A directory with other things in it is no home, and a newer home is not touched")
    func homes() throws {
        try Kura.inDirectory { kura in
            let disk = try kura.disk("d.img")
            expectError(
                try kura.run("--home", kura.directory.string, "backup", disk), code: 64, "home")
            #expect(try kura.run("backup", disk).code == 0)
            let file = URL(fileURLWithPath: kura.home + "/kura.json")
            let text = String(decoding: try Data(contentsOf: file), as: UTF8.self)
            try FileManager.default.removeItem(at: file)
            try Data(text.replacing("\"format_version\" : 1", with: "\"format_version\" : 2").utf8)
                .write(to: file)
            expectError(try kura.run("list"), code: 1, "version 2")
        }
    }

    @Test("A home whose making was cut short is finished by kura init")
    func halfMadeHome() throws {
        try Kura.withoutHome { kura in
            let disk = try kura.disk("d.img")
            try FileManager.default.createDirectory(
                atPath: kura.home, withIntermediateDirectories: true)
            try Data("{".utf8).write(
                to: URL(fileURLWithPath: kura.home + "/kura.json.4dfa1277.new"))
            expectError(try kura.run("backup", disk), code: 10, "no Kura home")
            #expect(try kura.run("init").code == 0)
            #expect(try kura.run("backup", disk).code == 0)
        }
    }

    @Test("A closed standard output is an error after the work is done")
    func closedOutput() throws {
        try Kura.inDirectory { kura in
            let disk = try kura.disk("d.img")
            let outcome = try kura.shell("kura backup '\(disk)' >&-")
            #expect(outcome.code == 1)
            #expect(outcome.error.contains("standard output"))
            #expect(try kura.run("list", "--quiet").output.count == 65)
            let restore = try kura.shell("kura restore d@latest --output - >&-")
            #expect(restore.code == 1)
            let list = try kura.shell("kura list | true; exit ${PIPESTATUS[0]}")
            #expect(list.code == 0, "\(list.error)")
        }
    }

    @Test("Errors are JSON on standard error with --json")
    func json() throws {
        try Kura.inDirectory { kura in
            let outcome = try kura.run("backup", "/no/such.img", "--json")
            let value = try JSONSerialization.jsonObject(with: Data(outcome.error.utf8))
            let error = try #require((value as? [String: Any])?["error"] as? [String: Any])
            #expect(Set(error.keys) == ["code", "message", "remedy"])
            #expect(outcome.output.isEmpty)
        }
    }

    @Test("Damage is exit code 12 from verify and 3 from a restore that went around it")
    func damage() throws {
        try Kura.inDirectory { kura in
            let disk = try kura.disk("d.img")
            #expect(try kura.run("backup", disk).code == 0)
            let line = """
                for f in $(find home/regions/local/replica-0 -path '*packs/*' -type f); do
                chmod u+w $f; for at in 50 5000 50000 500000; do
                printf X | dd of=$f bs=1 seek=$at conv=notrunc 2>/dev/null; done; done
                """
            #expect(try kura.shell(line).code == 0)
            let verify = try kura.run("verify", "--json")
            #expect(verify.code == 12)
            let damaged = try #require(verify.json()["damaged"] as? [[String: Any]])
            #expect(
                damaged.allSatisfy {
                    $0["replica"] as? Int == 0 && $0["region"] as? String == "local"
                })
            let out = kura.directory.appending("o").string
            let restore = try kura.run("restore", "d@latest", "--output", out)
            #expect(restore.code == 3, "\(restore.error)")
            #expect(try kura.bytes(out) == kura.bytes(disk))
        }
    }

    @Test("One missing replica of three only warns backups and restores")
    func missingReplica() throws {
        try Kura.inDirectory { kura in
            let disk = try kura.disk("d.img")
            #expect(try kura.run("backup", disk).code == 0)
            try FileManager.default.removeItem(atPath: kura.home + "/regions/local/replica-1")
            let backup = try kura.run("backup", disk)
            #expect(backup.code == 3)
            #expect(backup.error.contains("replica 1"))
            let out = kura.directory.appending("o").string
            #expect(try kura.run("restore", "d@latest", "--output", out).code == 3)
            #expect(try kura.bytes(out) == kura.bytes(disk))
        }
    }

    @Test("SIGINT ends a backup with 130, and running it again continues it")
    func interrupted() throws {
        try Kura.inDirectory { kura in
            // The stream never ends by itself: only the signal ends the backup.
            let line = """
                mkfifo p; kura backup - --item i <p & pid=$!
                exec 9>p; head -c 40000000 /dev/urandom >&9
                until ls home/regions/local/replica-0/vaults/*/sessions/* &>/dev/null; do :; done
                kill -INT $pid; wait $pid; code=$?; exec 9>&-; exit $code
                """
            let outcome = try kura.shell(line)
            #expect(outcome.code == 130, "\(outcome.error)")
            let disk = try kura.disk("d.img")
            #expect(try kura.run("backup", disk, "--item", "i").code == 0)
            #expect(try kura.run("verify", "--level", "chunks").code == 0)
        }
    }
}
