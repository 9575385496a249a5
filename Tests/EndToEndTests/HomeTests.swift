import Foundation
import SystemPackage
import Testing

@Suite("Homes") struct HomeTests {
    /// Every command that needs a home, as it would be given.
    private static let commands: [[String]] = [
        ["backup", "d.img"], ["list"], ["show", "d@latest"], ["verify"], ["stats"], ["repairs"],
        ["restore", "d@latest", "--output", "o"], ["prune"], ["replicate"], ["doctor"], ["audit"],
        ["diff", "a", "b"], ["drill", "--vault", "default"], ["region", "add", "tokyo"],
        ["region", "list"], ["region", "show", "local"], ["region", "failover", "local"],
        ["vault", "create", "gold"], ["vault", "list"], ["vault", "show", "default"],
        ["inventory", "set", "."], ["inventory", "show"], ["vm", "discover"], ["vm", "list"],
        ["vm", "register", "x"], ["policy", "create", "gold"], ["policy", "list"],
        ["policy", "show", "DefaultPolicy"], ["job", "list"], ["scheduler", "run"],
        ["scheduler", "tick"], ["catalog", "rebuild"],
    ]

    @Test("A home that is not there is exit code 10, and no command makes one")
    func missing() throws {
        try Kura.withoutHome { kura in
            _ = try kura.disk("d.img", byteCount: 5000)
            for command in Self.commands {
                let outcome = try kura.shell("kura " + command.joined(separator: " "))
                #expect(outcome.code == 10, "\(command): \(outcome.error)")
                #expect(outcome.error.contains("kura init"), "\(command): \(outcome.error)")
                #expect(outcome.output.isEmpty, "\(command)")
            }
            #expect(!FileManager.default.fileExists(atPath: kura.home))
        }
    }

    @Test("init makes a home, and changes nothing where one is")
    func initialise() throws {
        try Kura.withoutHome { kura in
            let made = try kura.run("init")
            #expect(made.code == 0, "\(made.error)")
            #expect(made.output.hasPrefix("made a home at \(kura.home), "))
            #expect(made.output.split(separator: "\n").count == 1)
            #expect(try kura.run("vault", "list", "--quiet").output == "default\n")
            #expect(try kura.run("region", "list", "--quiet").output == "local\n")
            let before = try kura.bytes(kura.home + "/kura.json")
            let again = try kura.run("init", "--json")
            #expect(again.code == 0)
            #expect(try again.json()["made"] as? Bool == false)
            #expect(try kura.bytes(kura.home + "/kura.json") == before)
        }
    }

    @Test("Only at the default place backup makes the home by itself, and says so")
    func defaultPlace() throws {
        try Kura.withoutHome { kura in
            _ = try kura.disk("d.img", byteCount: 5000)
            let line = "unset KURA_HOME XDG_DATA_HOME; export HOME=$PWD; kura backup d.img --quiet"
            let outcome = try kura.shell(line)
            #expect(outcome.code == 0, "\(outcome.error)")
            let place = kura.directory.appending(".local/share/kura").string
            #expect(outcome.error.hasSuffix("/.local/share/kura\n"), "\(outcome.error)")
            #expect(outcome.error.hasPrefix("kura: made a new home at "))
            #expect(FileManager.default.fileExists(atPath: place + "/kura.json"))
            #expect(try kura.shell(line).error.isEmpty)
        }
    }

    @Test("Without HOME the password database says where the home is, never the directory")
    func noHomeVariable() throws {
        try Kura.withoutHome { kura in
            let user = try kura.shell("getent passwd $(id -u) | cut -d: -f6").output
                .trimmingCharacters(in: .newlines)
            let outcome = try kura.shell(
                "env -u HOME -u KURA_HOME -u XDG_DATA_HOME PATH=$PATH kura list --vault no-such")
            #expect(outcome.code == 10)
            let files = try FileManager.default.contentsOfDirectory(atPath: kura.directory.string)
            #expect(!files.contains(".local"))
            guard !FileManager.default.fileExists(atPath: user + "/.local/share/kura") else {
                return
            }
            #expect(outcome.error.contains("\(user)/.local/share/kura"), "\(outcome.error)")
        }
    }

