import Glibc
import KuraFormat
import KuraIO
import KuraOperations
import KuraPolicy
import KuraStore
import KuraVault
import SystemPackage
import TestSupport
import Testing

@Suite("Catalog")
struct CatalogTests {
    @Test("One replica alone gives back vaults, policies, items, assignments and points")
    func rebuild() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            try estate.protected(policy: SchedulerTests.gold())
            try estate.succeed([estate.operations.backUp("web-1")])
            let before = try estate.subscription.settings(of: estate.vault())
            let replica = estate.subscription.regions[0].replicas[0].path
            let (found, report) = try Operations.rebuildCatalog(
                home: directory.appending("new home"), replicas: [replica],
                context: .test())
            #expect(report.vaults == 1)
            #expect(report.points == 1)
            let after = try found.settings(of: found.place(named: "tokyo").reading())
            #expect(after.items == before.items)
            #expect(after.policies == before.policies)
            #expect(try found.machineRows(.protected).map(\.name) == ["web-1"])
        }
    }

    @Test("A catalog that is damaged is set aside, and nothing but job history is lost")
    func damaged() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            try estate.protected()
            try estate.succeed([estate.operations.backUp("web-1")])
            let home = directory.appending("home")
            for name in ["catalog.sqlite-wal", "catalog.sqlite-shm"] {
                unlink(home.appending(name).string)
            }
            try estate.write(
                [UInt8](repeating: 7, count: 8192), to: home.appending("catalog.sqlite"))
            let broken = try estate.reopened()
            #expect(code { _ = try broken.jobs() } == .damaged)
            // Points are read from the region all the same.
            let vault = try broken.place(named: "tokyo").reading()
            #expect(try broken.recoveryPoints(of: vault).count == 1)
            let (found, report) = try Operations.rebuildCatalog(
                home: home, replicas: [], context: .test())
            #expect(report.setAside != nil)
            #expect(try found.jobs().isEmpty)
            #expect(try found.settings(of: vault).items["web-1"]?.status == .protected)
        }
    }

    @Test("What the catalog remembers of points follows the region")
    func follows() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            try estate.protected()
            for _ in 0..<3 { try estate.succeed([estate.operations.backUp("web-1")]) }
            let vault = try estate.vault()
            let points = try estate.subscription.recoveryPoints(of: vault)
            #expect(points.map(\.point.sequence) == [3, 2, 1])
            _ = try estate.subscription.operations.prune(
                estate.subscription.place(named: "tokyo"), dropping: [points[1].id])
            #expect(
                try estate.subscription.recoveryPoints(of: vault).map(\.point.sequence) == [3, 1])
        }
    }

    @Test("Points are dropped without a catalog, which cannot be opened on a full disk")
    func pruneWithout() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            try estate.protected()
            for _ in 0..<2 { try estate.succeed([estate.operations.backUp("web-1")]) }
            let points = try estate.subscription.recoveryPoints(of: estate.vault())
            let home = directory.appending("home")
            for name in ["catalog.sqlite", "catalog.sqlite-wal", "catalog.sqlite-shm"] {
                unlink(home.appending(name).string)
            }
            // A directory cannot be opened as a catalog.
            try LocalFileSystem().makeDirectory(home.appending("catalog.sqlite"))
            let without = try estate.reopened()
            #expect(throws: KuraError.self) { _ = try without.jobs() }
            let report = try without.operations.prune(
                without.place(named: "tokyo"), dropping: [points[1].id])
            #expect(report.decisions.count { !$0.isKept } == 1)
            let vault = try without.place(named: "tokyo").reading()
            #expect(try vault.recoveryPointIDs() == [points[0].id])
            #expect(try without.settings(of: vault).items["web-1"]?.status == .protected)
        }
    }

    @Test(
        "Very many points are listed newest first, pruned by their rules, and rebuilt with progress"
    )
    func many() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            try estate.protected()
            try estate.succeed([estate.operations.backUp("web-1")])
            // Of an item that no machine stands for, kept for 30 days, one point each hour.
            try estate.addPoints(1000, item: "copies", hoursApart: 1)
            let kura = estate.subscription
            let points = try kura.recoveryPoints(of: estate.vault())
            #expect(points.count == 1001)
            #expect(points.map(\.point.time) == points.map(\.point.time).sorted(by: >))
            #expect(try kura.pointCounts(of: estate.vault()) == ["web-1": 1, "copies": 1000])
            #expect(try kura.recoveryPoints(of: estate.vault(), item: "web-1").count == 1)
            let now = try #require(points.first).point.time
            let report = try kura.at(now).operations.prune(kura.place(named: "tokyo"))
            // A point goes at its expiry: 720 hours old or more, of 1000.
            #expect(report.decisions.count { !$0.isKept } == 280)
            #expect(try kura.pointCounts(of: estate.vault()) == ["web-1": 1, "copies": 720])
            var context = Context.test()
            let progress = Progress()
            context.progress = progress
            let (found, rebuilt) = try Operations.rebuildCatalog(
                home: directory.appending("home"), replicas: [], context: context)
            #expect(rebuilt.points == 721)
            #expect(progress.current.totalBytes == 721)
            #expect(progress.current.doneBytes == 721)
            #expect(try found.recoveryPoints(of: estate.vault()).count == 721)
        }
    }

    /// What is done to the files of a journal of four entries, given oldest first.
    static let tampering: [String] = ["changed", "removed", "newest removed", "inserted", "forked"]

    @Test(
        "An entry of the journal that was changed, removed or added is found",
        arguments: tampering)
    func tampered(kind: String) throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            let kura = estate.subscription
            try estate.protected()
            try estate.succeed([kura.operations.backUp("web-1")])
            let entries = try kura.audit(of: estate.vault())
            #expect(try kura.auditProblems(of: estate.vault(), entries).isEmpty)
            let vault = try estate.vault()
            let folder = vault.replicas[0].vaultPath(vault.id).appending("journal")
            let file = { (number: Int) in folder.appending(entries[number].id.hex).string }
            switch kind {
            case "changed":
                chmod(file(3), 0o600)
                try estate.write([1, 2, 3], to: FilePath(file(3)))
            case "removed": unlink(file(1))
            case "newest removed": unlink(file(3))
            default:
                var forged = entries[2].entry
                forged.note = "forged"
                forged.epoch += kind == "forked" ? 1 : 0
                let bytes = forged.encoded()
                try estate.write(
                    bytes, to: folder.appending(JournalEntry.decode(bytes).id.hex))
            }
            let after = try estate.reopened()
            let found = try after.place(named: "tokyo").reading()
            let problems = try after.auditProblems(of: found, after.audit(of: found))
            #expect(!problems.isEmpty)
        }
    }

    @Test("Two processes change settings at once, and neither change is lost")
    func together() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            let others = try (0..<2).map { _ in try estate.reopened() }
            Threads.run(2) { number in
                do throws(KuraError) {
                    let kura = others[number]
                    let vault = try kura.place(named: "tokyo").writing()
                    for count in 0..<5 {
                        var policy = Policy.standard
                        policy.name = "policy-\(number)-\(count)"
                        try kura.createPolicy(policy, in: vault)
                    }
                } catch {
                    Issue.record(error)
                }
            }
            let settings = try estate.subscription.settings(of: estate.vault())
            #expect(settings.policies.count == 11)
            let entries = try estate.subscription.audit(of: estate.vault())
            #expect(try estate.subscription.auditProblems(of: estate.vault(), entries).isEmpty)
        }
    }

    @Test("Policies stop at the vault's limit")
    func policyLimit() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            var policy = Policy.standard
            for number in 0..<(PolicyLimits.classic.policiesPerVault - 1) {
                policy.name = "policy-\(number)"
                try estate.subscription.createPolicy(policy, in: estate.vault())
            }
            policy.name = "one-more"
            #expect(
                code { try estate.subscription.createPolicy(policy, in: estate.vault()) }
                    == .refused)
        }
    }

    @Test("In the modern profile protecting registers, and resource-manager machines are supported")
    func modern() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory, vault: nil)
            let kura = estate.subscription
            _ = try kura.createVault(
                name: "new", region: Estate.region, copies: 1, profile: .modern)
            try estate.machine("web", "arm", file: #"{"deployment_model": "resource-manager"}"#)
            _ = try kura.operations.discover()
            try estate.succeed(kura.operations.protect(["arm"], policy: "DefaultPolicy"))
            #expect(try estate.row("arm").status == "Protected (initial backup pending)")
            // A backup on demand is kept for 30 days, and deleted data always for 14.
            let point = try #require(kura.operations.backUp("arm").report)
            #expect(
                try kura.expiry(of: point.located(in: estate.vault("new")))
                    == (point.point.time / 1_000_000_000 + 30 * 86_400) * 1_000_000_000)
            let stopped = kura.operations.stopProtection("arm", .deleteDataAtOnce)
            #expect(stopped.error?.code == .refused)
        }
    }
}

