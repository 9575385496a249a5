extension Policy {
    /// Throws the first error, by the rules of a profile.
    public func validate(for limits: PolicyLimits = .classic) throws(PolicyError) {
        try Self.checkName(name)
        try checkZone()
        try checkSchedule(limits)
        guard !retention.isEmpty else {
            throw PolicyError(
                "retention", "at least one tier is needed",
                allowed: "daily, weekly, monthly, yearly")
        }
        for tier in Tier.allCases {
            guard let rule = retention[tier] else { continue }
            let range = limits.count(of: tier)
            guard range ~= rule.count else {
                throw PolicyError(
                    "retention.\(tier.rawValue).count",
                    "\(rule.count) \(tier.unit) is out of range",
                    allowed: "\(range.lowerBound) to \(range.upperBound) \(tier.unit)")
            }
        }
        try checkTiersAgainstSchedule()
        if let rule = retention[.monthly] { try check(rule.month, "retention.monthly") }
        if let rule = retention[.yearly] {
            try check(rule.month, "retention.yearly")
            try Self.check(
                rule.months, "retention.yearly.months", allowed: "january to december, each once")
        }
    }

    private static func checkName(_ name: String) throws(PolicyError) {
        guard let violation = NameRule.policy.violation(of: name) else { return }
        throw PolicyError(
            "name", "\"\(name.prefix(160))\" cannot name a policy: \(violation)",
            allowed: NameRule.policy.words)
    }

    /// Abbreviations such as EST mean other offsets to other people.
    private func checkZone() throws(PolicyError) {
        guard zone.identifier == PolicyZone.utc.identifier || zone.identifier.contains("/") else {
            throw PolicyError(
                "time_zone", "\"\(zone.identifier.prefix(60))\" is no IANA name",
                allowed: "a name such as Asia/Tokyo, or UTC")
        }
    }

    private func checkSchedule(_ limits: PolicyLimits) throws(PolicyError) {
        guard limits.timesPerDay ~= schedule.times.count else {
            throw PolicyError(
                "schedule.times", "\(schedule.times.count) times a day",
                allowed: "\(limits.timesPerDay.lowerBound) to \(limits.timesPerDay.upperBound)")
        }
        try Self.check(schedule.times, "schedule.times", allowed: "each time once")
        switch schedule.frequency {
        case .daily:
            guard schedule.days.isEmpty else {
                throw PolicyError("schedule.days", "a daily schedule has no days; leave them out")
            }
        case .weekly:
            try Self.check(schedule.days, "schedule.days", allowed: "sunday to saturday, each once")
        }
    }

    private func checkTiersAgainstSchedule() throws(PolicyError) {
        if let weekly = retention[.weekly] {
            try Self.check(
                weekly.days, "retention.weekly.days", allowed: "sunday to saturday, each once")
        }
        switch schedule.frequency {
        case .daily:
            guard retention[.daily] != nil else {
                throw PolicyError("retention.daily", "a daily schedule needs a daily retention")
            }
        case .weekly:
            guard retention[.daily] == nil else {
                throw PolicyError("retention.daily", "a weekly schedule has no daily retention")
            }
            guard let weekly = retention[.weekly] else {
                throw PolicyError("retention.weekly", "a weekly schedule needs a weekly retention")
            }
            guard Set(weekly.days) == Set(schedule.days) else {
                throw PolicyError(
                    "retention.weekly.days", "with a weekly schedule these are its own days",
                    allowed: schedule.days.map(\.rawValue).joined(separator: ", "))
            }
        }
    }

    private func check(_ rule: MonthRule, _ field: String) throws(PolicyError) {
        if !rule.dates.isEmpty {
            guard rule.weeks.isEmpty, rule.days.isEmpty else {
                throw PolicyError(
                    "\(field).dates", "give either dates, or weeks and days")
            }
            guard schedule.frequency == .daily else {
                throw PolicyError(
                    "\(field).dates",
                    "a weekly schedule has no backup on most dates: "
                        + "give weeks and days")
            }
            for case .day(let day) in rule.dates where !(1...28 ~= day) {
                throw PolicyError(
                    "\(field).dates", "\(day) is not in every month",
                    allowed: "1 to 28, or \"last\"")
            }
            return try Self.check(rule.dates, "\(field).dates", allowed: "1 to 28, \"last\"")
        }
        try Self.check(
            rule.weeks, "\(field).weeks", allowed: "first, second, third, fourth, last, each once")
        try Self.check(rule.days, "\(field).days", allowed: "sunday to saturday, each once")
        if schedule.frequency == .weekly, !Set(rule.days).isSubset(of: schedule.days) {
            throw PolicyError(
                "\(field).days", "some of these days have no backup",
                allowed: schedule.days.map(\.rawValue).joined(separator: ", "))
        }
    }

    /// Throws unless there is at least one value, and each only once.
    private static func check<T: Hashable>(
        _ values: [T], _ field: String, allowed: String
    ) throws(PolicyError) {
        guard !values.isEmpty else {
            throw PolicyError(field, "at least one is needed", allowed: allowed)
        }
        guard Set(values).count == values.count else {
            throw PolicyError(field, "a value is listed twice", allowed: allowed)
        }
    }
}
