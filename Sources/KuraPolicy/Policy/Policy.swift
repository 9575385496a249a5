/// How long a point is kept, and on which days it counts for it.
public enum Tier: String, Sendable, CaseIterable, Hashable, Comparable {
    case daily, weekly, monthly, yearly

    public static func < (left: Tier, right: Tier) -> Bool { left.rank < right.rank }

    private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }

    /// "30 days" needs "days".
    var unit: String {
        switch self {
        case .daily: "days"
        case .weekly: "weeks"
        case .monthly: "months"
        case .yearly: "years"
        }
    }
}

/// Which of a weekday's occurrences in a month.
public enum WeekOfMonth: String, Sendable, CaseIterable, Hashable {
    case first, second, third, fourth, last
}

/// When backups are made, and how long their points are kept.
public struct Policy: Sendable, Equatable {
    public enum Frequency: String, Sendable, CaseIterable { case daily, weekly }

    public struct Schedule: Sendable, Equatable {
        public var frequency: Frequency
        /// At least one, on the wall clock of the policy's time zone.
        public var times: [TimeOfDay]
        /// Of a weekly schedule, at least one; of a daily one, none.
        public var days: [Weekday]

        public init(frequency: Frequency, times: [TimeOfDay], days: [Weekday] = []) {
            self.frequency = frequency
            self.times = times
            self.days = days
        }
    }

    /// A day of a month by its date.
    public enum MonthDate: Sendable, Hashable {
        case day(Int)
        case last
    }

    /// Days of a month: by week and weekday, or by date. One of both is empty.
    public struct MonthRule: Sendable, Equatable {
        public var weeks: [WeekOfMonth]
        public var days: [Weekday]
        public var dates: [MonthDate]

        public init(weeks: [WeekOfMonth] = [], days: [Weekday] = [], dates: [MonthDate] = []) {
            self.weeks = weeks
            self.days = days
            self.dates = dates
        }

        func matches(_ date: LocalDate) -> Bool {
            let (year, month, day) = date.parts
            let length = LocalDate.dayCount(year: year, month: month)
            if !dates.isEmpty {
                return dates.contains(.day(day)) || (day == length && dates.contains(.last))
            }
            guard days.contains(date.weekday) else { return false }
            if day + 7 > length, weeks.contains(.last) { return true }
            let ordinal: [WeekOfMonth] = [.first, .second, .third, .fourth]
            let week = (day - 1) / 7
            return week < ordinal.count && weeks.contains(ordinal[week])
        }
    }

    /// One tier's rule.
    public struct TierRule: Sendable, Equatable {
        /// Days, weeks, months or years.
        public var count: Int
        /// Of the weekly tier.
        public var days: [Weekday]
        /// Of the monthly and the yearly tier.
        public var month: MonthRule
        /// Of the yearly tier.
        public var months: [Month]

        public init(
            count: Int, days: [Weekday] = [], month: MonthRule = MonthRule(), months: [Month] = []
        ) {
            self.count = count
            self.days = days
            self.month = month
            self.months = months
        }

        /// Whether both match the same dates, however long they keep them.
        public func matchesLike(_ other: TierRule) -> Bool {
            var other = other
            other.count = count
            return self == other
        }
    }

    public var name: String
    public var zone: PolicyZone
    public var schedule: Schedule
    /// At least one tier.
    public var retention: [Tier: TierRule]
    /// Whether the tag of a date without a backup goes to the first later point.
    public var substitutesMissed: Bool

    public init(
        name: String, zone: PolicyZone, schedule: Schedule, retention: [Tier: TierRule],
        substitutesMissed: Bool = true
    ) {
        self.name = name
        self.zone = zone
        self.schedule = schedule
        self.retention = retention
        self.substitutesMissed = substitutesMissed
    }

    /// What every vault has from the start: daily, kept for 30 days.
    public static let standardName = "DefaultPolicy"
    public static let standard = Policy(
        name: standardName, zone: .utc,
        schedule: Schedule(frequency: .daily, times: [TimeOfDay(hour: 23, minute: 0)]),
        retention: [.daily: TierRule(count: 30)])

    /// Whether this keeps some point for less time than `other`: a tier is gone or shorter.
    public func keepsLess(than other: Policy) -> Bool {
        other.retention.contains { tier, rule in
            guard let mine = retention[tier] else { return true }
            return mine.count < rule.count
        }
    }

    /// "daily at 23:00 (Asia/Tokyo); kept 30 days, 104 weeks".
    public var summary: String {
        let times = schedule.times.map(\.description).joined(separator: ", ")
        let days =
            schedule.days.isEmpty
            ? "daily" : "every " + schedule.days.map(\.rawValue).joined(separator: ", ")
        let kept = Tier.allCases.compactMap { tier in
            retention[tier].map { "\($0.count) \(tier.unit)" }
        }
        return "\(days) at \(times) (\(zone.identifier)); kept \(kept.joined(separator: ", "))"
    }
}

/// What is wrong with a policy: which field, which rule, what is allowed.
public struct PolicyError: Error, Sendable, Equatable, CustomStringConvertible {
    /// As a path: "retention.weekly.count".
    public var field: String
    public var rule: String
    /// What may stand there; empty where the rule says it.
    public var allowed: String

    public init(_ field: String, _ rule: String, allowed: String = "") {
        self.field = field
        self.rule = rule
        self.allowed = allowed
    }

    public var description: String {
        "\(field): \(rule)" + (allowed.isEmpty ? "" : "; allowed: \(allowed)")
    }
}
