import Foundation
import SystemPackage
import Testing

@Suite("Daily work") struct DailyWorkTests {
    @Test("Backup, list, show, restore and verify work in a new home")
    func firstDay() throws {
        try Kura.inDirectory { kura in
            let disk = try kura.disk("web.img")
            let backup = try kura.run("backup", disk, "--json")
            #expect(backup.code == 0, "\(backup.error)")
            let report = try backup.json()
            let id = try #require(report["recovery_point"] as? String)
            #expect(report["vault"] as? String == "default")
            #expect(report["item"] as? String == "web")
            #expect(report["consistency"] as? String == "crash-consistent")
            for key in [
                "logical_bytes", "data_bytes", "new_bytes", "stored_bytes", "chunks", "new_chunks",
                "seconds", "metadata_bytes",
            ] {
                #expect(report[key] is NSNumber, "\(key)")
            }
            #expect((report["disks"] as? [[String: Any]])?.first?["name"] as? String == "web.img")

            let list = try kura.run("list", "--json").json()
            let points = try #require(list["recovery_points"] as? [[String: Any]])
            #expect(points.map { $0["id"] as? String } == [id])
            #expect(points[0].keys.contains("expires"))

            let shown = try kura.run("show", String(id.prefix(6)), "--json").json()
            #expect((shown["replicas"] as? [Any])?.count == 3)

            let output = kura.directory.appending("restored.img").string
            #expect(try kura.run("restore", "web@latest", "--output", output).code == 0)
            #expect(try kura.bytes(output) == kura.bytes(disk))

            let verify = try kura.run("verify", "--level", "chunks", "--json")
            #expect(verify.code == 0)
            #expect((try verify.json()["damaged"] as? [Any])?.isEmpty == true)
        }
    }

    @Test("A pipe in and a pipe out give the same bytes")
    func pipes() throws {
        try Kura.inDirectory { kura in
            let disk = try kura.disk("d.img", byteCount: 40_000_001)
            let line =
                "kura backup - --item piped --quiet <'\(disk)' && "
                + "kura restore piped@latest --output - | cmp - '\(disk)'"
            let outcome = try kura.shell(line)
            #expect(outcome.code == 0, "\(outcome.error)")
        }
    }

    @Test("Several disks go into a directory, and one of them alone to a file")
    func severalDisks() throws {
        try Kura.inDirectory { kura in
            let os = try kura.disk("os.img", seed: 1)
            let data = try kura.disk("data.img", seed: 2)
            #expect(try kura.run("backup", os, data, "--item", "vm").code == 0)
            let folder = kura.directory.appending("all").string
            #expect(try kura.run("restore", "vm@latest", "--output", folder).code == 0)
            #expect(try kura.bytes(folder + "/os.img") == kura.bytes(os))
            #expect(try kura.bytes(folder + "/data.img") == kura.bytes(data))
            let one = kura.directory.appending("one").string
            let restore = ["restore", "vm@latest", "--disk", "data.img", "--output", one]
            #expect(try kura.run(restore).code == 0)
            #expect(try kura.bytes(one) == kura.bytes(data))
        }
    }

    @Test("A restored file is as sparse as its disk")
    func sparse() throws {
        try Kura.inDirectory { kura in
            let line = """
                truncate -s 1G big.img && printf data | dd of=big.img bs=1 seek=500000000 \
                conv=notrunc 2>/dev/null && kura backup big.img --quiet && \
                kura restore big@latest --output back.img --quiet && cmp big.img back.img && \
                test $(du -k back.img | cut -f1) -lt 100
                """
            let outcome = try kura.shell(line)
            #expect(outcome.code == 0, "\(outcome.error)")
        }
    }

    @Test("--force replaces an existing file, longer or shorter, and keeps its permissions")
    func force() throws {
        try Kura.inDirectory { kura in
            let disk = try kura.disk("d.img")
            #expect(try kura.run("backup", disk).code == 0)
            let line = """
                for size in 1000 9000000; do
                    head -c $size /dev/urandom >old; chmod 640 old
                kura restore d@latest --output old && exit 9
                kura restore d@latest --output old --force --quiet || exit 8
                cmp d.img old || exit 7; test 640 = $(stat -c %a old) || exit 6; done
                """
            let outcome = try kura.shell(line)
            #expect(outcome.code == 0, "\(outcome.error)")
        }
    }

    @Test("the output of a command is a disk where the command ends well, and else no point")
    func command() throws {
        try Kura.inDirectory { kura in
            _ = try kura.disk("d.img")
            let line = """
                run() { kura backup --item h --stdin-from-command --quiet -- sh -c "$@"; }
                run 'cat d.img; exit 3' && exit 9
                run 'cat d.img; kill -9 $$' && exit 8
                test -z "$(kura list --quiet)" || exit 7
                run 'cat "$1"; test "$2" = --json' sh d.img --json || exit 6
                kura restore h@latest --output back.img --quiet; cmp d.img back.img || exit 5
                head -c 1000 d.img | kura backup - --item h && exit 4
                head -c 1000 d.img | kura backup - --item h --allow-shrink --quiet || exit 3
                mkdir a b; cp d.img a; cp d.img b; kura backup a/d.img --quiet || exit 2
                kura backup a/d.img --quiet || exit 1
                kura backup b/d.img --quiet; test $? = 3
                """
            let outcome = try kura.shell(line)
            #expect(outcome.code == 0, "\(outcome.error)")
            #expect(outcome.error.contains("exit status 3"))
            #expect(outcome.error.contains("signal 9 (Killed)"))
        }
    }

