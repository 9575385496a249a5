package import KuraPolicy

/// The fields of a policy, as a user typed them.
package struct PolicyForm: Sendable, Equatable {
    /// A tier's fields.
    package struct Tier: Sendable, Equatable {
        /// Empty where the tier is not used.
        package var count = ""
        package var days: [String] = []
        package var weeks: [String] = []
        /// "1 15 last".
        package var dates = ""
        package var months: [String] = []
    }

    package var name = ""
    package var frequency = "daily"
    package var times = "23:00"
    package var zone = "UTC"
    package var days: [String] = ["sunday"]
    package var tiers: [KuraPolicy.Tier: Tier] = [:]
    /// What is wrong; nil where nothing is known to be.
    package var problem: PolicyError?

    /// What the tutorial shows: kept for 30 days, 104 weeks, 120 months, 99 years.
    package static let tutorial: PolicyForm = {
        var form = PolicyForm()
        form.tiers[.daily] = Tier(count: "30")
        form.tiers[.weekly] = Tier(count: "104", days: ["sunday"])
        form.tiers[.monthly] = Tier(count: "120", days: ["sunday"], weeks: ["last"])
        form.tiers[.yearly] = Tier(
            count: "99", days: ["sunday"], weeks: ["first"], months: ["january"])
        return form
    }()

    package init() {}

    package init(_ values: FormValues) {
        name = values["policy-name"] ?? ""
        frequency = values["frequency"] ?? "daily"
        times = values["times"] ?? ""
        zone = values["zone"] ?? ""
        days = values.all("days")
        for tier in KuraPolicy.Tier.allCases {
            let prefix = tier.rawValue
            tiers[tier] = Tier(
                count: values[prefix] ?? "", days: values.all("\(prefix)-day"),
                weeks: values.all("\(prefix)-week"), dates: values["\(prefix)-dates"] ?? "",
                months: values.all("\(prefix)-month"))
        }
    }

    /// The fields of a policy that is there.
    package init(_ policy: Policy) {
        name = policy.name
        frequency = policy.schedule.frequency.rawValue
        times = policy.schedule.times.map(\.description).joined(separator: " ")
        zone = policy.zone.identifier
        days = policy.schedule.days.map(\.rawValue)
        for (tier, rule) in policy.retention {
            let dates = rule.month.dates.map { date in
                switch date {
                case .day(let day): String(day)
                case .last: "last"
                }
            }
            let isWeekly = tier == .weekly
            tiers[tier] = Tier(
                count: String(rule.count),
                days: (isWeekly ? rule.days : rule.month.days).map(\.rawValue),
                weeks: rule.month.weeks.map(\.rawValue), dates: dates.joined(separator: " "),
                months: rule.months.map(\.rawValue))
        }
    }

    /// Hidden fields that carry all of it to the next page.
    var hidden: [(String, String)] {
        var pairs = [
            ("policy-name", name), ("frequency", frequency), ("times", times), ("zone", zone),
        ]
        pairs += days.map { ("days", $0) }
        for (tier, fields) in tiers.sorted(by: { $0.key < $1.key }) {
            let prefix = tier.rawValue
            pairs.append((prefix, fields.count))
            pairs += fields.days.map { ("\(prefix)-day", $0) }
            pairs += fields.weeks.map { ("\(prefix)-week", $0) }
            pairs.append(("\(prefix)-dates", fields.dates))
            pairs += fields.months.map { ("\(prefix)-month", $0) }
        }
        return pairs
    }

    // MARK: The policy

    /// The policy that the fields say, by the rules of a profile.
    package func policy(for limits: PolicyLimits) throws(PolicyError) -> Policy {
        let zone: PolicyZone? = self.zone == "UTC" ? .utc : PolicyZone(self.zone)
        guard let zone else {
            throw PolicyError(
                "time_zone", "\"\(self.zone.prefix(60))\" is not known",
                allowed: "an IANA name such as Asia/Tokyo, or UTC")
        }
        guard let frequency = Policy.Frequency(rawValue: frequency) else {
            throw PolicyError("schedule.frequency", "neither daily nor weekly")
        }
        let isWeekly = frequency == .weekly
        let schedule = Policy.Schedule(
            frequency: frequency, times: try parsedTimes(),
            days: isWeekly ? try Self.parsed(days, "schedule.days") : [])
        var retention: [KuraPolicy.Tier: Policy.TierRule] = [:]
        for (tier, fields) in tiers.sorted(by: { $0.key < $1.key }) where !fields.count.isEmpty {
            if isWeekly, tier == .daily { continue }
            retention[tier] = try Self.rule(tier, fields, on: schedule)
        }
        let policy = Policy(name: name, zone: zone, schedule: schedule, retention: retention)
        try policy.validate(for: limits)
        return policy
    }

    private func parsedTimes() throws(PolicyError) -> [TimeOfDay] {
        var found: [TimeOfDay] = []
        for word in times.split(whereSeparator: { " ,、　".contains($0) }) {
            guard let time = TimeOfDay(word) else {
                throw PolicyError(
                    "schedule.times", "\"\(word.prefix(20))\" is no time", allowed: "such as 23:00")
            }
            found.append(time)
        }
        return found
    }

    private static func rule(
        _ tier: KuraPolicy.Tier, _ fields: Tier, on schedule: Policy.Schedule
    ) throws(PolicyError) -> Policy.TierRule {
        let field = "retention.\(tier.rawValue)"
        guard let count = Int(fields.count) else {
            throw PolicyError("\(field).count", "\"\(fields.count.prefix(20))\" is no number")
        }
        switch tier {
        case .daily: return Policy.TierRule(count: count)
        case .weekly:
            let days: [Weekday] = try parsed(fields.days, "\(field).days")
            return Policy.TierRule(
                count: count, days: schedule.frequency == .weekly ? schedule.days : days)
        case .monthly, .yearly:
            var month = Policy.MonthRule()
            month.dates = try dates(fields.dates, field)
            if month.dates.isEmpty {
                month.weeks = try parsed(fields.weeks, "\(field).weeks")
                month.days = try parsed(fields.days, "\(field).days")
            }
            return Policy.TierRule(
                count: count, month: month,
                months: tier == .yearly ? try parsed(fields.months, "\(field).months") : [])
        }
    }

    private static func dates(
        _ text: String, _ field: String
    ) throws(PolicyError) -> [Policy.MonthDate] {
        var found: [Policy.MonthDate] = []
        for word in text.split(whereSeparator: { " ,".contains($0) }) {
            if word == "last" {
                found.append(.last)
            } else if let day = Int(word) {
                found.append(.day(day))
            } else {
                throw PolicyError(
                    "\(field).dates", "\"\(word.prefix(20))\" is no day",
                    allowed: "1 to 28, or last")
            }
        }
        return found
    }

    private static func parsed<T: RawRepresentable<String>>(
        _ words: [String], _ field: String
    ) throws(PolicyError) -> [T] {
        var found: [T] = []
        for word in words {
            guard let value = T(rawValue: word) else {
                throw PolicyError(field, "\"\(word.prefix(20))\" is not known")
            }
            found.append(value)
        }
        return found
    }

    /// What is wrong with a field, for the place beside it.
    /// - Parameter fields: how the policy calls it; one that is inside it counts.
    func problem(in fields: String...) -> String? {
        guard let problem, fields.contains(where: { problem.field.hasPrefix($0) }) else {
            return nil
        }
        return problem.rule + (problem.allowed.isEmpty ? "" : " (\(problem.allowed))")
    }

    /// The command that makes this policy: with a file where its flags cannot say it.
    package func command(vault: String) -> CommandLine {
        let named = name.isEmpty ? "NAME" : name
        var words = ["policy", "create", named, "--vault", vault]
        for time in times.split(separator: " ") { words += ["--time", String(time)] }
        words += ["--time-zone", zone]
        let isWeekly = frequency == "weekly"
        if isWeekly { words += days.flatMap { ["--day", $0] } }
        for (tier, fields) in tiers.sorted(by: { $0.key < $1.key }) where !fields.count.isEmpty {
            if isWeekly, tier == .daily { continue }
            words += ["--\(tier.rawValue)", fields.count]
            switch tier {
            case .daily: continue
            case .weekly:
                if !isWeekly { words += fields.days.flatMap { ["--weekly-day", $0] } }
            case .monthly, .yearly:
                guard let day = Self.day(fields) else {
                    return CommandLine(
                        "policy", "create", named, "--vault", vault, "--file", "FILE")
                }
                let months = ([""] + fields.months).joined(separator: " ")
                words += ["--\(tier.rawValue)-on", tier == .yearly ? "\(day) of\(months)" : day]
            }
        }
        return CommandLine(words)
    }

    /// "last sunday" or "15"; nil where there are several.
    private static func day(_ fields: Tier) -> String? {
        let dates = fields.dates.split(separator: " ")
        if dates.count == 1 { return String(dates[0]) }
        guard dates.isEmpty, fields.weeks.count == 1, fields.days.count == 1 else { return nil }
        return "\(fields.weeks[0]) \(fields.days[0])"
    }
}

/// What a policy would leave after some years.
package struct SimulationView: Sendable, Equatable {
    package struct Row: Sendable, Equatable {
        package var years: Int
        package var made: Int
        package var kept: Int
        /// Points that a tier keeps.
        package var tiers: [Tier: Int]
        package var oldest: Int64?
    }

    package var rows: [Row] = []

    /// Asks the functions that backups and prunes use.
    package init(_ policy: Policy, from first: LocalDate) {
        for years in [1, 5, 10] {
            let days = first.adding(months: 12 * years).dayNumber - first.dayNumber
            let result = RetentionSimulation.run(policy, from: first, days: days)
            var tiers: [Tier: Int] = [:]
            for point in result.kept { for tag in point.tags { tiers[tag, default: 0] += 1 } }
            rows.append(
                Row(
                    years: years, made: result.points.count, kept: result.kept.count, tiers: tiers,
                    oldest: result.kept.first?.time))
        }
    }
}
