import Foundation
import KuraIO
import SystemPackage
import TestSupport
import Testing

/// Virtual machines, with the built `kura` in processes of its own.
@Suite("Virtual machines")
struct MachineEndToEndTests {
    private func prepare(_ directory: FilePath, freeze: String) throws -> (Kura, String) {
        let kura = Kura(directory: directory)
        let folder = directory.appending("inventory/local/web/db-1").string
        let files = FileManager.default
        try files.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let disk = SyntheticDisk(seed: 5, byteCount: 300_000).bytes
        try Data(disk).write(to: URL(fileURLWithPath: folder + "/os.img"))
        let file = #"""
            {"power": "running", "agent": {"version": "1"}, "quiesce":
             {"freeze": ["./freeze.sh"], "thaw": ["./thaw.sh"], "timeout_seconds": 60}}
            """#
        let described = file.replacingOccurrences(
            of: "{\"power\"",
            with: #"{"disks": [{"name": "os", "path": "os.img", "lun": -1}], "power""#)
        try Data(described.utf8).write(to: URL(fileURLWithPath: folder + "/vm.json"))
        for (name, text) in [("freeze.sh", freeze), ("thaw.sh", "echo thawed >> thawed")] {
            let path = "\(folder)/\(name)"
            try Data("#!/bin/sh\n\(text)\n".utf8).write(to: URL(fileURLWithPath: path))
            try files.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
        }
        for arguments in [
            ["init"], ["inventory", "set", directory.appending("inventory").string],
            ["vm", "discover"],
            ["vm", "register", "db-1"], ["vm", "protect", "db-1", "--policy", "DefaultPolicy"],
        ] {
            let outcome = try kura.run(arguments)
            #expect(outcome.code == 0, "\(arguments): \(outcome.error)")
        }
        return (kura, folder)
    }

    @Test(
        "A machine is thawed although Kura was killed in the middle of freezing it, and only then")
    func killed() throws {
        try withTemporaryDirectory { directory in
            // Kura is one of the hook's ancestors. It dies before the machine is frozen.
            let freeze = """
                parent=$PPID
                until [ "$(cat /proc/$parent/comm)" = kura ]; do
                    parent=$(cut -d ' ' -f 4 /proc/$parent/stat)
                done
                kill -9 $parent
                sleep 0.5
                test -s thawed || touch frozen
                """
            let (kura, folder) = try prepare(directory, freeze: freeze)
            let thawed = FilePath(folder).appending("thawed")
            try writeFile([], to: thawed)
            let watch = try #require(FileWatch(thawed, for: .close))
            let outcome = try kura.run("vm", "backup", "db-1")
            #expect(outcome.code != 0)
            #expect(watch.wait(until: Clock.steady() + 30_000_000_000, Cancellation()))
            #expect(FileManager.default.fileExists(atPath: folder + "/frozen"))
            let written = FileManager.default.contents(atPath: thawed.string)
            #expect(written == Data("thawed\n".utf8))
            let jobs = try kura.run("job", "list", "--operation", "Backup", "--json").json()
            let job = try #require((jobs["jobs"] as? [[String: Any]])?.first)
            #expect(job["status"] as? String == "Failed")
            #expect((job["error"] as? [String: Any])?["code"] as? String == "process-died")
        }
    }

    @Test("The flow of the tutorial, as JSON has it")
    func flow() throws {
        try withTemporaryDirectory { directory in
            let (kura, folder) = try prepare(directory, freeze: "true")
            let backup = try kura.run("vm", "backup", "db-1", "--json")
            #expect(backup.code == 0, "\(backup.error)")
            let rows = try kura.run("vm", "list", "--json").json()
            let row = try #require((rows["virtual_machines"] as? [[String: Any]])?.first)
            #expect(row["status"] as? String == "Protected")
            #expect(row["points"] as? Int == 1)
            let list = try kura.run("list", "--item", "db-1", "--json").json()
            let point = try #require((list["recovery_points"] as? [[String: Any]])?.first)
            #expect(point["consistency"] as? String == "application-consistent")
            #expect(point["tags"] as? [String] == ["daily", "on-demand"])
            #expect(point["expires"] is String)
            let out = directory.appending("restored").string
            #expect(try kura.run("vm", "restore", "db-1", "--output", out).code == 0)
            let restored = try Data(contentsOf: URL(fileURLWithPath: out + "/os.img"))
            #expect(try restored == Data(contentsOf: URL(fileURLWithPath: folder + "/os.img")))
            let audit = try kura.run("audit", "--verify", "--json").json()
            #expect(audit["verified"] as? Bool == true)
        }
    }

    @Test("Flags of policy update change what they name, and the only vault needs no name")
    func update() throws {
        try withTemporaryDirectory { directory in
            let kura = Kura(directory: directory)
            for arguments in [
                ["init"], ["region", "add", "japaneast"], ["vault", "delete", "default", "--yes"],
                ["vault", "create", "tokyo", "--region", "japaneast"],
                [
                    "policy", "create", "gold", "--time-zone", "Asia/Tokyo", "--time", "22:30",
                    "--weekly", "9", "--monthly", "8", "--monthly-on", "15", "--yearly", "7",
                    "--no-substitute",
                ],
            ] {
                let outcome = try kura.run(arguments)
                #expect(outcome.code == 0, "\(arguments): \(outcome.error)")
            }
            let before = try kura.run("policy", "show", "gold", "--json").json()
            let update = try kura.run("policy", "update", "gold", "--daily", "5", "--json")
            #expect(update.code == 0, "\(update.error)")
            var after = try update.json()
            let retention = try #require(after["retention"] as? [String: [String: Any]])
            #expect(retention["daily"]?["count"] as? Int == 5)
            #expect(retention["monthly"]?["dates"] as? [Int] == [15])
            #expect((after["going"] as? [Any])?.isEmpty == true)
            after["going"] = nil
            after["next_prune"] = nil
            for key in ["retention", "summary"] { after[key] = before[key] }
            #expect(NSDictionary(dictionary: after) == NSDictionary(dictionary: before))
            #expect(retention.keys.sorted() == ["daily", "monthly", "weekly", "yearly"])
            let vaults = try kura.run("vault", "list", "--json").json()
            let names = (vaults["vaults"] as? [[String: Any]])?.map { $0["name"] as? String }
            #expect(names == ["tokyo"])
            #expect((vaults["vaults"] as? [[String: Any]])?.first?["state"] as? String == "Active")
        }
    }

    @Test("policy simulate tells points, tags and what is kept, and touches nothing")
    func simulate() throws {
        try withTemporaryDirectory { directory in
            let kura = Kura(directory: directory)
            let file = directory.appending("gold.json").string
            let text = #"""
                {"name": "gold", "time_zone": "Asia/Tokyo",
                 "schedule": {"frequency": "daily", "times": ["23:00"]},
                 "retention": {"daily": {"count": 3}, "weekly": {"count": 2, "days": ["sunday"]}}}
                """#
            try Data(text.utf8).write(to: URL(fileURLWithPath: file))
            let outcome = try kura.run(
                "policy", "simulate", "--file", file, "--from", "2026-01-01", "--days", "10",
                "--missed", "2026-01-04", "--json")
            let document = try outcome.json()
            let points = try #require(document["points"] as? [[String: Any]])
            #expect(points.count == 9)
            #expect(points[0]["time"] as? String == "2026-01-01T14:00:00Z")
            #expect(points[0]["expires"] as? String == "2026-01-04T14:00:00Z")
            // The missed Sunday's tag went to Monday.
            #expect(points[3]["tags"] as? [String] == ["daily", "weekly"])
            let kept = try #require(document["kept"] as? [[String: Any]])
            #expect(
                kept.map { $0["time"] as? String } == [
                    "2026-01-05T14:00:00Z", "2026-01-08T14:00:00Z", "2026-01-09T14:00:00Z",
                    "2026-01-10T14:00:00Z",
                ])
            #expect(!FileManager.default.fileExists(atPath: kura.home))
        }
    }
}