    @Test("a restore with --force that fails leaves the old file whole")
    func failedForce() throws {
        try Kura.inDirectory { kura in
            #expect(try kura.run("backup", try kura.disk("d.img")).code == 0)
            let line = """
                head -c 5000 /dev/urandom >old; cp old before
                find home -path '*/packs/*' -type f -delete
                kura restore d@latest --output old --force && exit 9
                cmp old before || exit 8; test -z "$(find . -name '*.partial')" || exit 7
                """
            let outcome = try kura.shell(line)
            #expect(outcome.code == 0, "\(outcome.error)")
        }
    }

    @Test("stats, diff, doctor and vault print their keys")
    func looking() throws {
        try Kura.inDirectory { kura in
            let disk = try kura.disk("d.img")
            #expect(try kura.run("backup", disk).code == 0)
            let handle = try FileHandle(forUpdating: URL(fileURLWithPath: disk))
            try handle.seek(toOffset: 1_500_000)
            try handle.write(contentsOf: Data(repeating: 0x77, count: 5000))
            try handle.close()
            #expect(try kura.run("backup", disk).code == 0)
            let stats = try kura.run("stats", "--json").json()
            for key in [
                "logical_bytes", "unique_bytes", "stored_bytes", "dedup_ratio",
                "compression_ratio", "chunks", "packs", "recovery_points", "metadata_bytes",
                "data_bytes_stored",
            ] {
                #expect(stats[key] is NSNumber, "\(key)")
            }
            let ids = try kura.run("list", "--quiet").output.split(separator: "\n").map(String.init)
            let diff = try kura.run("diff", ids[1], ids[0], "--json").json()
            let ranges = try #require(diff["ranges"] as? [[String: Any]])
            #expect(!ranges.isEmpty)
            #expect(Set(ranges[0].keys) == ["disk", "offset", "length"])
            let doctor = try kura.run("doctor", "--json")
            #expect([0, 3].contains(doctor.code))
            #expect((try doctor.json()["checks"] as? [Any])?.isEmpty == false)
            #expect(try kura.run("vault", "create", "gold", "--copies", "1").code == 0)
            let vault = try kura.run("vault", "show", "GOLD", "--json").json()
            for key in [
                "name", "region", "redundancy", "state", "copies", "min_copies", "items",
                "recovery_points", "stored_bytes",
            ] {
                #expect(vault.keys.contains(key), "\(key)")
            }
            #expect(try kura.run("vault", "list", "--quiet").output == "default\ngold\n")
        }
    }

    @Test("A second backup of the same item is refused with code 11 and says who makes the first")
    func sameItem() throws {
        try Kura.inDirectory { kura in
            let disk = try kura.disk("d.img")
            #expect(try kura.run("backup", disk, "--item", "web").code == 0)
            // The first backup reads a pipe that stays open until the second one is over.
            let outcome = try kura.shell(
                """
                mkfifo source
                kura backup - --item web < source &
                first=$!
                exec 3>source
                until find "$KURA_HOME" -path '*/sessions/*' | grep -q .; do :; done
                kura backup d.img --item web
                second=$?
                head -c 100000 /dev/zero >&3
                exec 3>&-
                wait $first
                echo "first $?, second $second, process $first"
                """)
            #expect(outcome.output.contains("first 0, second 11"), "\(outcome)")
            let process = try #require(
                outcome.output.split(separator: " ").last?.dropLast().description)
            #expect(
                outcome.error.contains("by kura backup (process \(process) on host "), "\(outcome)")
        }
    }

    @Test("--home before the command, after it, and KURA_HOME name the same home")
    func homes() throws {
        try Kura.inDirectory { kura in
            let disk = try kura.disk("d.img")
            #expect(try kura.run("backup", disk).code == 0)
            let expected = try kura.run("list", "--quiet").output
            #expect(try kura.run("--home", kura.home, "list", "--quiet").output == expected)
            #expect(try kura.run("list", "--quiet", "--home", kura.home).output == expected)
        }
    }

    @Test("bench chunkers prints one line a chunker")
    func bench() throws {
        try Kura.inDirectory { kura in
            let disk = try kura.disk("d.img", byteCount: 1_000_000)
            let bench = try kura.run("bench", "chunkers", disk, "--json").json()
            let chunkers = try #require(bench["chunkers"] as? [[String: Any]])
            #expect(chunkers.count > 4)
            #expect(chunkers.allSatisfy { ($0["unique_bytes"] as? Int ?? 0) > 0 })
        }
    }
}
