import KuraPolicy
import Testing

struct RetentionTests {
    @Test(
        "Rule 14: a point carries the tag of every tier whose rule its local date meets",
        arguments: [
            ("2026-01-04", [Tier.daily, .weekly, .yearly]),  // first Sunday of January
            ("2026-01-25", [.daily, .weekly, .monthly]),  // last Sunday of January
            ("2026-01-18", [.daily, .weekly]),
            ("2026-01-05", [.daily]),
            ("2026-05-31", [.daily, .weekly, .monthly]),  // a fifth Sunday is the last one
            ("2026-05-24", [.daily, .weekly]),  // the fourth is not
            ("2021-01-03", [.daily, .weekly, .yearly]),  // the last day of ISO week 53 of 2020
            ("2020-12-27", [.daily, .weekly, .monthly]),
        ])
    func tags(day: String, expected: [Tier]) throws {
        let tiers = try policy(tutorial).tiers(on: date(day))
        #expect(tiers == expected)
    }

    @Test(
        "Dates 1 to 28 and last pick days of a month",
        arguments: [
            ("2024-02-29", true), ("2026-02-28", true), ("2024-02-28", false), ("2026-04-30", true),
            ("2026-05-30", false), ("2026-05-15", true), ("2026-05-01", false),
        ])
    func dates(day: String, isOwn: Bool) throws {
        let text = tutorial.replacing(
            #""weeks": ["last"], "days": ["sunday"]"#, #""dates": [15, "last"]"#)
        let isOwnDate = try policy(text).isOwnDate(date(day), of: .monthly)
        #expect(isOwnDate == isOwn)
    }

    /// Policy zone, time of the point, tags, expiry on the wall clock; by hand and calendar.
    static let expiries: [(String, String, [Tier], String)] = [
        ("Asia/Tokyo", "2026-01-04 23:00", [.daily], "2026-02-03 23:00"),
        ("Asia/Tokyo", "2026-01-04 23:00", [.daily, .weekly], "2028-01-02 23:00"),
        ("Asia/Tokyo", "2026-01-04 23:00", [.daily, .weekly, .yearly], "2125-01-04 23:00"),
        ("Asia/Tokyo", "2026-05-31 23:00", [.monthly], "2036-05-31 23:00"),
        // 29 February, 99 years later: 2123 is no leap year.
        ("UTC", "2024-02-29 23:00", [.yearly], "2123-02-28 23:00"),
        ("UTC", "2024-02-29 23:00", [.monthly], "2034-02-28 23:00"),
        // Thirty days across a change of the clock: the wall clock counts, not the hours.
        ("Europe/Berlin", "2026-03-10 23:00", [.daily], "2026-04-09 23:00"),
        ("America/New_York", "2026-10-20 23:00", [.daily], "2026-11-19 23:00"),
        // Expiry would be in the hour that is skipped: it moves to the next valid instant.
        ("Europe/Berlin", "2026-02-27 02:30", [.daily], "2026-03-29 03:00"),
        ("Australia/Lord_Howe", "2026-09-04 02:15", [.daily], "2026-10-04 02:30"),
    ]

    @Test("A point expires at the latest of its tags, on the local wall clock", arguments: expiries)
    func expiry(zone: String, time: String, tags: [Tier], expected: String) throws {
        let policy = try policy(tutorial.replacing("Asia/Tokyo", zone))
        let expiry = try #require(policy.expiry(of: instant(time, policy.zone), tags: tags))
        #expect(wall(expiry, policy.zone) == expected)
    }

    @Test("A point goes at its expiry, not before, and the newest never")
    func boundary() throws {
        let policy = try policy(tutorial)
        let time = try instant("2026-01-05 23:00", policy.zone)
        let points = [
            RetentionPoint(id: 1, item: "a", sequence: 1, time: time, tags: [.daily]),
            RetentionPoint(id: 2, item: "a", sequence: 2, time: time, tags: [.daily]),
            RetentionPoint(id: 3, item: "b", sequence: 9, time: time, tags: [.daily]),
        ]
        let end = try instant("2026-02-04 23:00", policy.zone)
        let before = Retention.decide(points, now: end - 1, rule: { _ in .policy(policy) })
        #expect(before.map(\.isKept) == [true, true, true])
        let after = Retention.decide(points, now: end, rule: { _ in .policy(policy) })
        #expect(after.map(\.isKept) == [false, true, true])
        #expect(after[2].reasons == ["newest of its item"])
        #expect(after[0].expires == end)
    }

    @Test("A policy that changes works backwards, while tags stay as they were given")
    func backwards() throws {
        var policy = try policy(tutorial)
        let sunday = try instant("2026-01-11 23:00", policy.zone)
        let old = RetentionPoint(
            id: 1, item: "a", sequence: 1, time: sunday, tags: [.daily, .weekly])
        let new = RetentionPoint(id: 2, item: "a", sequence: 2, time: sunday + 1, tags: [.daily])
        let now = try instant("2026-06-01 00:00", policy.zone)
        #expect(Retention.decide([old, new], now: now, rule: { _ in .policy(policy) })[0].isKept)
        policy.retention[.weekly]?.count = 4
        #expect(!Retention.decide([old, new], now: now, rule: { _ in .policy(policy) })[0].isKept)
        // A yearly tier that comes later makes no yearly point of it.
        policy.retention[.weekly] = nil
        #expect(policy.expiry(of: sunday, tags: [.weekly]) == nil)
    }

    @Test("A point that a user asked to keep stays until then")
    func retainUntil() throws {
        let policy = try policy(tutorial)
        let time = try instant("2026-01-05 23:00", policy.zone)
        let until = try instant("2027-01-01 00:00", policy.zone)
        let kept = RetentionPoint(
            id: 1, item: "a", sequence: 1, time: time, tags: [], retainUntil: until)
        let newer = RetentionPoint(id: 2, item: "a", sequence: 2, time: time, tags: [.daily])
        #expect(
            Retention.decide([kept, newer], now: until - 1, rule: { _ in .policy(policy) })[0]
                .isKept)
        #expect(
            !Retention.decide([kept, newer], now: until, rule: { _ in .policy(policy) })[0].isKept)
    }

    @Test("An expiry that 64 bits cannot count is their last instant, and no crash")
    func farAway() throws {
        let policy = try policy(tutorial)
        #expect(policy.expiry(of: .max - 5, tags: [.yearly]) == .max)
        #expect(policy.expiry(of: .min, tags: [.yearly]) != nil)
    }

    @Test("With protection stopped and data retained, no point is dropped")
    func retained() {
        let points = (1...3).map {
            RetentionPoint(id: $0, item: "a", sequence: UInt64($0), time: 0, tags: [.daily])
        }
        let decisions = Retention.decide(points, now: .max / 2, rule: { _ in .keepAll("stopped") })
        let allAreKept = decisions.allSatisfy(\.isKept)
        #expect(allAreKept)
    }

    // MARK: Missed days

    @Test("The tag of a missed Sunday goes to the first later point, once")
    func substitute() throws {
        let result = RetentionSimulation.run(
            try policy(tutorial), from: try date("2026-01-05"), days: 12,
            missed: [try date("2026-01-11"), try date("2026-01-12")])
        let zone = try #require(PolicyZone("Asia/Tokyo"))
        let tags = result.points.map { (wall($0.time, zone), $0.tags) }
        let weekly = tags.filter { $0.1.contains(.weekly) }.map(\.0)
        #expect(weekly == ["2026-01-13 23:00"])
    }

    @Test("Without substitution a missed Sunday has no weekly point")
    func noSubstitute() throws {
        let text = tutorial.replacing(
            #""name": "gold","#, #""name": "gold", "substitute_missed": false,"#)
        let result = RetentionSimulation.run(
            try policy(text), from: try date("2026-01-05"), days: 12,
            missed: [try date("2026-01-11")])
        #expect(!result.points.contains { $0.tags.contains(.weekly) })
    }

    @Test("A missed week is lost when the next one's own day comes first")
    func nextOwnDate() throws {
        let missed = Set(try (11...17).map { try date("2026-01-\($0)") })
        let result = RetentionSimulation.run(
            try policy(tutorial), from: try date("2026-01-05"), days: 16, missed: missed)
        let weekly = result.points.filter { $0.tags.contains(.weekly) }
        let zone = try #require(PolicyZone("Asia/Tokyo"))
        #expect(weekly.map { wall($0.time, zone) } == ["2026-01-18 23:00"])
    }

    @Test("Dates before the rule was in force were not missed")
    func notMissed() throws {
        let result = RetentionSimulation.run(
            try policy(tutorial), from: try date("2026-01-06"), days: 3)
        #expect(result.points.allSatisfy { $0.tags == [.daily] })
    }

    // MARK: Schedules

    @Test(
        "A daily run that daylight saving skips comes at the next valid instant, a doubled one once"
    )
    func daylightSaving() throws {
        let text = tutorial.replacing("Asia/Tokyo", "Europe/Berlin").replacing("23:00", "02:30")
        let policy = try policy(text)
        let spring = RetentionSimulation.run(policy, from: try date("2026-03-28"), days: 3).points
        #expect(
            spring.map { wall($0.time, policy.zone) } == [
                "2026-03-28 02:30", "2026-03-29 03:00", "2026-03-30 02:30",
            ])
        let autumn = RetentionSimulation.run(policy, from: try date("2026-10-24"), days: 3).points
        #expect(autumn.count == 3)
        #expect(autumn[1].time == 1_792_888_200_000_000_000)
    }

    @Test("The last run and the next one lie next to each other")
    func neighbours() throws {
        let policy = try policy(tutorial)
        let run = try instant("2026-01-05 23:00", policy.zone)
        #expect(policy.lastRun(atOrBefore: run) == run)
        #expect(policy.nextRun(after: run - 1) == run)
        #expect(policy.nextRun(after: run) == run + 86_400_000_000_000)
        #expect(policy.lastRun(atOrBefore: run - 1) == run - 86_400_000_000_000)
    }
}

