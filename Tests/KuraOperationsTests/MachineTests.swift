import Glibc
import KuraFormat
import KuraIO
import KuraMachines
import KuraOperations
import KuraVault
import SystemPackage
import TestSupport
import Testing

@Suite("Machines")
struct MachineTests {
    static let frozen = #"""
        {"power": "running", "agent": {"version": "1"},
         "quiesce": {"freeze": ["./freeze.sh"], "thaw": ["./thaw.sh"], "timeout_seconds": 20},
         "disks": [{"name": "os", "path": "os.img", "lun": -1}]}
        """#

    private func machine(
        _ estate: Estate, freeze: String, thaw: String, timeout: Int = 20
    ) throws -> MachineOutcome {
        let file = Self.frozen.split(separator: "20}").joined(separator: "\(timeout)}")
        try estate.machine("web", "db-1", file: file)
        let folder = estate.folder("web", "db-1")
        try estate.script(folder.appending("freeze.sh"), freeze)
        try estate.script(folder.appending("thaw.sh"), thaw)
        _ = try estate.operations.discover()
        try estate.succeed(estate.operations.register(["db-1"]))
        try estate.succeed(estate.operations.protect(["db-1"], policy: "DefaultPolicy"))
        return estate.operations.backUp("db-1")
    }

    private func lines(_ estate: Estate, _ name: String) -> Int {
        let path = estate.folder("web", "db-1").appending(name)
        guard let bytes = try? LocalFileSystem().contents(path, max: 4096) else { return 0 }
        return bytes.count { $0 == UInt8(ascii: "\n") }
    }

    @Test("Rule 17: frozen and thawed, the point is application-consistent, and thaw runs once")
    func applicationConsistent() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            let outcome = try machine(
                estate, freeze: "echo $KURA_VM >> froze", thaw: "echo x >> thawed")
            #expect(outcome.report?.point.consistency == .applicationConsistent)
            #expect(outcome.warnings.isEmpty)
            #expect(lines(estate, "froze") == 1)
            #expect(lines(estate, "thawed") == 1)
        }
    }

    @Test("After a freeze that fails, the machine is thawed, and a warning has the hook's output")
    func freezeFails() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            let outcome = try machine(
                estate, freeze: "echo no room; exit 7", thaw: "echo x >> thawed")
            #expect(outcome.report?.point.consistency == .crashConsistent)
            #expect(
                outcome.warnings.contains {
                    $0.message.contains("no room") && $0.message.contains("7")
                })
            #expect(lines(estate, "thawed") == 1)
            let job = try estate.subscription.job(#require(outcome.job))
            #expect(job.status == .completedWithWarnings)
            #expect(job.output.contains("no room"))
        }
    }

    @Test("A freeze that hangs is killed in time, and the machine thawed")
    func freezeHangs() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            let outcome = try machine(
                estate, freeze: "sleep 600", thaw: "echo x >> thawed", timeout: 1)
            #expect(outcome.report?.point.consistency == .crashConsistent)
            #expect(lines(estate, "thawed") == 1)
        }
    }

    @Test("After a thaw that fails, the point is crash-consistent only")
    func thawFails() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            let outcome = try machine(estate, freeze: "true", thaw: "exit 3")
            #expect(outcome.report?.point.consistency == .crashConsistent)
            #expect(outcome.warnings.contains { $0.message.contains("status 3") })
        }
    }

    @Test("A machine that is frozen for longer than its limit is thawed before its backup ends")
    func timeIsOver() throws {
        try withTemporaryDirectory { directory in
            let folder = directory.appending("vm")
            try LocalFileSystem().makeDirectories(folder)
            let thaw = ["/bin/sh", "-c", "echo x >> thawed"]
            let thawed = folder.appending("thawed")
            try writeFile([], to: thawed)
            let watch = try #require(FileWatch(thawed, for: .close))
            let machine = VirtualMachine(
                region: "r", cloudService: "c", name: "vm", folder: folder.string, power: .running,
                system: .linux, deploymentModel: .classic, agent: .absent, quiesce: nil, disks: [])
            let frozen = try FrozenMachine(
                machine, .init(freeze: ["true"], thaw: thaw, timeoutSeconds: 1),
                environment: ["PATH": "/usr/bin:/bin"])
            #expect(watch.wait(until: Clock.steady() + 20_000_000_000, Cancellation()))
            #expect(!frozen.isHeld)
            let report = frozen.thaw()
            #expect(!report.heldThroughout)
            #expect(report.problem != nil)
        }
    }

    @Test("Hooks get no descriptor of Kura's, and long output blocks none of them")
    func descriptors() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            let outcome = try machine(
                estate, freeze: "ls /proc/self/fd > fds; yes | head -c 3000000", thaw: "true")
            #expect(outcome.report?.point.consistency == .applicationConsistent)
            // Standard input, output and error, and what ls opens itself.
            #expect(lines(estate, "fds") == 4)
        }
    }

    @Test("A missing hook is a warning, and the point is crash-consistent only")
    func noHook() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            try estate.machine("web", "db-1", file: Self.frozen)
            _ = try estate.operations.discover()
            try estate.succeed(estate.operations.register(["db-1"]))
            try estate.succeed(estate.operations.protect(["db-1"], policy: "DefaultPolicy"))
            let outcome = estate.operations.backUp("db-1")
            #expect(outcome.report?.point.consistency == .crashConsistent)
            #expect(!outcome.warnings.isEmpty)
        }
    }

    /// What a vm.json says, and a word that the problem names.
    static let bad: [(String, String)] = [
        ("{", "JSON"), (#"{"pwer": "running"}"#, "pwer"),
        (#"{"power": "maybe"}"#, "allowed: running, stopped"), (#"{"power": 3}"#, "power"),
        (#"{"disks": []}"#, "no disk was found"),
        (#"{"disks": [{"name": "a", "path": "../x.img", "lun": 0}]}"#, "outside"),
        (#"{"disks": [{"name": "a/b", "path": "os.img", "lun": 0}]}"#, "slash"),
        (#"{"disks": [{"name": "a", "path": "os.img", "lun": 300}]}"#, "lun"),
        (
            #"{"disks": [{"name":"a","path":"os.img","lun":0}, {"name":"a","path":"x","lun":1}]}"#,
            "same name"
        ),
        (
            #"{"disks": [{"name":"a","path":"os.img","lun":0}, {"name":"b","path":"x","lun":0}]}"#,
            "lun"
        ),
        (#"{"quiesce": {"freeze": ["a"], "thaw": []}}"#, "thaw"),
        (
            #"{"quiesce": {"freeze": ["a"], "thaw": ["b"], "timeout_seconds": 0}}"#,
            "timeout_seconds"
        ),
    ]

    @Test("A vm.json that makes no sense is a problem of its machine alone", arguments: bad)
    func badFile(file: String, word: String) throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            try estate.machine("web", "bad", file: file)
            try estate.machine("web", "good")
            let report = try estate.operations.discover()
            #expect(report.machines.map(\.name) == ["good"])
            #expect(report.problems.count == 1)
            #expect(report.problems.first?.message.contains(word) == true, "\(report.problems)")
        }
    }

    @Test("Without a vm.json every image of the folder is a disk, in the order of names")
    func images() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            try estate.machine("web", "vm", disks: ["b.raw", "a.img", "notes.txt", ".hidden.img"])
            let machine = try #require(estate.operations.discover().machines.first)
            #expect(machine.disks.map(\.name) == ["a", "b"])
            #expect(machine.disks.map(\.lun) == [-1, 0])
            #expect(machine.power == .stopped)
        }
    }

    @Test("Discovery tells what is new, changed and gone")
    func changes() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            try estate.machine("web", "a")
            try estate.machine("web", "b")
            _ = try estate.operations.discover()
            try estate.machine("web", "a", file: #"{"os": "windows"}"#)
            try estate.machine("web", "c")
            removeTree(estate.folder("web", "b"))
            let report = try estate.operations.discover()
            #expect(report.new.map(\.name) == ["c"])
            #expect(report.changed.map(\.name) == ["a"])
            #expect(report.vanished.map(\.name) == ["b"])
        }
    }

    @Test(
        "A machine in a folder that cannot be read is not gone, and other machines are found")
    func unreadable() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            try estate.machine("web", "a")
            try estate.machine("web", "b")
            _ = try estate.operations.discover()
            try estate.write(Array("{".utf8), to: estate.folder("web", "a").appending("vm.json"))
            symlink("/nowhere/at/all", estate.folder("web", "dangling").string)
            let report = try estate.operations.discover()
            #expect(report.machines.map(\.name) == ["b"])
            #expect(report.vanished.isEmpty)
            #expect(report.problems.count == 2)
        }
    }

    @Test("Disks are chosen by lun, and the system disk always comes along")
    func luns() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            try estate.machine("web", "vm", disks: ["a.img", "b.img", "c.img"])
            _ = try estate.operations.discover()
            try estate.succeed(estate.operations.register(["vm"]))
            try estate.succeed(
                estate.operations.protect(
                    ["vm"], policy: "DefaultPolicy", disks: .init(isExclusion: true, luns: [0, -1]))
            )
            let report = try #require(estate.operations.backUp("vm").report)
            #expect(report.point.disks.map(\.name) == ["a", "c"])
        }
    }
}
