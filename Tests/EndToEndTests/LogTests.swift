import Foundation
import Testing

@Suite("The log") struct LogTests {
    @Test("Without --log-level nothing but what a command prints is on standard error")
    func silence() throws {
        try Kura.inDirectory { kura in
            let disk = try kura.disk("web.img")
            let backup = try kura.run("backup", disk, "--quiet")
            #expect(backup.code == 0)
            #expect(!backup.error.contains("job begins"), "\(backup.error)")
        }
    }

    @Test(
        "With --log-level info each job begins and ends on standard error, and stdout is as before")
    func jobs() throws {
        try Kura.inDirectory { kura in
            let disk = try kura.disk("web.img")
            let backup = try kura.run("backup", disk, "--json", "--log-level", "info")
            #expect(backup.code == 0, "\(backup.error)")
            let point = try #require(try backup.json()["recovery_point"] as? String)
            #expect(!point.isEmpty)
            let lines = backup.error.split(separator: "\n").filter {
                $0.contains("operation=Backup")
            }
            #expect(lines.contains { $0.contains(" info: job begins ") }, "\(backup.error)")
            let end = try #require(lines.first { $0.contains("job ends") })
            for part in ["vault=default", "item=web", "job=", "status=Completed"] {
                #expect(end.contains(part), "\(end)")
            }
        }
    }

    @Test("Under systemd each line starts with its priority")
    func journal() throws {
        try Kura.inDirectory { kura in
            let disk = try kura.disk("web.img")
            let line = "JOURNAL_STREAM=8:1 kura backup '\(disk)' --quiet --log-level debug"
            let outcome = try kura.shell(line)
            #expect(outcome.code == 0, "\(outcome.error)")
            #expect(outcome.error.contains("<6>info: job begins "), "\(outcome.error)")
            #expect(!outcome.output.contains("job begins"))
        }
    }
}