extension String {
    func replacing(_ old: String, _ new: String) -> String {
        var result = ""
        var rest = Substring(self)
        while let range = rest.firstRange(of: old) {
            result += rest[..<range.lowerBound] + new
            rest = rest[range.upperBound...]
        }
        return result + rest
    }
}

@Suite("Retention in a wrong world") struct RetentionOfWrongTimesTests {
    private static let day: Int64 = 86_400_000_000_000

    private func decide(
        _ times: [Int64], now: Int64, dropping: Set<Int> = [], lacking: Set<Int> = []
    ) -> [Bool] {
        let points = times.enumerated().map { number, time in
            RetentionPoint(
                id: number + 1, item: "a", sequence: UInt64(number + 1), time: time, tags: [.daily])
        }
        return Retention.decide(
            points, now: now, dropping: dropping, lacking: lacking,
            rule: { _ in .policy(.standard) }
        ).map(\.isKept)
    }

    @Test("A point that was made while the clock was a year behind is as young as its sequence")
    func clockBehind() {
        let now = 1000 * Self.day
        let times = [now - 3 * Self.day, now - 368 * Self.day, now - Self.day]
        #expect(decide(times, now: now) == [true, true, true])
        #expect(decide(times, now: now + 28 * Self.day) == [false, false, true])
    }

    @Test("A point of the future makes no later point younger than it is")
    func clockAhead() {
        let now = 1000 * Self.day
        let times = [now + 900 * Self.day, now - 40 * Self.day, now - Self.day]
        #expect(decide(times, now: now) == [true, false, true])
    }

    @Test("The newest point that lacks nothing stays, also before a newer one that does")
    func lackingNewest() {
        let now = 1000 * Self.day
        let times = [now - 60 * Self.day, now - 50 * Self.day, now - Self.day]
        #expect(decide(times, now: now, lacking: [3]) == [false, true, true])
        #expect(decide(times, now: now, dropping: [3], lacking: [3]) == [false, true, false])
        #expect(decide(times, now: now, lacking: [1, 2, 3]) == [false, false, true])
    }
}
