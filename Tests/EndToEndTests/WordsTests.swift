import Foundation
import SystemPackage
import Testing

/// What the command line says to people who mistyped, and what it asks before it destroys.
@Suite("Words") struct WordsTests {
    private static let wrong: [(String, String)] = [
        ("kura", "there is no command behind kura"),
        ("kura vault", "list"),
        ("kura --home verify", "--home has the value verify"),
        ("kura help nosuch", "there is no command kura nosuch"),
        ("kura bakcup d.img", "did you mean kura backup?"),
        ("kura snapshots", "did you mean kura list?"),
        ("kura version", "did you mean kura --version?"),
        ("kura restore d@latest --target r.img", "no option --target; did you mean --output?"),
        ("kura restore d@latest r.img", "--output"),
        ("kura list --lsat 5", "no option --lsat; did you mean --last?"),
        ("kura list --host x", "kura list has no option --host\n"),
        ("kura verify --max-age 7", "30m or 7d"),
        ("kura verify --max-age -7d", "30m or 7d"),
        ("kura backup d.img --level -5", "--level takes 1 to 19, not -5"),
        ("kura backup d.img --level zstd", "give a whole number"),
        ("kura policy create gold --monthly-on 'fifth sunday'", "usage: kura policy create"),
        ("kura policy create p1 --daily 30", "\"p1\" cannot name a policy: it has 2 characters"),
        ("kura policy create gold --time-zone JST", "\"JST\" is no IANA name"),
        ("kura vault create 1abc", "\"1abc\" cannot name a vault: it starts with 1"),
        ("kura vault create 'with space'", "\"with space\" cannot name a vault: it has a blank"),
        ("kura region add Tokyo", "\"Tokyo\" cannot name a region: it has the upper-case letter T"),
        ("kura region add tokyo --replica ''", "the path of a replica is empty"),
        ("kura backup d.img --item '   '", "it has blanks only"),
        ("kura backup d.img --item a@latest", "it has an @"),
        ("kura backup http://example.com/a.img", "http://example.com/a.img is no file"),
        ("kura backup d.img --tag daily", "daily is a tag that policies give"),
        ("kura prune --drop 0", "0 is too short"),
        ("kura list --last 0", "--last takes 1 or more"),
        ("kura list --since yesterday", "2026-01-31T23:00"),
    ]

    @Test("Wrong words are exit code 64 and name what is wrong")
    func usage() throws {
        try Kura.inDirectory { kura in
            _ = try kura.disk("d.img", byteCount: 5000)
            for (line, part) in Self.wrong {
                let outcome = try kura.shell(line)
                #expect(outcome.code == 64, "\(line): \(outcome)")
                #expect(outcome.error.contains(part), "\(line): \(outcome.error)")
                #expect(outcome.error.contains("\n  help: "), "\(line): \(outcome.error)")
                #expect(outcome.output.isEmpty, "\(line)")
            }
        }
    }

    @Test("Help and version are no errors")
    func help() throws {
        try Kura.withoutHome { kura in
            for line in ["kura --help", "kura help", "kura help vault create", "kura --version"] {
                let outcome = try kura.shell(line)
                #expect(outcome.code == 0 && !outcome.output.isEmpty, "\(line)")
            }
            #expect(try kura.shell("kura --help").output.contains("DAILY WORK SUBCOMMANDS:"))
        }
    }

    @Test("Options that every command takes work before it, and -o is --output")
    func order() throws {
        try Kura.inDirectory { kura in
            let line = """
                head -c 5000 /dev/urandom >d.img; kura --quiet --vault default backup d.img >id
                kura --json vault list | grep -q '"vaults"' || exit 9
                kura restore d@latest -o r.img --quiet; cmp d.img r.img || exit 8
                """
            let outcome = try kura.shell(line)
            #expect(outcome.code == 0, "\(outcome.error)")
        }
    }

