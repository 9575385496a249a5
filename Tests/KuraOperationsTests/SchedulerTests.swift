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

@Suite("Scheduler")
struct SchedulerTests {
    /// Daily at 23:00 in Tokyo, with every tier.
    static func gold(daily: Int = 7, weekly: Int = 4, monthly: Int = 3) throws -> Policy {
        Policy(
            name: "gold", zone: try #require(PolicyZone("Asia/Tokyo")),
            schedule: .init(frequency: .daily, times: [TimeOfDay(hour: 23, minute: 0)]),
            retention: [
                .daily: .init(count: daily),
                .weekly: .init(count: weekly, days: [.sunday]),
                .monthly: .init(count: monthly, month: .init(weeks: [.last], days: [.sunday])),
                .yearly: .init(
                    count: 2, month: .init(weeks: [.first], days: [.sunday]), months: [.january]),
            ])
    }

    @Test("A run that is due is made once, and what was missed is caught up once")
    func once() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            try estate.protected(policy: Self.gold(), time: utc("2026-01-01"))
            let kura = estate.subscription
            #expect(try kura.at(utc("2026-01-01", "13:59")).operations.tick().backups.isEmpty)
            #expect(try kura.at(utc("2026-01-01", "14:00")).operations.tick().backups.count == 1)
            #expect(try kura.at(utc("2026-01-01", "14:00")).operations.tick().backups.isEmpty)
            // Another process goes on where this one ended.
            let other = try estate.reopened()
            #expect(try other.at(utc("2026-01-02", "13:59")).operations.tick().backups.isEmpty)
            #expect(try other.at(utc("2026-01-05", "08:00")).operations.tick().backups.count == 1)
            #expect(try other.at(utc("2026-01-05", "08:01")).operations.tick().backups.isEmpty)
        }
    }

    @Test(
        "Time that is given counts, whatever the clock says",
        arguments: ["2001-03-01", "2190-03-01"])
    func otherTimes(day: String) throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            let policy = try Self.gold()
            // Protected now, as the clock has it; the scheduler runs at quite another time.
            try estate.protected(policy: policy)
            let first = try #require(LocalDate(day))
            let missed = Set([4, 5, 20].map { first.adding(days: $0) })
            for number in 0..<40 where !missed.contains(first.adding(days: number)) {
                let date = first.adding(days: number)
                let run = policy.zone.instant(of: date, TimeOfDay(hour: 23, minute: 0))
                var tick = Tick()
                tick.isForced = number == 0
                let report = try estate.subscription.at(run).operations.tick(tick)
                #expect(report.backups.count == 1)
                #expect(try estate.subscription.at(run + 1).operations.tick().backups.isEmpty)
            }
            let end = policy.zone.instant(of: first.adding(days: 40), second: 0)
            _ = try estate.subscription.at(end).operations.prune(
                estate.subscription.place(named: "tokyo"))
            let foretold = RetentionSimulation.run(
                policy, from: first, days: 40, missed: missed
            ).kept
            let points = try estate.vault().recoveryPoints().map(\.point)
                .sorted { $0.time < $1.time }
            #expect(points.map(\.time) == foretold.map(\.time))
            #expect(points.map(\.tags) == foretold.map { $0.tags.map(\.rawValue) })
        }
    }

    @Test("A machine that is registered again has missed no backup")
    func again() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            let kura = estate.subscription
            try estate.protected(policy: Self.gold(), time: utc("2026-01-01"))
            _ = try kura.at(utc("2026-01-01", "14:00")).operations.tick()
            try estate.succeed([kura.operations.stopProtection("web-1", .deleteDataAtOnce)])
            _ = try kura.operations.prune(kura.place(named: "tokyo"))
            try estate.succeed(kura.at(utc("2026-01-02")).operations.register(["web-1"]))
            try estate.succeed(
                kura.at(utc("2026-01-02")).operations.protect(["web-1"], policy: "gold"))
            // No scheduler ran for two months, so that no Sunday of them was missed.
            let report = try kura.at(utc("2026-03-02", "14:00")).operations.tick()
            #expect(report.backups.first?.report?.point.tags == ["daily"])
        }
    }

    @Test("Of several schedulers one makes a run")
    func together() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            try estate.protected(policy: Self.gold(), time: utc("2026-01-01"))
            let others = try (0..<4).map { _ in try estate.reopened() }
            let now = try utc("2026-01-01", "14:00")
            Threads.run(4) { number in
                do throws(KuraError) {
                    _ = try others[number].at(now).operations.tick()
                } catch {
                    Issue.record(error)
                }
            }
            #expect(try estate.vault().recoveryPointIDs().count == 1)
        }
    }

    @Test("A machine that is busy is skipped, the reason is told, and it is tried again")
    func busy() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            try estate.protected(policy: Self.gold(), time: utc("2026-01-01"))
            let file = #"""
                {"power": "running", "agent": {"version": "1"}, "quiesce":
                 {"freeze": ["sh", "-c", "touch on; until [ -e go ]; do sleep 0.01; done"],
                  "thaw": ["true"]}, "disks": [{"name": "os", "path": "os.img", "lun": -1}]}
                """#
            try estate.machine("web", "web-1", file: file)
            _ = try estate.operations.discover()
            // Its hooks run as they were registered.
            try estate.succeed(estate.operations.register(["web-1"]))
            let folder = estate.folder("web", "web-1")
            let others = try (0..<2).map { _ in try estate.reopened() }
            let now = try utc("2026-01-01", "14:00")
            try writeFile([], to: folder.appending("on"))
            let watch = try #require(FileWatch(folder.appending("on"), for: .close))
            Threads.run(2) { number in
                do {
                    // One backs up on demand, frozen until the other has looked.
                    if number == 0 {
                        #expect(others[0].operations.backUp("web-1").error == nil)
                        return
                    }
                    _ = watch.wait(until: Clock.steady() + 20_000_000_000, Cancellation())
                    try skips(others[1], now, folder)
                } catch {
                    Issue.record(error)
                }
            }
            let later = try estate.subscription.at(utc("2026-01-01", "14:02")).operations.tick()
            #expect(later.backups.first?.report != nil)
        }
    }

    private func skips(_ kura: Subscription, _ now: Int64, _ folder: FilePath) throws {
        defer { close(open(folder.appending("go").string, O_CREAT | O_WRONLY, 0o600)) }
        let report = try kura.at(now).operations.tick()
        #expect(report.skipped.map(\.item) == ["web-1"])
        #expect(report.skipped.first?.error?.message.contains("in use") == true)
    }

    @Test("A run that was due before a machine was protected is not made later")
    func before() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            try estate.protected(policy: Self.gold(), time: utc("2026-01-01", "15:00"))
            let kura = estate.subscription
            #expect(try kura.at(utc("2026-01-02", "13:00")).operations.tick().backups.isEmpty)
        }
    }

    @Test("A Sunday that was missed gives its weekly tag to Monday's point")
    func missedSunday() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            try estate.protected(policy: Self.gold(), time: utc("2026-01-05"))
            let kura = estate.subscription
            _ = try kura.at(utc("2026-01-10", "14:00")).operations.tick()
            let monday = try kura.at(utc("2026-01-12", "14:00")).operations.tick()
            #expect(monday.backups.first?.report?.point.tags == ["daily", "weekly"])
        }
    }

    @Test("A machine that fails does not stop the others")
    func failure() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            try estate.protected("web-1", policy: Self.gold(), time: utc("2026-01-01"))
            try estate.machine("web", "web-2")
            let kura = estate.subscription
            _ = try kura.operations.discover()
            try estate.succeed(kura.operations.register(["web-2"]))
            let early = try kura.at(utc("2026-01-01")).operations
            try estate.succeed(early.protect(["web-2"], policy: "gold"))
            removeTree(estate.folder("web", "web-1"))
            let report = try kura.at(utc("2026-01-01", "14:00")).operations.tick()
            #expect(report.backups.map { $0.error == nil } == [false, true])
            #expect(try report.backups.first?.again == utc("2026-01-01", "14:02"))
            #expect(try kura.at(utc("2026-01-01", "14:01")).operations.tick().backups.isEmpty)
            #expect(try kura.at(utc("2026-01-02", "14:00")).operations.tick().backups.count == 2)
        }
    }

    @Test("A year of daily backups ends with exactly the points that the simulation predicted")
    func year() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            let policy = try Self.gold()
            let first = LocalDate(year: 2026, month: 1, day: 1)
            let zone = policy.zone
            try estate.protected(policy: policy, time: zone.instant(of: first, second: 0))
            let kura = estate.subscription
            let missed = Set([40, 41, 100, 101, 102, 300].map { first.adding(days: $0) })
            let days = 365
            for day in 0..<days where !missed.contains(first.adding(days: day)) {
                let run = zone.instant(of: first.adding(days: day), TimeOfDay(hour: 23, minute: 0))
                let report = try kura.at(run).operations.tick()
                guard report.backups.first?.report != nil else {
                    Issue.record("no backup on day \(day): \(report)")
                    return
                }
            }
            let end = zone.instant(of: first.adding(days: days), second: 0)
            _ = try kura.at(end).operations.prune(kura.place(named: "tokyo"))
            let foretold = RetentionSimulation.run(
                policy, from: first, days: days, missed: missed
            ).kept
            let points = try estate.vault().recoveryPoints().map(\.point).sorted {
                $0.time < $1.time
            }
            #expect(points.map(\.time) == foretold.map(\.time))
            #expect(points.map(\.tags) == foretold.map { $0.tags.map(\.rawValue) })
            #expect(try estate.vault().verify(VerifyRequest(level: .chunks)).damaged.isEmpty)
        }
    }

    @Test("A preview of a policy's update shows what the next prune drops")
    func preview() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            try estate.protected(policy: Self.gold(), time: utc("2026-01-05"))
            let kura = estate.subscription
            for day in 5...9 { _ = try kura.at(utc("2026-01-0\(day)", "14:00")).operations.tick() }
            let short = try Self.gold(daily: 2)
            let now = try utc("2026-01-09", "15:00")
            let preview = try kura.at(now).previewUpdate(of: "gold", to: short, in: estate.vault())
            #expect(preview.dropped.count == 3)
            let operations = kura.at(now).operations
            let place = try kura.place(named: "tokyo")
            let updated = try operations.updatePolicy(named: "gold", to: short, in: place)
            #expect(updated.going.map(\.points) == [3])
            #expect(updated.asksFirst)
            // Nothing had to go yet, so the scheduler has not pruned: it would at once.
            #expect(updated.nextPrune == nil)
            // A policy that was shortened is a brake: a look at what goes comes first.
            #expect(throws: KuraError.self) { try operations.prune(place) }
            #expect(try estate.vault().recoveryPointIDs().count == 5)
            let plan = try operations.prunePlan(Pruning(vault: "tokyo"))
            let brake = try #require(plan[0].brake)
            let report = try operations.prune(place, confirmed: brake.token)
            #expect(
                Set(report.decisions.filter { !$0.isKept }.map(\.id))
                    == Set(preview.dropped.map(\.id)))
            #expect(try estate.vault().recoveryPointIDs().count == 2)
        }
    }
}
