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

@Suite("Runs of the scheduler that are made again") struct ScheduleRetryTests {
    /// A machine that is protected from the first of January on, daily at 23:00 UTC.
    private func estate(_ directory: FilePath) throws -> Estate {
        let estate = try Estate(directory)
        try estate.protected(time: utc("2026-01-01"))
        return estate
    }

    private func tick(_ estate: Estate, _ day: String, _ time: String) throws -> TickReport {
        try estate.reopened().at(utc(day, time)).operations.tick()
    }

    /// Makes points on demand, oldest first; the policy keeps each for 30 days.
    private func addPoints(_ estate: Estate, _ days: String...) throws {
        for day in days {
            let kura = try estate.subscription.at(utc(day, "12:00"))
            try estate.succeed([kura.operations.backUp("web-1")])
        }
    }

    private func image(_ estate: Estate) -> FilePath {
        estate.folder("web", "web-1").appending("os.img")
    }

    @Test("A run whose scheduler died is made once, after a pause")
    func died() throws {
        try withTemporaryDirectory { directory in
            let estate = try estate(directory)
            #expect(try tick(estate, "2026-01-01", "22:00").backups.isEmpty)
            // What a scheduler has entered that is killed in the middle of a backup.
            let (run, vault) = (try utc("2026-01-01", "23:00"), try estate.vault().id)
            _ = try estate.subscription.catalog().begin(run, of: "web-1", in: vault, at: run)
            #expect(try tick(estate, "2026-01-01", "23:01").backups.isEmpty)
            #expect(try tick(estate, "2026-01-01", "23:02").backups.first?.report != nil)
            #expect(try tick(estate, "2026-01-01", "23:59").backups.isEmpty)
            #expect(try estate.vault().recoveryPointIDs().count == 1)
        }
    }

    @Test("A run that a living scheduler makes is left to it, however long that takes")
    func alive() throws {
        try withTemporaryDirectory { directory in
            let estate = try estate(directory)
            let vault = try estate.vault().id
            let lock = try estate.subscription.lock(
                .work("web-1", of: vault), for: "scheduler", WaitPolicy())
            #expect(try tick(estate, "2026-01-01", "23:00").backups.isEmpty)
            #expect(try tick(estate, "2026-01-02", "22:00").backups.isEmpty)
            lock.release(removing: false)
            #expect(try tick(estate, "2026-01-02", "22:00").backups.count == 1)
        }
    }

    @Test("The pauses before a failed run is tried again double up to an hour")
    func pauses() throws {
        try withTemporaryDirectory { directory in
            let estate = try estate(directory)
            try LocalFileSystem().remove(image(estate))
            var now = try utc("2026-01-01", "23:00")
            let minute: Int64 = 60_000_000_000
            for pause: Int64 in [2, 4, 8, 16, 32, 60, 60, 60] {
                let report = try estate.subscription.at(now).operations.tick()
                #expect(report.backups.first?.error != nil)
                #expect(report.backups.first?.again == now + pause * minute)
                now += pause * minute
                #expect(try estate.subscription.at(now - 1).operations.tick().backups.isEmpty)
            }
            // The next run takes its place, and begins anew.
            let next = try tick(estate, "2026-01-02", "23:00")
            #expect(next.backups.count == 1)
            #expect(try next.backups.first?.again == utc("2026-01-02", "23:02"))
            try estate.machine("web", "web-1")
            #expect(try tick(estate, "2026-01-02", "23:02").backups.first?.report != nil)
            #expect(try tick(estate, "2026-01-02", "23:30").backups.isEmpty)
        }
    }

    @Test("A backup on demand since a run was due counts for it")
    func onDemand() throws {
        try withTemporaryDirectory { directory in
            let estate = try estate(directory)
            try LocalFileSystem().remove(image(estate))
            #expect(try tick(estate, "2026-01-01", "23:00").backups.first?.error != nil)
            try estate.machine("web", "web-1")
            let later = try estate.subscription.at(utc("2026-01-01", "23:01"))
            #expect(later.operations.backUp("web-1").error == nil)
            #expect(try tick(estate, "2026-01-01", "23:05").backups.isEmpty)
            #expect(try tick(estate, "2026-01-02", "23:00").backups.count == 1)
            // One before the run does not.
            let early = try estate.subscription.at(utc("2026-01-03", "22:59"))
            #expect(early.operations.backUp("web-1").error == nil)
            #expect(try tick(estate, "2026-01-03", "23:00").backups.count == 1)
        }
    }

