import Foundation
import TestSupport
import Testing

@Suite("Runs of the schedule") struct ScheduleTests {
    /// A protected machine whose freezing waits for a file, and the day after tomorrow as $day.
    private let machine = #"""
        day=$(date -u -d '2 days' +%F)
        mkdir -p inventory/local/web/db-1
        head -c 300000 /dev/zero > inventory/local/web/db-1/os.img
        cat > inventory/local/web/db-1/vm.json <<'END'
        {"power": "running", "agent": {"version": "1"},
         "quiesce": {"freeze": ["sh", "-c", "touch on; until [ -e go ]; do sleep 0.01; done"],
                     "thaw": ["true"]},
         "disks": [{"name": "os", "path": "os.img", "lun": -1}]}
        END
        folder=$PWD/inventory/local/web/db-1
        { head -c 100 /dev/zero | kura backup - --item other --allow-shrink
          kura inventory set inventory; kura vm discover; kura vm register db-1
          kura vm protect db-1 --policy DefaultPolicy; } >setup 2>&1 || { cat setup >&2; exit 99; }

        """#

    @Test("A backup whose scheduler was killed is made again, once")
    func killed() throws {
        try Kura.inDirectory { kura in
            let outcome = try kura.shell(
                machine + #"""
                    kura scheduler tick --now ${day}T23:00:30Z >/dev/null & scheduler=$!
                    until [ -e $folder/on ]; do sleep 0.01; done
                    kill -9 $scheduler; wait $scheduler 2>/dev/null
                    touch $folder/go
                    kura scheduler tick --now ${day}T23:01:30Z
                    kura scheduler tick --now ${day}T23:05:30Z || exit 1
                    kura scheduler tick --now ${day}T23:10:30Z
                    kura job list >/dev/null
                    """#)
            #expect(outcome.code == 0, "\(outcome.error)")
            let lines = outcome.output.split(separator: "\n")
            #expect(lines.count == 3)
            #expect(lines.first == "nothing is due" && lines.last == "nothing is due")
            #expect(lines[1].hasPrefix("backed up db-1: recovery point "))
            #expect(lines[1].hasSuffix(", daily"))
        }
    }

    @Test("A time far away is refused, shown with --dry-run, and taken with --force")
    func farAway() throws {
        try Kura.inDirectory { kura in
            #expect(try kura.shell(machine + "touch $folder/go").code == 0)
            let time = "2199-01-01T23:00:00Z"
            let refused = try kura.run("scheduler", "tick", "--now", time)
            #expect(refused.code == 64)
            #expect(refused.error.contains("--dry-run") && refused.error.contains("--force"))
            let plan = try kura.run("scheduler", "tick", "--now", time, "--dry-run", "--json")
            #expect(plan.code == 0, "\(plan.error)")
            let due = try #require(try plan.json()["due"] as? [[String: Any]])
            #expect(due.map { $0["item"] as? String } == ["db-1"])
            #expect(due.map { $0["since"] as? String } == [time])
            let text = try kura.run("scheduler", "tick", "--now", time, "--dry-run")
            #expect(text.output.hasPrefix("db-1 in vault default is due since "))
            let forced = try kura.run("scheduler", "tick", "--now", time, "--force")
            #expect(forced.code == 0, "\(forced.error)")
            #expect(forced.output.hasPrefix("backed up db-1"))
        }
    }

    @Test("vm list has each machine's next run, and whether its last one is overdue")
    func list() throws {
        try Kura.inDirectory { kura in
            #expect(try kura.shell(machine).code == 0)
            let rows = try kura.run("vm", "list", "--json").json()
            let row = try #require((rows["virtual_machines"] as? [[String: Any]])?.first)
            let next = try #require(row["next_run"] as? String)
            #expect(next.hasSuffix("T23:00:00Z"))
            #expect(row["overdue"] as? Bool == false)
            #expect(try kura.run("vm", "list").output.lowercased().contains("next run"))
        }
    }
}
