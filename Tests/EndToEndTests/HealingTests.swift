import Foundation
import SystemPackage
import Testing

@Suite("Healing by command") struct HealingTests {
    private func replica(_ kura: Kura, _ number: Int) -> String {
        "\(kura.home)/regions/local/replica-\(number)"
    }

    /// Overwrites some bytes of every pack of a replica that has more KiB than `minimum`.
    private func damage(
        _ kura: Kura, _ number: Int, at offset: Int, largerThan minimum: Int = 0
    ) throws {
        let line = """
            for f in $(find '\(replica(kura, number))' -path '*packs/*' -type f \\
                -size +\(minimum)k); do
            chmod u+w $f; printf X | dd of=$f bs=1 seek=\(offset) conv=notrunc 2>/dev/null; done
            """
        #expect(try kura.shell(line).code == 0)
    }

    private func damaged(_ outcome: Kura.Outcome) throws -> [[String: Any]] {
        try #require(try outcome.json()["damaged"] as? [[String: Any]])
    }

    @Test("verify --repair heals, the ledger lists it, and doctor warns")
    func repair() throws {
        try Kura.inDirectory { kura in
            let disk = try kura.disk("d.img")
            #expect(try kura.run("backup", disk).code == 0)
            try damage(kura, 0, at: 60)
            try damage(kura, 1, at: 100)
            #expect(try kura.run("verify").code == 12)
            let repair = try kura.run("verify", "--repair", "--json")
            #expect(repair.code == 3, "\(repair.error)")
            let found = try damaged(repair)
            #expect(found.count == 4)
            #expect(found.allSatisfy { $0["repaired"] as? Bool == true })
            let verify = try kura.run("verify", "--level", "chunks", "--json")
            #expect(verify.code == 0)
            #expect(try verify.json()["oldest_verified"] is String)
            let ledger = try kura.run("repairs", "--json").json()
            #expect((ledger["repairs"] as? [Any])?.count == 4)
            let counters = try #require(ledger["counters"] as? [[String: Any]])
            #expect(counters.map { $0["repairs"] as? Int } == [2, 2, 0])
            #expect(try kura.run("repairs").output.contains("HEALED FROM"))
            try damage(kura, 0, at: 60)
            #expect(try kura.run("verify", "--repair").code == 3)
            let doctor = try kura.run("doctor")
            #expect(doctor.code == 3)
            #expect(doctor.output.contains("replica 0 needed 4 repairs in the last 30 days"))
        }
    }

    @Test("A restore heals what it met, and one that cannot be healed is exit code 12")
    func restoreHeals() throws {
        try Kura.inDirectory { kura in
            let disk = try kura.disk("d.img")
            #expect(try kura.run("backup", disk).code == 0)
            try damage(kura, 0, at: 60)
            let out = kura.directory.appending("o").string
            #expect(try kura.run("restore", "d@latest", "--output", out).code == 3)
            #expect(try kura.bytes(out) == kura.bytes(disk))
            #expect(try kura.run("verify").code == 0)
            for number in 0..<3 { try damage(kura, number, at: 60) }
            let repair = try kura.run("verify", "--repair", "--level", "chunks", "--json")
            #expect(repair.code == 12)
            let remaining = try damaged(repair).filter { $0["repaired"] as? Bool == false }
            #expect(remaining.contains { $0["structure"] as? String == "recovery point" })
            #expect(remaining.allSatisfy { $0["obstacle"] is String })
        }
    }

    @Test("verify --repair records chunks without a good copy, and a backup stores them again")
    func salvage() throws {
        try Kura.inDirectory { kura in
            let disk = try kura.disk("d.img")
            let id = try String(kura.run("backup", disk, "--quiet").output.dropLast())
            for number in 0..<3 { try damage(kura, number, at: 60) }
            let repair = try kura.run("verify", "--repair")
            #expect(repair.code == 12)
            #expect(repair.output.contains("back up every item now"))
            // It is no secret to the short verification either.
            #expect(try kura.run("verify").code == 12)
            let told = "recovery point \(id.prefix(8)) of d needs chunks that no replica has"
            #expect(try kura.run("doctor").output.contains(told))
            #expect(try kura.run("backup", disk).code == 0)
            #expect(try !kura.run("doctor").output.contains(told))
            let out = kura.directory.appending("o").string
            #expect(try kura.run("restore", id, "--output", out).code == 0)
            #expect(try kura.bytes(out) == kura.bytes(disk))
            #expect(try kura.run("prune").code == 0)
            let verify = try kura.run("verify", "--level", "chunks")
            #expect(verify.code == 0, "\(verify.output)")
        }
    }