    @Test("A policy goes through standard output and standard input and stays the same")
    func policies() throws {
        try Kura.inDirectory { kura in
            let line = """
                kura policy create gold --time 22:30 --monthly 8 --monthly-on 15 || exit 9
                kura policy show gold >f && kura policy create copy --file f || exit 8
                kura policy show gold --json | kura policy create other --file - || exit 7
                kura policy create third --file - --quiet <f || exit 6
                for name in copy other third; do
                kura policy show $name | sed "s/$name/gold/" | cmp - f || exit 5; done
                printf '{\\n"name" "gold"\\n}' >bad.json; kura policy create bad --file bad.json
                test $? = 64
                """
            let outcome = try kura.shell(line)
            #expect(outcome.code == 0, "\(outcome)")
            #expect(
                outcome.error.contains("bad.json: this is not JSON, line 2, column 8"),
                "\(outcome.error)")
            #expect(outcome.output.contains("policy gold in vault default"))
        }
    }

    @Test("vault delete needs --yes where it cannot ask, names what goes once, and leaves a trace")
    func deleteVault() throws {
        try Kura.inDirectory { kura in
            let disk = try kura.disk("d.img", byteCount: 5000)
            for item in ["a", "b", "c"] {
                #expect(try kura.run("backup", disk, "--item", item).code == 0)
            }
            let refused = try kura.run("vault", "delete", "default", "--yes")
            #expect(refused.code == 1)
            #expect(refused.error.contains("3 items with 3 recovery points"), "\(refused.error)")
            #expect(!refused.error.contains("--with-points"))
            let silent = try kura.run("vault", "delete", "default", "--with-points")
            #expect(silent.code == 64)
            #expect(silent.error.contains("--yes"))
            #expect(try kura.run("list", "--quiet").output.split(separator: "\n").count == 3)
            let done = try kura.run("vault", "delete", "default", "--with-points", "--yes")
            #expect(done.code == 0, "\(done.error)")
            let jobs = try kura.run("job", "list", "--operation", "DeleteBackupData", "--json")
            let job = try #require((try jobs.json()["jobs"] as? [[String: Any]])?.first)
            #expect(job["vault"] as? String == "default")
            let trace = try #require(job["output"] as? String)
            #expect(trace.contains("deleted vault default, with 3 items with 3 recovery points"))
        }
    }

    @Test("item delete drops every point of an item, also the newest, and asks before")
    func deleteItem() throws {
        try Kura.inDirectory { kura in
            let disk = try kura.disk("d.img", byteCount: 50_000)
            for item in ["a", "a", "b"] {
                #expect(try kura.run("backup", disk, "--item", item).code == 0)
            }
            #expect(try kura.run("item", "delete", "a").code == 64)
            #expect(try kura.run("item", "delete", "nosuch", "--yes").code == 10)
            let done = try kura.run("item", "delete", "a", "--yes", "--json")
            #expect(done.code == 0, "\(done.error)")
            #expect(try done.json()["dropped"] as? Int == 2)
            let list = try kura.run("list", "--json").json()["recovery_points"]
            #expect((list as? [[String: Any]])?.map { $0["item"] as? String } == ["b"])
            #expect(try kura.run("audit").output.contains("DeleteBackupData"))
            #expect(try kura.run("verify", "--level", "chunks").code == 0)
            #expect(try kura.run("audit", "--verify").code == 0)
        }
    }

    @Test("list filters by tag, time and number, and ITEM@TIME is the newest point before")
    func filters() throws {
        try Kura.inDirectory { kura in
            let disk = try kura.disk("d.img", byteCount: 5000)
            let tagged = ["backup", disk, "--item", "a", "--quiet", "--tag", "before-upgrade"]
            let first = try kura.run(tagged).output
            let second = try kura.run("backup", disk, "--item", "a", "--quiet").output
            #expect(try kura.run("list", "--tag", "before-upgrade", "--quiet").output == first)
            #expect(try kura.run("list", "--last", "1", "--quiet").output == second)
            #expect(try kura.run("list", "--since", "2100-01-01", "--quiet").output.isEmpty)
            let all = try kura.run("list", "--since", "2020-01-01T10:00+09:00", "--quiet").output
            #expect(all == second + first)
            let shown = try kura.run("show", "a@2100-01-01", "--quiet")
            #expect(shown.output == second, "\(shown.error)")
            let none = try kura.run("show", "a@2020-01-01T10:00")
            #expect(none.code == 10)
            #expect(none.error.contains("at or before 2020-01-0"), "\(none.error)")
            let point = try kura.run("show", "a@latest", "--json").json()["time"] as? String
            let exact = try kura.run("show", "a@\(try #require(point))", "--quiet")
            #expect(exact.output == second, "\(exact.error)")
        }
    }

    @Test("A path that is not UTF-8 is backed up; names and outputs must be UTF-8")
    func bytes() throws {
        try Kura.inDirectory { kura in
            let line = """
                head -c 5000 /dev/urandom >$'b\\xff.img'
                kura backup $'b\\xff.img'; test $? = 64 || exit 9
                kura backup $'b\\xff.img' --item $'\\xff\\xfe'; test $? = 64 || exit 8
                kura backup $'b\\xff.img' --item b --quiet || exit 7
                kura restore b@latest --output r.img --quiet && cmp $'b\\xff.img' r.img || exit 6
                kura restore b@latest --output $'r\\xff.img'; test $? = 64 || exit 5
                kura list --item $'\\xff'; test $? = 64
                """
            let outcome = try kura.shell(line)
            #expect(outcome.code == 0, "\(outcome)")
            #expect(outcome.error.contains("is not UTF-8: name the item with --item"))
        }
    }

    @Test("A warning that is printed is exit code 3, also of a failover that does nothing")
    func warnings() throws {
        try Kura.inDirectory { kura in
            let outcome = try kura.run("region", "failover", "local")
            #expect(outcome.error.contains("kura: warning: "))
            #expect(outcome.code == 3, "\(outcome.error)")
        }
    }

    @Test("Machines, and items that are none, are not mixed up")
    func plainItems() throws {
        try Kura.inDirectory { kura in
            let disk = try kura.disk("d.img", byteCount: 5000)
            #expect(try kura.run("backup", disk, "--item", "base").code == 0)
            let restore = try kura.run("vm", "restore", "base", "--output", "q")
            #expect(restore.code == 10)
            #expect(restore.error.contains("kura restore base@latest --output PATH"))
            let assign = try kura.run("policy", "assign", "DefaultPolicy", "base")
            #expect(assign.code == 10)
            #expect(assign.error.contains("recovery points follow DefaultPolicy"))
        }
    }

    @Test("Discovery says which files are disks and which fields a vm.json has")
    func discovery() throws {
        try Kura.inDirectory { kura in
            let line = """
                mkdir -p i/local/web/{q,j}; echo x >i/local/web/q/disk.foo
                echo '{"system": "linux"}' >i/local/web/j/vm.json
                kura inventory set i && kura vm discover
                """
            let outcome = try kura.shell(line)
            #expect(outcome.code == 3)
            #expect(outcome.error.contains("files that end in .img, .raw, .qcow2, .vhd,"))
            #expect(outcome.error.contains("no field \"system\"; allowed: agent, deployment_model"))
            let none = try kura.run("inventory", "set", "/nonexist")
            #expect(none.code == 10)
            #expect(!none.error.contains("kura inventory set"))
        }
    }

    @Test("A job that another process cancels says so")
    func cancelledElsewhere() throws {
        try Kura.inDirectory { kura in
            let line = """
                mkfifo p; kura backup - --item i <p 2>err & pid=$!
                exec 9>p; head -c 9000000 /dev/urandom >&9
                until id=$(kura job list --status InProgress --quiet) && test -n "$id"; do
                    kill -0 $pid || exit 99; done
                kura job cancel $id --quiet; wait $pid; code=$?; exec 9>&-; cat err >&2; exit $code
                """
            let outcome = try kura.shell(line)
            #expect(outcome.code == 130, "\(outcome.error)")
            #expect(outcome.error.contains(" was cancelled; what was stored"), "\(outcome.error)")
        }
    }

    @Test("Times for people have their zone")
    func zones() throws {
        try Kura.inDirectory { kura in
            let disk = try kura.disk("d.img", byteCount: 5000)
            #expect(try kura.run("backup", disk).code == 0)
            let list = try kura.shell("TZ=Asia/Tokyo kura list")
            #expect(list.output.contains(" +09:00  "), "\(list.output)")
        }
    }
}
