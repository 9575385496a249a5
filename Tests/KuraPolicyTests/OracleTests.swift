import KuraPolicy
import TestSupport
import Testing

/// Retention once more, slowly and by other means: day by day, with a calendar that is counted out.
struct Oracle {
    struct Day {
        var year: Int
        var month: Int
        var day: Int
        var weekday: Int
    }

    private static let lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    private static let names = Weekday.allCases

    static func length(_ year: Int, _ month: Int) -> Int {
        let isLeap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0
        return month == 2 && isLeap ? 29 : lengths[month - 1]
    }

    static func next(_ day: Day) -> Day {
        var next = day
        next.weekday = (day.weekday + 1) % 7
        next.day += 1
        if next.day > length(day.year, day.month) { (next.day, next.month) = (1, day.month + 1) }
        if next.month > 12 { (next.month, next.year) = (1, day.year + 1) }
        return next
    }

    /// Which occurrence of its weekday a day is, and whether it is the month's last.
    static func matches(_ rule: Policy.MonthRule, _ day: Day) -> Bool {
        let last = length(day.year, day.month)
        if !rule.dates.isEmpty {
            return rule.dates.contains { date in
                switch date {
                case .day(let number): number == day.day
                case .last: day.day == last
                }
            }
        }
        guard rule.days.contains(names[day.weekday]) else { return false }
        var earlier = 0
        var probe = day.day - 7
        while probe >= 1 {
            earlier += 1
            probe -= 7
        }
        let isLast = day.day + 7 > last
        let ordinal = WeekOfMonth.allCases
        return rule.weeks.contains { week in
            week == .last ? isLast : ordinal.firstIndex(of: week) == earlier
        }
    }

    static func isOwn(_ policy: Policy, _ tier: Tier, _ day: Day) -> Bool {
        guard let rule = policy.retention[tier] else { return false }
        switch tier {
        case .daily: return true
        case .weekly: return rule.days.contains(names[day.weekday])
        case .monthly: return matches(rule.month, day)
        case .yearly:
            return rule.months.contains { $0.number == day.month } && matches(rule.month, day)
        }
    }

    /// Days from `day` until its expiry for one tier.
    static func daysKept(_ policy: Policy, _ tier: Tier, _ day: Day) -> Int {
        guard let rule = policy.retention[tier] else { return 0 }
        switch tier {
        case .daily: return rule.count
        case .weekly: return rule.count * 7
        case .monthly, .yearly:
            let months = tier == .yearly ? rule.count * 12 : rule.count
            var (year, month) = (day.year, day.month)
            for _ in 0..<months {
                month += 1
                if month > 12 { (month, year) = (1, year + 1) }
            }
            let target = min(day.day, length(year, month))
            var (walk, days) = (day, 0)
            while !(walk.year == year && walk.month == month && walk.day == target) {
                walk = next(walk)
                days += 1
            }
            return days
        }
    }
}

struct OracleTests {
    private static func random(_ random: inout SeededGenerator) -> Policy {
        func some<T>(_ values: [T]) -> [T] {
            let chosen = values.filter { _ in Int.random(in: 0..<4, using: &random) == 0 }
            return chosen.isEmpty
                ? [values[Int.random(in: 0..<values.count, using: &random)]] : chosen
        }
        func month() -> Policy.MonthRule {
            if Bool.random(using: &random) {
                return Policy.MonthRule(dates: some((1...28).map { .day($0) } + [.last]))
            }
            return Policy.MonthRule(weeks: some(WeekOfMonth.allCases), days: some(Weekday.allCases))
        }
        var retention: [Tier: Policy.TierRule] = [
            .daily: Policy.TierRule(count: Int.random(in: 1...20, using: &random))
        ]
        if Bool.random(using: &random) {
            retention[.weekly] = Policy.TierRule(
                count: Int.random(in: 1...8, using: &random), days: some(Weekday.allCases))
        }
        if Bool.random(using: &random) {
            retention[.monthly] = Policy.TierRule(
                count: Int.random(in: 1...6, using: &random), month: month())
        }
        if Bool.random(using: &random) {
            retention[.yearly] = Policy.TierRule(
                count: Int.random(in: 1...2, using: &random), month: month(),
                months: some(Month.allCases))
        }
        return Policy(
            name: "random", zone: .utc,
            schedule: Policy.Schedule(frequency: .daily, times: [TimeOfDay(hour: 3, minute: 30)]),
            retention: retention, substitutesMissed: Bool.random(using: &random))
    }

    @Test("Tags, expiry and what is kept are what a slow oracle says")
    func oracle() throws {
        try forAll(cases: 40) { seed, random in
            let policy = Self.random(&random)
            let first = LocalDate(
                year: Int.random(in: 1999...2030, using: &random),
                month: Int.random(in: 1...12, using: &random), day: 1)
            let count = Int.random(in: 1...500, using: &random)
            var day = Oracle.Day(
                year: first.parts.year, month: first.parts.month, day: 1,
                weekday: Weekday.allCases.firstIndex(of: first.weekday) ?? 0)
            var pending = Set<Tier>()
            var missed = Set<LocalDate>()
            var expected: [(number: Int, tags: [Tier], end: Int)] = []
            for number in 0..<count {
                let own = Tier.allCases.filter { Oracle.isOwn(policy, $0, day) }
                pending.formUnion(own)
                if Int.random(in: 0..<4, using: &random) == 0 {
                    missed.insert(first.adding(days: number))
                } else {
                    let tags = Tier.allCases.filter { tier in
                        own.contains(tier)
                            || (policy.substitutesMissed && tier != .daily
                                && pending.contains(tier))
                    }
                    pending.removeAll()
                    let kept = tags.map { Oracle.daysKept(policy, $0, day) }.max() ?? 0
                    expected.append((number, tags, number + kept))
                }
                day = Oracle.next(day)
            }
            let result = RetentionSimulation.run(policy, from: first, days: count, missed: missed)
            #expect(result.points.map(\.tags) == expected.map(\.tags), "KURA_SEED=\(seed)")
            let zone = policy.zone
            #expect(
                result.points.map { $0.expires.map { zone.date(at: $0).dayNumber } }
                    == expected.map { first.dayNumber + $0.end }, "KURA_SEED=\(seed)")
            // Half past three comes after the midnight that ends the last day.
            let kept = expected.enumerated().filter { number, point in
                point.end >= count || number == expected.count - 1
            }.map { first.dayNumber + $0.element.number }
            #expect(
                result.kept.map { zone.date(at: $0.time).dayNumber } == kept, "KURA_SEED=\(seed)")
        }
    }
}
