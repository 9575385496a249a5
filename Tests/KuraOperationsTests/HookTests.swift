import Glibc
import KuraFormat
import KuraIO
import KuraMachines
import KuraOperations
import KuraVault
import SystemPackage
import TestSupport
import Testing

@Suite("Hooks", .timeLimit(.minutes(2))) struct HookTests {
    // MARK: - Commands by themselves

    private func withFolder(_ body: (VirtualMachine, FilePath) throws -> Void) throws {
        try withTemporaryDirectory { directory in
            let folder = directory.pushing(FilePath("inventory/r/c/vm"))
            try LocalFileSystem().makeDirectories(folder)
            try body(
                VirtualMachine(
                    region: "r", cloudService: "c", name: "vm", folder: folder.string,
                    power: .running, system: .linux, deploymentModel: .classic, agent: .absent,
                    quiesce: nil, disks: []), folder)
        }
    }

    private func commands(
        _ freeze: String, _ thaw: String = "true"
    ) -> VirtualMachine.Quiesce {
        .init(
            freeze: ["/bin/sh", "-c", freeze], thaw: ["/bin/sh", "-c", thaw], timeoutSeconds: 600)
    }

    private func text(_ path: FilePath) throws -> String {
        String(decoding: try readFile(path), as: UTF8.self)
    }

    @Test("Hooks see four variables, and no secret of the caller")
    func environment() throws {
        try withFolder { machine, folder in
            let frozen = try FrozenMachine(
                machine, commands("env > freeze", "env > thaw"),
                environment: [
                    "PATH": "/usr/bin:/bin", "LANG": "C", "KURA_PASSPHRASE": "secret",
                    "LD_PRELOAD": "", "HOME": "/root",
                ])
            #expect(frozen.thaw().heldThroughout)
            // The shell itself sets some.
            let own = ["PWD", "OLDPWD", "SHLVL", "_"]
            for name in ["freeze", "thaw"] {
                let names = try text(folder.appending(name)).split(separator: "\n")
                    .compactMap { $0.split(separator: "=").first.map(String.init) }
                #expect(
                    Set(names).subtracting(own) == [
                        "PATH", "LANG", "KURA_VM", "KURA_CLOUD_SERVICE",
                    ])
            }
        }
    }

    @Test("Of long output the start is kept, and no more is held")
    func output() throws {
        try withFolder { machine, folder in
            let frozen = try FrozenMachine(
                machine, commands("echo first; yes | head -c 20000000", "echo last"),
                environment: ["PATH": "/usr/bin:/bin"])
            for number in try LocalFileSystem().list("/proc/self/fd") {
                let path = "/proc/self/fd/\(number)"
                var target = [UInt8](repeating: 0, count: 100)
                let count = target.withUnsafeMutableBytes {
                    readlink(path, $0.baseAddress!.assumingMemoryBound(to: CChar.self), 100)
                }
                guard count > 0,
                    String(decoding: target[..<count], as: UTF8.self).hasPrefix("/memfd:kura")
                else { continue }
                var status = stat()
                guard stat(path, &status) == 0 else { continue }
                #expect(status.st_size <= 64 << 10)
            }
            let report = frozen.thaw()
            #expect(report.heldThroughout)
            #expect(report.output.hasPrefix("first\ny\n"))
            #expect(report.output.utf8.count == 64 << 10)
        }
    }

    @Test("A freeze that hangs is killed when the work is cancelled, and thaw runs")
    func cancelledFreeze() throws {
        try withFolder { machine, folder in
            let (began, thawed) = (folder.appending("began"), folder.appending("thawed"))
            for path in [began, thawed] { try writeFile([], to: path) }
            let cancellation = Cancellation()
            let watch = try #require(FileWatch(began, for: .close))
            let done = Latch(1)
            Threads.detach {
                _ = watch.wait(until: Clock.steady() + 60_000_000_000, Cancellation())
                cancellation.cancel()
                done.signal()
            }
            let freeze = "exec 9>held; flock 9; echo x >> began; sleep 600; echo x >> after"
            let end = try #require(FileWatch(thawed, for: .close))
            var caught: KuraError.Code?
            do throws(KuraError) {
                _ = try FrozenMachine(
                    machine, commands(freeze, "echo x >> thawed"),
                    environment: ["PATH": "/usr/bin:/bin"], cancellation: cancellation)
            } catch {
                caught = error.code
            }
            done.wait()
            #expect(caught == .interrupted)
            #expect(end.wait(until: Clock.steady() + 60_000_000_000, Cancellation()))
            #expect(try text(thawed) == "x\n")
            // Free once all that the command started is dead.
            let held = open(folder.appending("held").string, O_RDONLY)
            #expect(flock(held, LOCK_EX) == 0)
            close(held)
            #expect(try !LocalFileSystem().exists(folder.appending("after")))
        }
    }

    @Test("A thaw that hangs is not waited for once the work is cancelled")
    func cancelledThaw() throws {
        try withFolder { machine, folder in
            let began = folder.appending("began")
            try writeFile([], to: began)
            let cancellation = Cancellation()
            let frozen = try FrozenMachine(
                machine, commands("true", "echo $$ >> began; exec sleep 600"),
                environment: ["PATH": "/usr/bin:/bin"], cancellation: cancellation)
            cancellation.cancel()
            let report = frozen.thaw()
            #expect(!report.heldThroughout)
            #expect(report.problem?.contains("not waited for") == true)
            // It goes on by itself; the test ends it.
            let process = try #require(
                pid_t(text(began).split(separator: "\n").first.map(String.init) ?? ""))
            #expect(kill(process, SIGKILL) == 0)
        }
    }

    // MARK: - Hooks of registered machines

    private static let description = #"""
        {"power": "running", "agent": {"version": "1"},
         "quiesce": {"freeze": ["./freeze.sh"], "thaw": ["./thaw.sh"]},
         "disks": [{"name": "os", "path": "os.img", "lun": -1}]}
        """#

    private func withMachine(
        freeze: String = "id -u > user", _ body: (Estate, FilePath) throws -> Void
    ) throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            try estate.machine("web", "db-1", file: Self.description)
            let folder = estate.folder("web", "db-1")
            try estate.script(folder.appending("freeze.sh"), freeze)
            try estate.script(folder.appending("thaw.sh"), "id -u > thawed")
            _ = try estate.operations.discover()
            try estate.succeed(estate.operations.register(["db-1"]))
            try estate.succeed(estate.operations.protect(["db-1"], policy: "DefaultPolicy"))
            try body(estate, folder)
        }
    }

    private func expectNotRun(
        _ estate: Estate, _ folder: FilePath, because reason: String
    ) throws {
        let outcome = estate.operations.backUp("db-1")
        #expect(outcome.error == nil)
        #expect(outcome.report?.point.consistency == .crashConsistent)
        #expect(
            outcome.warnings.contains { $0.message.contains(reason) }, "\(outcome.warnings)")
        #expect(try !LocalFileSystem().exists(folder.appending("user")))
        #expect(try !LocalFileSystem().exists(folder.appending("thawed")))
    }

    @Test("Commands that changed since the machine was registered run after it is registered again")
    func changedCommands() throws {
        try withMachine { estate, folder in
            try estate.script(folder.appending("other.sh"), "id -u > user")
            let changed = Self.description.split(separator: "./freeze.sh").joined(
                separator: "./other.sh")
            try estate.write(Array(changed.utf8), to: folder.appending("vm.json"))
            try expectNotRun(estate, folder, because: "not those that it was registered with")
            try estate.succeed(estate.operations.register(["db-1"]))
            let outcome = estate.operations.backUp("db-1")
            #expect(outcome.warnings.isEmpty, "\(outcome.warnings)")
            #expect(outcome.report?.point.consistency == .applicationConsistent)
            #expect(try LocalFileSystem().exists(folder.appending("user")))
            // Nothing to take from it any more.
            #expect(estate.operations.register(["db-1"])[0].error?.code == .exists)
        }
    }

    @Test(
        "Commands that others could change do not run",
        arguments: ["vm.json", "freeze.sh", "thaw.sh", "", "..", "../..", "../../.."])
    func writableByOthers(name: String) throws {
        try withMachine { estate, folder in
            let path = folder.pushing(FilePath(name)).lexicallyNormalized()
            chmod(path.string, 0o777)
            try expectNotRun(estate, folder, because: "may write to \(path)")
        }
    }

    @Test(
        "Commands in the folder of another user run as that user, never as root",
        .enabled(if: geteuid() == 0, "only root can give files to another user"))
    func folderOwner() throws {
        let user = try FileUser(named: "nobody")
        try withMachine { estate, folder in
            for path in [folder] + filesBelow(folder) { chown(path.string, user.id, user.group) }
            let outcome = estate.operations.backUp("db-1")
            #expect(outcome.warnings.isEmpty, "\(outcome.warnings)")
            #expect(outcome.report?.point.consistency == .applicationConsistent)
            for name in ["user", "thawed"] {
                let runner = try text(folder.appending(name))
                #expect(runner == "\(user.id)\n")
            }
        }
    }

    @Test(
        "Commands that belong to two other users do not run",
        .enabled(if: geteuid() == 0, "only root can give files to another user"),
        arguments: ["vm.json", "freeze.sh", "thaw.sh"])
    func twoOwners(name: String) throws {
        let user = try FileUser(named: "nobody")
        try withMachine { estate, folder in
            for path in [folder] + filesBelow(folder) { chown(path.string, user.id, user.group) }
            chown(folder.appending(name).string, 65533, 65533)
            try expectNotRun(estate, folder, because: "belongs to user 65533")
        }
    }
}
