import Foundation
import SystemPackage
import Testing

@Suite("Regions") struct RegionTests {
    private func prepare(_ kura: Kura, _ redundancy: String = "grs") throws {
        #expect(try kura.run("region", "add", "japaneast").code == 0)
        #expect(try kura.run("region", "add", "japanwest").code == 0)
        let create = [
            "vault", "create", "gold", "--region", "japaneast", "--redundancy", redundancy,
        ]
        #expect(try kura.run(create).code == 0)
    }

    private func backup(_ kura: Kura, _ disk: String, _ more: String...) throws -> String {
        let outcome = try kura.run(
            ["backup", disk, "--vault", "gold", "--item", "web", "--quiet"] + more)
        #expect(outcome.code == 0, "\(outcome.error)")
        return outcome.output.trimmingCharacters(in: .newlines)
    }

    private func remove(_ kura: Kura, _ region: String) throws {
        try FileManager.default.removeItem(atPath: kura.home + "/regions/" + region)
    }

    private func status(_ kura: Kura) throws -> [String: Any] {
        let vaults = try kura.run("region", "status", "--json").json()["vaults"] as? [[String: Any]]
        return try #require(vaults?.first { $0["vault"] as? String == "gold" })
    }

    @Test("Lost primary, refused failover, backup in the pair, return, failback: nothing is lost")
    func wholeStory() throws {
        try Kura.inDirectory { kura in
            try prepare(kura)
            let first = try kura.disk("first.img", seed: 1, byteCount: 200_000)
            let second = try kura.disk("second.img", seed: 2, byteCount: 200_000)
            let third = try kura.disk("third.img", seed: 3, byteCount: 200_000)
            let one = try backup(kura, first)
            #expect(try kura.run("replicate").code == 0)
            let two = try backup(kura, second)
            #expect(try status(kura)["waiting_points"] as? Int == 1)

            let east = kura.home + "/regions/japaneast"
            try FileManager.default.moveItem(atPath: east, toPath: east + "-away")
            let unreachable = try kura.run("restore", one, "--output", "x")
            #expect(unreachable.code == 12)
            #expect(unreachable.error.contains("kura region failover japaneast"))
            let refused = try kura.run("region", "failover", "japaneast", "--json")
            #expect(refused.code == 1)
            let left = try #require(refused.json()["left_behind"] as? [[String: Any]])
            #expect(left.map { $0["id"] as? String } == [two])
            #expect(try status(kura)["failed_over"] as? Bool == false)

            #expect(try kura.run("region", "failover", "japaneast", "--accept-loss").code == 3)
            #expect(try kura.run("list", "--vault", "gold", "--quiet").output == one + "\n")
            let out = kura.directory.appending("out.img").string
            #expect(try kura.run("restore", "web@latest", "--output", out).code == 0)
            #expect(try kura.bytes(out) == kura.bytes(first))
            let three = try backup(kura, third)

            try FileManager.default.moveItem(atPath: east + "-away", toPath: east)
            let failback = try kura.run("region", "failback", "japaneast")
            #expect(failback.code == 0, "\(failback.error)")
            let list = try kura.run("list", "--vault", "gold", "--quiet").output
            #expect(Set(list.split(separator: "\n").map(String.init)) == [one, two, three])
            for (id, disk) in [(one, first), (two, second), (three, third)] {
                let arguments = [
                    "restore", id, "--output", out, "--force", "--region", "japaneast",
                ]
                #expect(try kura.run(arguments).code == 0)
                #expect(try kura.bytes(out) == kura.bytes(disk))
            }
            let now = try status(kura)
            #expect(now["region"] as? String == "japaneast")
            #expect(now["waiting_points"] as? Int == 0)
            #expect(try kura.run("verify", "--level", "chunks").code == 0)
        }
    }

    @Test("A point that was dropped before it was replicated does not wait for replication")
    func ghostWaiting() throws {
        try Kura.inDirectory { kura in
            try prepare(kura)
            let disk = try kura.disk("a.img")
            let line = """
                first=$(kura backup '\(disk)' --vault gold --quiet) &&
                kura backup '\(disk)' --vault gold --quiet >/dev/null &&
                mv home/regions/japanwest away; kura prune --vault gold --drop $first
                mv away home/regions/japanwest; kura replicate --quiet; kura replicate --quiet
                """
            #expect(try kura.shell(line).code == 0)
            #expect(try status(kura)["waiting_points"] as? Int == 0)
            #expect(try kura.run("region", "failover", "japaneast").code == 0)
        }
    }