    @Test("A run that the scheduler's own end cut short is made when it starts again")
    func stopped() throws {
        try withTemporaryDirectory { directory in
            let estate = try estate(directory)
            let cancellation = Cancellation()
            var context = Context.test(at: try utc("2026-01-01", "23:00"))
            context.cancellation = cancellation
            var request = Tick()
            request.observe = { event in
                if case .backupBegins = event { cancellation.cancel() }
            }
            let report = try Operations(estate.reopened(), context).tick(request)
            #expect(report.backups.first?.error?.code == .interrupted)
            #expect(try estate.vault().recoveryPointIDs().isEmpty)
            #expect(try tick(estate, "2026-01-01", "23:00").backups.first?.report != nil)
        }
    }

    @Test("Attempts of a time that is still to come do not delay a run")
    func future() throws {
        try withTemporaryDirectory { directory in
            let estate = try estate(directory)
            let (run, vault) = (try utc("2026-01-01", "23:00"), try estate.vault().id)
            #expect(try tick(estate, "2026-01-01", "22:00").backups.isEmpty)
            let catalog = try estate.subscription.catalog()
            _ = try catalog.begin(run, of: "web-1", in: vault, at: utc("2027-01-01"))
            #expect(try tick(estate, "2026-01-01", "23:00").backups.count == 1)
        }
    }

    @Test("A prune that failed is tried again after a pause, and then once a day")
    func prune() throws {
        try withTemporaryDirectory { directory in
            let estate = try estate(directory)
            try addPoints(estate, "2025-10-01", "2025-12-03")
            let vault = try estate.vault()
            let folder = vault.replicas[0].vaultPath(vault.id).appending("locks")
            let file = LeaseScope.vault.fileName
            let lock = try LocalFileSystem().lock(folder.appending(file))
            let held = try #require(lock)
            let busy = try estate.reopened(waits: WaitPolicy(limit: 0))
            let failed = try busy.at(utc("2026-01-01", "23:00")).operations.tick()
            #expect(failed.failures.map(\.what) == ["prune of vault tokyo"])
            #expect(failed.failures.first?.error.code == .locked)
            #expect(try failed.failures.first?.again == utc("2026-01-01", "23:02"))
            LocalFileSystem().close(held)
            #expect(try tick(estate, "2026-01-01", "23:01").pruned.isEmpty)
            let pruned = try tick(estate, "2026-01-01", "23:02").pruned
            #expect(pruned.first?.decisions.count { !$0.isKept } == 1)
            // Another point's time is over since noon.
            #expect(try tick(estate, "2026-01-02", "21:00").pruned.isEmpty)
            #expect(try tick(estate, "2026-01-02", "22:00").pruned.count == 1)
        }
    }

    @Test("A replication that failed is tried again after a pause, without another backup")
    func replication() throws {
        try withTemporaryDirectory { directory in
            let house = try Household(directory, machine: true)
            let policy = Policy.standard
            let run = policy.nextRun(after: Clock.now())
            let tick = { (minutes: Int64) throws in
                try house.subscription().at(run + minutes * 60_000_000_000).operations.tick()
            }
            let west = house.home.appending("regions").appending(Household.west)
            let away = directory.appending("away")
            let fileSystem = LocalFileSystem()
            try fileSystem.rename(west, to: away, replacing: false)
            let first = try tick(0)
            #expect(first.backups.first?.report != nil)
            #expect(first.failures.map(\.what) == ["replication of vault gold"])
            #expect(first.failures.first?.again == run + 120_000_000_000)
            try fileSystem.rename(away, to: west, replacing: false)
            #expect(try tick(1).replicated.isEmpty)
            #expect(try tick(2).replicated == ["gold"])
            #expect(try tick(60).replicated.isEmpty)
            #expect(try house.subscription().lag(of: house.place()).waiting?.isEmpty == true)
        }
    }

    // MARK: - The clock

    @Test("A time far ahead of the clock and of every point must be forced")
    func farAhead() throws {
        try withTemporaryDirectory { directory in
            let estate = try estate(directory)
            let day: Int64 = 86_400_000_000_000
            let now = Clock.now()
            let far = { (days: Int64, isForced: Bool) throws(KuraError) in
                var request = Tick()
                request.isForced = isForced
                return try estate.subscription.at(now + days * day).operations.tick(request)
            }
            #expect(code { _ = try far(40, false) } == .invalidInput)
            #expect(try far(30, false).backups.count == 1)
            // Now there is a point near it.
            #expect(try far(40, false).backups.count == 1)
            #expect(code { _ = try far(90, false) } == .invalidInput)
            #expect(try far(90, true).backups.count == 1)
            #expect(try far(-9000, false).backups.isEmpty)
        }
    }