    @Test("restore --skip-lost restores what is left, and names the rest")
    func skipLost() throws {
        try Kura.inDirectory { kura in
            let disk = try kura.disk("d.img")
            #expect(try kura.run("backup", disk).code == 0)
            for number in 0..<3 { try damage(kura, number, at: 60, largerThan: 100) }
            #expect(try kura.run("verify", "--repair").code == 12)
            let out = kura.directory.appending("o").string
            #expect(try kura.run("restore", "d@latest", "--output", out).code == 12)
            let restore = try kura.run(
                "restore", "d@latest", "--output", out, "--skip-lost", "--json")
            #expect(restore.code == 12, "\(restore.error)")
            let outputs = try #require(try restore.json()["outputs"] as? [[String: Any]])
            let lost = try #require(outputs[0]["lost"] as? [[String: Int]])
            #expect(!lost.isEmpty)
            var expected = try kura.bytes(disk)
            for range in lost {
                let (offset, count) = try (
                    #require(range["offset"]), #require(range["bytes"])
                )
                expected.replaceSubrange(offset..<(offset + count), with: Data(count: count))
            }
            #expect(try kura.bytes(out) == expected)
        }
    }

    @Test("Lost index runs are rebuilt before a restore needs them")
    func lostIndex() throws {
        try Kura.inDirectory { kura in
            let disk = try kura.disk("d.img")
            #expect(try kura.run("backup", disk).code == 0)
            #expect(try kura.shell("rm -f home/regions/local/*/vaults/*/index/*").code == 0)
            let out = kura.directory.appending("o").string
            let restore = try kura.run("restore", "d@latest", "--output", out)
            #expect([0, 3].contains(restore.code), "\(restore.error)")
            #expect(try kura.bytes(out) == kura.bytes(disk))
            #expect(try kura.run("verify", "--level", "chunks").code == 0)
        }
    }

    @Test("A recovery point without any good copy is told, and hides no other")
    func lostPoint() throws {
        try Kura.inDirectory { kura in
            let disk = try kura.disk("d.img")
            let lost = try kura.run("backup", disk, "--quiet").output.trimmingCharacters(
                in: .newlines)
            let other = try kura.run("backup", disk, "--item", "other", "--quiet").output
            let line =
                "for f in home/regions/local/*/vaults/*/points/\(lost); do "
                + "chmod u+w $f; echo >$f; done"
            #expect(try kura.shell(line).code == 0)
            let list = try kura.run("list", "--quiet")
            #expect(list.code == 12)
            #expect(list.output == other)
            #expect(list.error.contains(String(lost.prefix(8))))
            #expect([0, 3].contains(try kura.run("backup", disk).code))
            #expect(try kura.run("verify", "--repair").code == 12)
        }
    }

    @Test("Without one replica a backup ends with warnings, without two it fails and says why")
    func degraded() throws {
        try Kura.inDirectory { kura in
            let disk = try kura.disk("d.img")
            #expect(try kura.run("backup", disk).code == 0)
            #expect(try kura.run("vault", "create", "strict", "--min-copies", "3").code == 0)
            #expect(try kura.shell("mv home/regions/local/replica-1 away").code == 0)
            let backup = try kura.run("backup", disk, "--json")
            #expect(backup.code == 3)
            #expect(try backup.json()["under_replicated"] as? Bool == true)
            #expect(backup.error.contains("replica 1"))
            let strict = try kura.run("backup", disk, "--vault", "strict")
            #expect(strict.code == 1 && strict.error.contains("replica 1"))
            let list = try kura.run("list", "--json").json()
            let points = try #require(list["recovery_points"] as? [[String: Any]])
            #expect(points.allSatisfy { $0["under_replicated"] as? Bool == true })
            let show = try kura.run("show", "d@latest", "--json").json()
            let replicas = try #require(show["replicas"] as? [[String: Any]])
            #expect(replicas.map { $0["state"] as? String } == ["here", "away", "here"])
            #expect(try kura.shell("mv home/regions/local/replica-2 away2").code == 0)
            let failed = try kura.run("backup", disk)
            #expect(failed.code == 1)
            #expect(failed.error.contains("needs 2 replicas that can be written, and has 1"))
            #expect(failed.error.contains("\n  help: "))
            let line = "mv away home/regions/local/replica-1; mv away2 home/regions/local/replica-2"
            #expect(try kura.shell(line).code == 0)
            #expect(try kura.run("backup", disk).code == 0)
            #expect(try !kura.run("list").output.contains("2 of 3"))
            #expect(try kura.run("verify", "--level", "chunks").code == 0)
        }
    }