    @Test("The secondary is readable with ra-grs alone, and the message says what to do")
    func secondary() throws {
        try Kura.inDirectory { kura in
            try prepare(kura)
            let disk = try kura.disk("d.img", byteCount: 200_000)
            let id = try backup(kura, disk, "--replicate")
            let out = kura.directory.appending("out.img").string
            let restore = ["restore", id, "--output", out, "--region", "japanwest"]
            let refused = try kura.run(restore)
            #expect(refused.code == 1)
            #expect(refused.error.contains("kura region failover japaneast"))
            let frozen = try kura.run("vault", "set-redundancy", "gold", "ra-grs")
            #expect(frozen.code == 1)
            #expect(frozen.error.contains("--convert"))
            let convert = try kura.run("vault", "set-redundancy", "gold", "ra-grs", "--convert")
            #expect(convert.code == 0)
            #expect(try kura.run(restore).code == 0)
            #expect(try kura.bytes(out) == kura.bytes(disk))
            try remove(kura, "japaneast")
            let list = try kura.run("list", "--quiet")
            #expect(list.output == id + "\n")
            #expect(list.error.contains("japaneast cannot be reached"))
            #expect(try kura.run("restore", id, "--output", out, "--force").code == 3)
            #expect(try kura.bytes(out) == kura.bytes(disk))
        }
    }

    @Test("region, replicate and drill print their keys")
    func keys() throws {
        try Kura.inDirectory { kura in
            try prepare(kura)
            let disk = try kura.disk("d.img", byteCount: 200_000)
            let nothing = try kura.run("drill", "--vault", "gold")
            #expect(nothing.code == 1)
            #expect(nothing.error.contains("kura replicate --vault gold"))
            let id = try backup(kura, disk)
            let list = try kura.run("region", "list", "--json").json()
            let regions = try #require(list["regions"] as? [[String: Any]])
            #expect(regions.map { $0["name"] as? String } == ["local", "japaneast", "japanwest"])
            #expect(regions[1]["pair"] as? String == "japanwest")
            #expect((regions[1]["replicas"] as? [Any])?.count == 3)
            let waiting = try status(kura)
            for key in [
                "vault", "region", "pair", "redundancy", "failed_over", "waiting_points",
                "waiting_bytes", "oldest_waiting", "rpo_seconds", "last_replicated",
            ] {
                #expect(waiting.keys.contains(key), "\(key)")
            }
            #expect((waiting["oldest_waiting"] as? [String: Any])?["id"] as? String == id)
            let plan = try kura.run("replicate", "--dry-run", "--json").json()
            let vaults = try #require(plan["vaults"] as? [[String: Any]])
            let across = vaults.compactMap { $0["across_regions"] as? [String: Any] }
            #expect(
                (across[0]["plans"] as? [[String: Any]])?[0]["target"] as? String == "japanwest")
            #expect(try kura.run("replicate").code == 0)
            let drill = try kura.run("drill", "--vault", "gold", "--json")
            #expect(drill.code == 0)
            #expect(try drill.json()["recovery_point"] as? String == id)
            #expect(try drill.json()["compared"] as? Bool == true)
            #expect(try drill.json()["rpo_seconds"] as? Double == 0)
            let receipt = try kura.run("show", id, "--json").json()["receipt"] as? [String: Any]
            let copies = try #require(receipt?["copies"] as? [[String: Any]])
            #expect(copies.count == 6)
            #expect(
                copies.allSatisfy { $0["durable_at"] is String && $0["state"] as? String == "here" }
            )
            #expect(receipt?["merkle_root"] as? String == id)
        }
    }

    @Test("A region of the user's own directories comes back into a new home")
    func lostHome() throws {
        try Kura.inDirectory { kura in
            var add = ["region", "add", "tokyo"]
            for name in ["a", "b", "c"] {
                add += ["--replica", kura.directory.appending(name).string]
            }
            #expect(try kura.run(add).code == 0)
            #expect(try kura.run(add).code == 1)
            #expect(try kura.run("vault", "create", "gold", "--region", "tokyo").code == 0)
            let id = try backup(kura, try kura.disk("d.img", byteCount: 100_000))
            try FileManager.default.removeItem(atPath: kura.home)
            #expect(try kura.run(add).code == 10)
            #expect(try kura.run("init").code == 0)
            #expect(try kura.run(add).code == 0)
            #expect(try kura.run("list", "--quiet").output == id + "\n")
            let none = try kura.run(
                "vault", "create", "x1", "--region", "tokyo", "--redundancy", "grs")
            #expect(none.code == 64)
            #expect(none.error.contains("no paired region"))
            #expect(try kura.run("region", "show", "osaka").code == 10)
            #expect(try kura.run("region", "add", "Big Town").code == 64)
        }
    }
}