    @Test("Under a clock that jumped backups are made, and nothing is pruned until it is confirmed")
    func jumped() throws {
        try withTemporaryDirectory { directory in
            let estate = try estate(directory)
            let kura = estate.subscription
            try addPoints(estate, "2025-10-01")
            try estate.succeed([kura.operations.backUp("web-1")])
            var past = ClockReading(ofMachineAt: Clock.now())
            past.wall -= 1000 * 86_400_000_000_000
            try kura.catalog().remember(past)
            for _ in 0..<2 {
                let report = try estate.reopened().operations.tick()
                #expect(report.pruned.isEmpty)
                #expect(report.warnings.first?.message.contains("nothing is pruned") == true)
            }
            try kura.trustClock()
            let report = try estate.reopened().operations.tick()
            #expect(report.pruned.count == 1 && report.warnings.isEmpty)
        }
    }

    // MARK: - What is told

    @Test("A plan tells what is due and would be dropped, and leaves both to do")
    func plan() throws {
        try withTemporaryDirectory { directory in
            let estate = try estate(directory)
            try addPoints(estate, "2025-10-01", "2025-10-02")
            let vault = try estate.vault()
            let before = try estate.subscription.catalog().schedule(of: "web-1", in: vault.id)
            for _ in 0..<2 {
                let plan = try estate.reopened().at(utc("2026-01-01", "23:30")).operations
                    .tickPlan()
                #expect(plan.due.map(\.item) == ["web-1"])
                #expect(try plan.due.map(\.time) == [utc("2026-01-01", "23:00")])
                #expect(plan.pruned.first?.decisions.contains { !$0.isKept } == true)
                #expect(plan.failures.isEmpty)
            }
            let after = try estate.subscription.catalog().schedule(of: "web-1", in: vault.id)
            #expect(before == after)
            #expect(try vault.recoveryPointIDs().count == 2)
            let report = try tick(estate, "2026-01-01", "23:30")
            #expect(report.backups.count == 1 && report.pruned.count == 1)
        }
    }

    @Test("Each job of a step is told of when it begins and when it ends")
    func events() throws {
        try withTemporaryDirectory { directory in
            let estate = try estate(directory)
            let told = Guarded<[String]>([])
            var request = Tick()
            request.observe = { event in
                let text: String? =
                    switch event {
                    case .backupBegins(let item): "begins \(item)"
                    case .backupEnds(let outcome): "ends \(outcome.item ?? "")"
                    case .pruneBegins(let vault): "begins \(vault)"
                    case .pruneEnds(let report): "ends \(report.vault)"
                    default: nil
                    }
                told.update { $0 += [text ?? "something else"] }
            }
            try addPoints(estate, "2025-10-01")
            _ = try estate.subscription.at(utc("2026-01-01", "23:00")).operations.tick(request)
            #expect(told.read() == ["begins web-1", "ends web-1", "begins tokyo", "ends tokyo"])
        }
    }

    @Test("A machine's row has the next run, and says when the last one has no point")
    func overdue() throws {
        try withTemporaryDirectory { directory in
            let estate = try estate(directory)
            let row = { (day: String, time: String) throws in
                let kura = try estate.reopened().at(utc(day, time))
                let rows = try kura.machineRows(.all)
                return try #require(rows.first)
            }
            let before = try row("2026-01-01", "22:00")
            #expect(try before.nextRun == utc("2026-01-01", "23:00"))
            #expect(!before.isOverdue)
            // A scheduler has some minutes.
            #expect(try !row("2026-01-01", "23:04").isOverdue)
            let late = try row("2026-01-01", "23:06")
            #expect(late.isOverdue)
            #expect(try late.nextRun == utc("2026-01-02", "23:00"))
            let vault = try estate.vault().id
            let lock = try estate.subscription.lock(
                .work("web-1", of: vault), for: "scheduler", WaitPolicy())
            #expect(try !row("2026-01-01", "23:06").isOverdue)
            lock.release(removing: false)
            #expect(try tick(estate, "2026-01-01", "23:10").backups.count == 1)
            #expect(try !row("2026-01-01", "23:59").isOverdue)
            #expect(try row("2026-01-03", "00:00").isOverdue)
        }
    }
}