    @Test("replicate fills an empty directory, leaves a foreign one alone, and brings others up")
    func replicate() throws {
        try Kura.inDirectory { kura in
            let disk = try kura.disk("d.img")
            #expect(try kura.run("backup", disk).code == 0)
            #expect(try kura.shell("rm -r home/regions/local/replica-2").code == 0)
            let plan = try kura.run("replicate", "--dry-run", "--json")
            #expect(plan.code == 0)
            #expect(!FileManager.default.fileExists(atPath: replica(kura, 2)))
            let one = try kura.run("replicate", "--vault", "default")
            #expect(one.code == 3 && one.error.contains("without --vault"))
            let run = try kura.run("replicate", "--json")
            #expect(run.code == 0, "\(run.error)")
            let vaults = try #require(try run.json()["vaults"] as? [[String: Any]])
            let targets = try #require(vaults.first?["targets"] as? [[String: Any]])
            #expect(targets.map { $0["points"] as? Int } == [0, 0, 1])
            #expect(targets.map { $0["new"] as? Bool } == [false, false, true])
            #expect((targets[2]["bytes"] as? Int ?? 0) > 100_000)
            #expect(try kura.run("verify", "--level", "chunks").code == 0)
            let line =
                "rm -r home/regions/local/replica-2/*; echo x >home/regions/local/replica-2/x"
            #expect(try kura.shell(line).code == 0)
            let foreign = try kura.run("replicate")
            #expect(foreign.code == 3 && foreign.error.contains("left alone"))
            #expect(try kura.shell("test $(ls home/regions/local/replica-2) = x").code == 0)
        }
    }

    @Test("A damaged identity file is healed by verify --repair")
    func identity() throws {
        try Kura.inDirectory { kura in
            let disk = try kura.disk("d.img")
            #expect(try kura.run("backup", disk).code == 0)
            let file = replica(kura, 1) + "/replica"
            #expect(try kura.shell("chmod u+w '\(file)'; echo >'\(file)'").code == 0)
            #expect(try kura.run("backup", disk).code == 3)
            #expect(try kura.run("verify").code == 12)
            #expect(try kura.run("verify", "--repair").code == 3)
            #expect(try kura.run("verify").code == 0)
        }
    }

    @Test("verify takes an age and a duration, and refuses what is neither")
    func ages() throws {
        try Kura.inDirectory { kura in
            let disk = try kura.disk("d.img")
            #expect(try kura.run("backup", disk).code == 0)
            let late = try kura.run("verify", "--max-duration", "0s", "--json")
            #expect(late.code == 0)
            #expect(try late.json()["skipped"] as? Int == 6)
            #expect(try late.json()["oldest_verified"] is NSNull)
            #expect(
                try kura.run("verify", "--max-age", "7d", "--json").json()["packs"] as? Int == 6)
            let again = try kura.run("verify", "--max-age", "7d", "--json").json()
            #expect(again["packs"] as? Int == 0 && again["skipped"] as? Int == 6)
            for value in ["7", "d", "-1d", "7w", "99999999999999999d", "1.5h", ""] {
                #expect(try kura.run("verify", "--max-age=\(value)").code == 64, "\(value)")
            }
            let outcome = try kura.run("vault", "create", "bad", "--min-copies", "1")
            #expect(outcome.code == 64 && outcome.error.contains("two replicas"))
        }
    }
}