    @Test("An empty --home is a usage error")
    func emptyPath() throws {
        try Kura.withoutHome { kura in
            for arguments in [["--home", "", "list"], ["list", "--home", ""]] {
                let outcome = try kura.run(arguments)
                #expect(outcome.code == 64, "\(outcome.error)")
            }
        }
    }

    @Test("backup takes the only vault there is, and does not choose among several")
    func onlyVault() throws {
        try Kura.inDirectory { kura in
            let disk = try kura.disk("d.img", byteCount: 5000)
            #expect(try kura.run("vault", "delete", "default", "--yes").code == 0)
            #expect(try kura.run("backup", disk).code == 10)
            #expect(try kura.run("vault", "create", "gold").code == 0)
            let backup = try kura.run("backup", disk, "--json")
            #expect(try backup.json()["vault"] as? String == "gold")
            #expect(try kura.run("vault", "create", "silver").code == 0)
            let unclear = try kura.run("backup", disk)
            #expect(unclear.code == 64)
            #expect(unclear.error.contains("gold, silver"))
            #expect(try kura.run("vault", "list", "--quiet").output == "gold\nsilver\n")
        }
    }

    @Test("A truncated kura.json is made anew from a replica, with pairs and kept beside it")
    func truncated() throws {
        try Kura.inDirectory { kura in
            #expect(try kura.run("region", "add", "here").code == 0)
            #expect(try kura.run("region", "add", "there", "--pair", "here").code == 0)
            #expect(try kura.run("vault", "create", "gold", "--region", "here").code == 0)
            let disk = try kura.disk("d.img", byteCount: 5000)
            let id = try kura.run("backup", disk, "--vault", "gold", "--quiet").output
            let file = kura.home + "/kura.json"
            try kura.bytes(file).prefix(100).write(to: URL(fileURLWithPath: file))
            let blind = try kura.run("list")
            #expect(blind.code == 12)
            #expect(blind.error.contains("kura catalog rebuild --replica DIR"))
            let wrong = try kura.run("catalog", "rebuild", "--replica", kura.directory.string)
            #expect(wrong.code == 1)
            #expect(try kura.bytes(file).count == 100)
            var rebuild = ["catalog", "rebuild", "--json"]
            for region in ["local", "here", "there"] {
                rebuild += ["--replica", "\(kura.home)/regions/\(region)/replica-1"]
            }
            let rebuilt = try kura.run(rebuild)
            #expect(rebuilt.code == 0, "\(rebuilt.error)")
            let kept = try #require(try rebuilt.json()["home_set_aside"] as? String)
            #expect(try kura.bytes(kept).count == 100)
            #expect(try kura.run("list", "--quiet").output == id)
            let region = try kura.run("region", "show", "here", "--json").json()
            #expect(region["pair"] as? String == "there")
        }
    }

    @Test("A new catalog keeps the inventory folder of the old one, or says that it is lost")
    func inventory() throws {
        try Kura.inDirectory { kura in
            let folder = kura.directory.appending("inventory/local/web/db-1").string
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true)
            let disk = try kura.disk("d.img", byteCount: 5000)
            try FileManager.default.moveItem(atPath: disk, toPath: folder + "/os.img")
            for arguments in [
                ["inventory", "set", kura.directory.appending("inventory").string],
                ["vm", "discover"], ["vm", "register", "db-1"],
                ["vm", "protect", "db-1", "--policy", "DefaultPolicy"],
            ] {
                #expect(try kura.run(arguments).code == 0)
            }
            let rebuilt = try kura.run("catalog", "rebuild")
            #expect(rebuilt.code == 0, "\(rebuilt.error)")
            #expect(rebuilt.output.contains("/inventory\n"))
            #expect(try kura.run("vm", "backup", "db-1").code == 0)
            let garbage = try kura.shell("echo garbage >home/catalog.sqlite; kura catalog rebuild")
            #expect(garbage.code == 3)
            #expect(garbage.error.contains("kura inventory set"), "\(garbage.error)")
        }
    }
}