@Suite("Jobs")
struct JobTests {
    @Test("A job ends as its work does, with error, remedy and tasks")
    func ends() throws {
        try withTemporaryDirectory { directory in
            let kura = try Estate(directory).subscription
            _ = try kura.operations.withJob(.backup, item: "a") { job throws(KuraError) in
                job.run.begin(task: 0)
                job.run.begin(task: 1)
                job.run.skip(task: 2)
            }
            #expect(throws: KuraError.self) {
                try kura.operations.withJob(.verify) { _ throws(KuraError) in
                    throw KuraError(.io, "broken", remedy: .vault(.repair(.chunks, vault: "tokyo")))
                }
            }
            _ = try kura.operations.withJob(.prune) { job throws(KuraError) in job.warn("look") }
            #expect(throws: KuraError.self) {
                try kura.operations.withJob(.drill) { _ throws(KuraError) in
                    throw KuraError(.interrupted, "stopped")
                }
            }
            let jobs = try kura.jobs()
            let status = Dictionary(uniqueKeysWithValues: jobs.map { ($0.operation, $0.status) })
            #expect(status[.backup] == .completed)
            #expect(status[.verify] == .failed)
            #expect(status[.prune] == .completedWithWarnings)
            #expect(status[.drill] == .cancelled)
            let remedy = jobs.first { $0.operation == .verify }?.error?.remedy
            #expect(remedy == .vault(.repair(.chunks, vault: "tokyo")))
            let backup = try #require(jobs.first { $0.operation == .backup })
            #expect(backup.tasks.map(\.status) == [.completed, .completed, .skipped])
            #expect(backup.progress == 1)
        }
    }

    @Test("A running job is cancelled from another process, at its next safe point")
    func cancel() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            let other = try estate.reopened()
            #expect(throws: KuraError.self) {
                try estate.operations.withJob(.verify) { work throws(KuraError) in
                    let job = try other.cancelJob(work.id)
                    #expect(job.status == .cancelling)
                    work.cancellation.wait(until: Clock.steady() + 20_000_000_000)
                    #expect(work.cancellation.isCancelled)
                    throw KuraError(.interrupted, "stopped")
                }
            }
            let job = try #require(other.jobs().first)
            #expect(job.status == .cancelled)
            #expect(code { _ = try other.cancelJob(job.id) } == .refused)
        }
    }
}
