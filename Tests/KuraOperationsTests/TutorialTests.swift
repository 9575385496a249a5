import KuraFormat
import KuraIO
import KuraMachines
import KuraOperations
import KuraPolicy
import KuraStore
import KuraVault
import SystemPackage
import TestSupport
import Testing

/// The tutorial, step by step. Numbers are those of its rules in the order of the steps.
@Suite("Tutorial")
struct TutorialTests {
    @Test("Rule 1: vault, discover, register, agent, protect, first backup, restore")
    func walk() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            let kura = estate.subscription
            try estate.machine("web", "web-1", disks: ["os.img", "data.img"])
            #expect(try kura.operations.discover().new.map(\.name) == ["web-1"])
            #expect(try estate.row("web-1").status == "Not registered")
            try estate.succeed(kura.operations.register(["web-1"]))
            #expect(try estate.row("web-1").status == "Registered")
            try estate.succeed(kura.operations.protect(["web-1"], policy: "defaultpolicy"))
            #expect(try estate.row("web-1").status == "Protected (initial backup pending)")
            let backup = kura.operations.backUp("web-1")
            try estate.succeed([backup])
            let row = try estate.row("web-1")
            #expect(row.status == "Protected")
            #expect(row.policy == "DefaultPolicy")
            #expect(row.points == 1)
            let output = directory.appending("out")
            let report = try kura.operations.restoreMachine(.init("web-1", to: output))
            #expect(report.outputs.map(\.disk) == ["data", "os"])
            let fileSystem = LocalFileSystem()
            for disk in ["os.img", "data.img"] {
                let restored = try fileSystem.contents(output.appending(disk), max: 1 << 20)
                let source = try fileSystem.contents(
                    estate.folder("web", "web-1").appending(disk), max: 1 << 20)
                #expect(restored == source)
            }
        }
    }

    @Test(
        "Rule 2: a vault's name is unique in whatever case, 2 to 50 characters, a letter first",
        arguments: [
            "a", "1abc", "a_b", "", "-ab", String(repeating: "a", count: 51), "TOKYO", "日本",
        ])
    func vaultNames(name: String) throws {
        try withTemporaryDirectory { directory in
            let kura = try Estate(directory).subscription
            #expect(throws: KuraError.self) {
                try kura.createVault(name: name, region: Estate.region, copies: nil)
            }
        }
    }

    @Test("Rule 3: a vault backs up machines of its own region only")
    func ownRegion() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            let kura = try estate.subscription.addRegion(.init(name: "westeurope"))
            try estate.machine("web", "far", region: "westeurope")
            _ = try kura.operations.discover()
            #expect(kura.operations.register(["far"], vault: "tokyo")[0].error?.code == .refused)
            #expect(kura.operations.register(["far"])[0].error?.code == .notFound)
            #expect(try kura.machineRows(.all, vault: "tokyo").isEmpty)
        }
    }

    @Test(
        "Rule 5: redundancy is GRS where the region has a pair, and frozen with the first item"
    )
    func redundancy() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            #expect(try estate.vault().record.redundancy == .lrs)
            let kura = try estate.subscription.addRegion(.init(name: "japanwest"))
            let second = try kura.createVault(name: "second", region: Estate.region, copies: nil)
            #expect(second.record.redundancy == .grs)
            try estate.machine("web", "web-1")
            _ = try kura.operations.discover()
            try estate.succeed(kura.operations.register(["web-1"], vault: "second"))
            #expect(
                code {
                    _ = try Operations(kura, .test()).setRedundancy(
                        RedundancyRequest(vault: "second", kind: .lrs))
                } == .refused)
        }
    }

    @Test("Rule 6: machines of one name are told apart by their cloud service")
    func ambiguous() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            let kura = estate.subscription
            try estate.machine("web", "web-1")
            try estate.machine("shop", "web-1")
            _ = try kura.operations.discover()
            let ambiguous = kura.operations.register(["web-1"])[0].error
            #expect(ambiguous?.code == .invalidInput)
            #expect(ambiguous?.message.contains("shop/web-1") == true)
            #expect(ambiguous?.message.contains("web/web-1") == true)
            let done = kura.operations.register(["web-1"], cloudService: "shop")
            #expect(done[0].item == "shop/web-1")
        }
    }

    @Test("Rule 7: several machines at once, a job each, and one failure does not stop the others")
    func severalAtOnce() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            let kura = estate.subscription
            try estate.machine("web", "web-1")
            try estate.machine("web", "web-2", file: #"{"power": "running"}"#)
            try estate.machine("web", "web-3")
            _ = try kura.operations.discover()
            let outcomes = kura.operations.register(["web-1", "web-2", "web-3"])
            #expect(outcomes.map { $0.error == nil } == [true, false, true])
            let jobs = try kura.jobs(JobFilter(operation: .register))
            #expect(Set(jobs.map(\.status)) == [.completed, .failed])
            #expect(jobs.count == 3)
            #expect(outcomes.allSatisfy { $0.job != nil })
            // After a failure it is not registered, and can be tried again.
            #expect(try estate.row("web-2").status == "Not registered")
        }
    }

    @Test("Rule 8: resource-manager machines are not supported in the classic profile")
    func resourceManager() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            let kura = estate.subscription
            try estate.machine("web", "arm", file: #"{"deployment_model": "resource-manager"}"#)
            _ = try kura.operations.discover()
            #expect(try estate.row("arm").status == "Not supported")
            #expect(kura.operations.register(["arm"])[0].error?.code == .refused)
        }
    }

    @Test(
        "Rule 9: an agent that is absent, too old or being updated stops registration",
        arguments: [
            (#"{"power": "running"}"#, false),
            (
                #"{"power": "running", "os": "windows", "agent": {"version": "2.6.1198.717"}}"#,
                false
            ),
            (#"{"power": "running", "os": "windows", "agent": {"version": "2.6.1198"}}"#, false),
            (#"{"power": "running", "os": "windows", "agent": {"version": "2.6.1198.718"}}"#, true),
            (#"{"power": "running", "os": "windows", "agent": {"version": "2.10.0.0"}}"#, true),
            (#"{"power": "running", "agent": {"version": "1.0"}}"#, true),
            (#"{"power": "running", "agent": {"version": "1.0", "updating": true}}"#, false),
        ])
    func agent(file: String, isAccepted: Bool) throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            try estate.machine("web", "vm", file: file)
            _ = try estate.operations.discover()
            let error = estate.operations.register(["vm"])[0].error
            #expect((error == nil) == isAccepted)
        }
    }

    @Test("Rule 9: no backup runs while the agent is being updated")
    func updating() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            try estate.protected()
            let file = #"{"power": "running", "agent": {"version": "1", "updating": true}}"#
            try estate.write(
                Array(file.utf8), to: estate.folder("web", "web-1").appending("vm.json"))
            #expect(estate.operations.backUp("web-1").error?.code == .refused)
        }
    }

    @Test("Rule 10: a machine that is off is backed up, crash-consistent")
    func off() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            try estate.protected()
            let outcome = estate.operations.backUp("web-1")
            #expect(outcome.report?.point.consistency == .crashConsistent)
            #expect(outcome.warnings.isEmpty)
        }
    }

    @Test("Rule 11: only registered machines that are not protected are offered")
    func offered() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            try estate.protected()
            try estate.machine("web", "web-2")
            try estate.machine("web", "web-3")
            _ = try estate.operations.discover()
            try estate.succeed(estate.operations.register(["web-2"]))
            let rows = try estate.subscription.machineRows(.protectable)
            #expect(rows.map(\.name) == ["web-2"])
            let outcomes = estate.operations.protect(
                ["web-1", "web-3"], policy: "DefaultPolicy")
            #expect(outcomes.map { $0.error?.code } == [.refused, .refused])
        }
    }

    @Test("Rule 12: one policy for many machines, one machine has exactly one")
    func onePolicy() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            let kura = estate.subscription
            try estate.protected()
            var other = Policy.standard
            other.name = "other"
            try kura.createPolicy(other, in: estate.vault())
            try estate.succeed(kura.operations.assignPolicy("other", to: ["web-1"]))
            #expect(try kura.settings(of: estate.vault()).items["web-1"]?.policy == "other")
            #expect(code { try kura.deletePolicy(named: "other", in: estate.vault()) } == .refused)
        }
    }

    @Test("Rule 13: every vault has DefaultPolicy: daily, 30 days")
    func defaultPolicy() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            let state = try estate.subscription.policy(named: "DefaultPolicy", in: estate.vault())
            #expect(state.policy.schedule.frequency == .daily)
            #expect(state.policy.retention[.daily]?.count == 30)
            #expect(
                code {
                    try estate.subscription.deletePolicy(named: "DefaultPolicy", in: estate.vault())
                } == .refused)
        }
    }

    @Test("Rule 18: a backup on demand is kept as the policy's daily points are, or until a day")
    func onDemand() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            try estate.protected()
            let plain = try #require(estate.operations.backUp("web-1").report)
            #expect(plain.point.tags == ["daily", "on-demand"])
            #expect(
                estate.subscription.expiry(of: plain.located(in: try estate.vault()))
                    == plain.point.time + 30 * 86_400_000_000_000)
            var occasion = BackupOccasion.onDemand
            occasion.retainUntil = try utc("2199-01-01")
            let kept = try #require(estate.operations.backUp("web-1", occasion).report)
            #expect(
                estate.subscription.expiry(of: kept.located(in: try estate.vault()))
                    == occasion.retainUntil
            )
        }
    }

    @Test("A restore leaves a machine with the numbers of its disks, also when the source is gone")
    func luns() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            let kura = estate.subscription
            let file = #"""
                {"disks": [{"name": "os", "path": "os.img", "lun": -1},
                 {"name": "log", "path": "log.img", "lun": 3},
                 {"name": "db", "path": "db.img", "lun": 7}]}
                """#
            try estate.machine("web", "vm", file: file, disks: ["os.img", "log.img", "db.img"])
            _ = try kura.operations.discover()
            try estate.succeed(kura.operations.register(["vm"]))
            try estate.succeed(kura.operations.protect(["vm"], policy: "DefaultPolicy"))
            try estate.succeed([kura.operations.backUp("vm")])
            removeTree(estate.folder("web", "vm"))
            _ = try kura.operations.discover()
            let folder = estate.inventory.appending(Estate.region).appending("web")
            let data = try kura.operations.restoreMachine(
                .init(
                    "vm", to: folder, newName: "data",
                    disks: .init(isExclusion: false, luns: [7, 3])))
            #expect(data.outputs.map(\.disk) == ["log", "db"])
            _ = try kura.operations.restoreMachine(
                .init("vm", to: folder, newName: "rest", disks: .init(isExclusion: true, luns: [3]))
            )
            let found = try kura.operations.discover().machines
            #expect(found.map(\.name) == ["data", "rest"])
            #expect(found.map { $0.disks.map(\.lun) } == [[3, 7], [-1, 7]])
            #expect(
                code {
                    _ = try kura.operations.restoreMachine(
                        .init(
                            "vm", to: folder, newName: "no",
                            disks: .init(isExclusion: false, luns: [9])))
                } == .notFound)
        }
    }

    @Test("A restore that finds a file in its way writes nothing")
    func inTheWay() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            try estate.protected()
            try estate.succeed([estate.operations.backUp("web-1")])
            let folder = directory.appending("out")
            try LocalFileSystem().makeDirectories(folder)
            try estate.write([1], to: folder.appending("vm.json"))
            #expect(
                code {
                    _ = try estate.operations.restoreMachine(.init("web-1", to: folder))
                } == .exists)
            #expect(try LocalFileSystem().list(folder) == ["vm.json"])
        }
    }

    @Test("Rule 20: a restore makes a new machine and overwrites nothing")
    func newMachine() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            try estate.protected()
            try estate.succeed([estate.operations.backUp("web-1")])
            let folder = estate.inventory.appending(Estate.region).appending("web")
            let request = MachineRestore("web-1", to: folder, newName: "web-copy")
            _ = try estate.operations.restoreMachine(request)
            #expect(try estate.operations.discover().new.map(\.name) == ["web-copy"])
            #expect(
                code {
                    _ = try estate.operations.restoreMachine(request)
                } == .exists)
        }
    }

    @Test(
        "Rules 22, 23: stopping keeps the data unless it is asked for, and unregistering comes last"
    )
    func stop() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            let kura = estate.subscription
            try estate.protected()
            try estate.succeed([kura.operations.backUp("web-1")])
            try estate.succeed([kura.operations.stopProtection("web-1", .retain, comment: "sold")])
            #expect(try estate.row("web-1").status == "Protection stopped")
            #expect(try estate.row("web-1").comment == "sold")
            #expect(kura.operations.backUp("web-1").error?.code == .refused)
            #expect(kura.operations.unregister("web-1").error?.code == .refused)
            let report = try kura.at(utc("2199-01-01")).operations.prune(kura.place(named: "tokyo"))
            #expect(report.decisions.count { !$0.isKept } == 0)
            try estate.succeed([kura.operations.resume("web-1", policy: "DefaultPolicy")])
            #expect(try estate.row("web-1").status == "Protected")
        }
    }

    @Test("Deleted data can be brought back for 14 days, and is gone afterwards")
    func softDelete() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            let kura = estate.subscription
            let place = try kura.place(named: "tokyo")
            try estate.protected()
            try estate.succeed([kura.operations.backUp("web-1")])
            let start = try utc("2026-01-01")
            try estate.succeed([kura.at(start).operations.stopProtection("web-1", .deleteData)])
            #expect(try estate.row("web-1").status == "Soft deleted")
            let deleted = MachineRestore("web-1", to: directory.appending("no"))
            #expect(code { _ = try kura.operations.restoreMachine(deleted) } == .refused)
            let early = try kura.at(utc("2026-01-14", "23:59")).operations.prune(place)
            #expect(early.decisions.count { !$0.isKept } == 0)
            try estate.succeed([kura.operations.undelete("web-1")])
            #expect(try estate.row("web-1").status == "Protection stopped")
            try estate.succeed([kura.at(start).operations.stopProtection("web-1", .deleteData)])
            let late = try kura.at(utc("2026-01-15")).operations.prune(place)
            #expect(late.decisions.map(\.isKept) == [false])
            #expect(try estate.row("web-1").status == "Not registered")
            #expect(try estate.vault().recoveryPointIDs().isEmpty)
        }
    }

    @Test("Deleted at once, data is gone with the next prune")
    func deleteAtOnce() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            try estate.protected()
            try estate.succeed([estate.operations.backUp("web-1")])
            try estate.succeed([estate.operations.stopProtection("web-1", .deleteDataAtOnce)])
            _ = try estate.subscription.operations.prune(estate.subscription.place(named: "tokyo"))
            #expect(try estate.vault().recoveryPointIDs().isEmpty)
        }
    }

    @Test("A policy takes machines up to its limit")
    func machineLimit() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            let names = (0...PolicyLimits.classic.machinesPerPolicy).map { "vm-\($0)" }
            for name in names { try estate.machine("web", name, disks: ["os.img"]) }
            _ = try estate.operations.discover()
            try estate.succeed(estate.operations.register(names))
            let outcomes = estate.operations.protect(names, policy: "DefaultPolicy")
            #expect(outcomes.count { $0.error == nil } == PolicyLimits.classic.machinesPerPolicy)
            #expect(outcomes.last?.error?.code == .refused)
        }
    }

    @Test("The size unique to a point is what its own content takes")
    func unique() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            try estate.protected()
            try estate.succeed([estate.operations.backUp("web-1")])
            try estate.succeed([estate.operations.backUp("web-1")])
            let vault = try estate.vault()
            let points = try vault.recoveryPoints()
            let same = try vault.uniqueBytes(of: points[0].id)
            #expect(same == 0)
            try estate.machine("web", "web-1", seed: 77)
            try estate.succeed([estate.operations.backUp("web-1")])
            let newest = try #require(vault.recoveryPoints().first)
            #expect(try vault.uniqueBytes(of: newest.id) > 1000)
        }
    }

    @Test("Rule 24: a vault with items or points is not deleted, and says what is in the way")
    func deleteVault() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            let kura = estate.subscription
            let place = try kura.place(named: "tokyo")
            try estate.protected()
            do {
                try kura.operations.deleteVault(place)
                Issue.record("deleted")
            } catch let error as KuraError {
                #expect(error.message.contains("web-1"))
                let part = Remedy.Part(
                    subject: "web-1 is protected", remedy: .machine(.deleteData("web-1")))
                #expect(error.remedy == .forEach([part]))
            }
            // Each blocker names what removes it; followed, they lead to the end.
            try estate.succeed([kura.operations.backUp("web-1")])
            try estate.succeed([kura.operations.stopProtection("web-1", .deleteData)])
            do {
                try kura.operations.deleteVault(place)
                Issue.record("deleted")
            } catch let error as KuraError {
                let part = Remedy.Part(
                    subject: "web-1 is soft deleted",
                    remedy: .steps([
                        .machine(.deleteData("web-1", atOnce: true)), .vault(.prune()),
                    ]))
                #expect(error.remedy == .forEach([part]))
            }
            try estate.succeed([kura.operations.stopProtection("web-1", .deleteDataAtOnce)])
            _ = try kura.operations.prune(place)
            try kura.operations.deleteVault(place)
            #expect(try kura.places().isEmpty)
        }
    }

    @Test("Rules 22, 23: without backup data there is nothing to wait for")
    func stopWithoutData() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            let kura = estate.subscription
            try estate.protected()
            #expect(kura.operations.unregister("web-1").error?.code == .refused)
            try estate.succeed([kura.operations.stopProtection("web-1", .deleteData)])
            #expect(try estate.row("web-1").status == "Registered")
            try estate.succeed([kura.operations.unregister("web-1")])
            #expect(try estate.row("web-1").status == "Not registered")
        }
    }

    @Test("Rule 4: a vault needs a name and a region, and its making is in the journal")
    func vaultIsMade() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            let entries = try estate.subscription.audit(of: estate.vault())
            #expect(entries.map(\.entry.operation) == ["CreateVault"])
            #expect(entries.first?.entry.subject == "policy/DefaultPolicy")
            let settings = try estate.subscription.settings(of: estate.vault())
            #expect(Array(settings.policies.keys) == ["DefaultPolicy"])
        }
    }

    @Test("Rule 15: protecting starts a ConfigureProtection job for each machine")
    func configureJobs() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            let kura = estate.subscription
            for name in ["a-1", "a-2"] { try estate.machine("web", name) }
            _ = try kura.operations.discover()
            try estate.succeed(kura.operations.register(["a-1", "a-2"]))
            let outcomes = kura.operations.protect(
                ["a-1", "nobody", "a-2"], policy: "DefaultPolicy")
            #expect(outcomes.map { $0.error == nil } == [true, false, true])
            let jobs = try kura.jobs(JobFilter(operation: .configureProtection))
            #expect(Set(jobs.map(\.item)) == ["a-1", "a-2"])
            #expect(try estate.row("a-2").status == "Protected (initial backup pending)")
        }
    }

    @Test("Rule 16: the first scheduled run is the initial backup, later ones bring what is new")
    func initialBackup() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            try estate.protected(time: utc("2026-01-01"))
            let kura = estate.subscription
            let first = try kura.at(utc("2026-01-01", "23:00")).operations.tick()
            #expect(first.backups.first?.report?.point.counts.newBytes ?? 0 > 0)
            let second = try kura.at(utc("2026-01-02", "23:00")).operations.tick()
            #expect(second.backups.first?.report?.point.counts.newBytes == 0)
            #expect(second.backups.first?.report?.point.parent == first.backups.first?.report?.id)
        }
    }

    @Test("Rule 19: a machine has a system disk and 16 data disks at most", arguments: [17, 18])
    func diskLimit(count: Int) throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            try estate.machine("web", "vm", disks: (0..<count).map { "disk-\($0).img" })
            let report = try estate.operations.discover()
            #expect(report.machines.first?.disks.count == (count == 17 ? 17 : nil))
            #expect(report.problems.count == (count == 17 ? 0 : 1))
        }
    }

    @Test("Rule 21: a protected item shows its status, points and newest point")
    func columns() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            try estate.protected(time: utc("2026-01-01"))
            for day in 1...3 {
                _ = try estate.subscription.at(utc("2026-01-0\(day)", "23:00")).operations.tick()
            }
            let row = try estate.row("web-1")
            #expect(row.points == 3)
            #expect(row.lastBackup == (try utc("2026-01-03", "23:00")))
            #expect(row.policy == "DefaultPolicy")
        }
    }

    @Test("A vault takes machines up to its limit")
    func vaultLimit() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            let most = PolicyLimits.classic.machinesPerVault
            let names = (0...most).map { "vm-\($0)" }
            for name in names { try estate.machine("web", name) }
            _ = try estate.operations.discover()
            let outcomes = estate.operations.register(names)
            #expect(outcomes.count { $0.error == nil } == most)
            #expect(outcomes.last?.error?.code == .refused)
        }
    }

    @Test("An item takes recovery points up to its limit")
    func pointLimit() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            try estate.protected()
            try estate.succeed([estate.operations.backUp("web-1")])
            let most = PolicyLimits.classic.pointsPerItem
            try estate.addPoints(most - 2, item: "web-1", hoursApart: 0)
            try estate.succeed([estate.operations.backUp("web-1")])
            let refused = estate.operations.backUp("web-1").error
            #expect(refused?.code == .refused)
            #expect(refused?.message.contains("\(most)") == true)
        }
    }

    @Test("Rule 25: what is done is in the journal, and its chain is whole")
    func audited() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            try estate.protected()
            try estate.succeed([estate.operations.backUp("web-1")])
            let entries = try estate.subscription.audit(of: estate.vault())
            #expect(
                entries.map(\.entry.operation)
                    == ["CreateVault", "Register", "ConfigureProtection", "Backup"])
            #expect(entries.map(\.entry.sequence) == [1, 2, 3, 4])
            #expect(try estate.subscription.auditProblems(of: estate.vault(), entries).isEmpty)
            // What failed is there, too.
            removeTree(estate.folder("web", "web-1"))
            #expect(estate.operations.backUp("web-1").error != nil)
            let last = try #require(estate.subscription.audit(of: estate.vault()).last)
            #expect(last.entry.operation == "Backup" && last.entry.note.contains("failed"))
        }
    }
}
