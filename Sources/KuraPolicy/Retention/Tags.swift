extension Policy {
    /// Tiers whose calendar rule a date meets, in the order of `Tier`.
    public func tiers(on date: LocalDate) -> [Tier] {
        Tier.allCases.filter { isOwnDate(date, of: $0) }
    }

    /// Whether a tier's calendar rule is met.
    public func isOwnDate(_ date: LocalDate, of tier: Tier) -> Bool {
        guard let rule = retention[tier], isScheduled(on: date) else { return false }
        switch tier {
        case .daily: return true
        case .weekly: return rule.days.contains(date.weekday)
        case .monthly: return rule.month.matches(date)
        case .yearly:
            let month = date.parts.month
            return rule.months.contains { $0.number == month } && rule.month.matches(date)
        }
    }

    /// A tier's last own date on or before a date, not before `earliest`.
    func lastOwnDate(
        of tier: Tier, onOrBefore date: LocalDate, earliest: LocalDate
    ) -> LocalDate? {
        var candidate = date
        while candidate >= earliest {
            if isOwnDate(candidate, of: tier) { return candidate }
            candidate = candidate.adding(days: -1)
        }
        return nil
    }

    /// Tags of a scheduled point: every tier whose own date it is, and, where missed dates are
    /// substituted, the weekly, monthly and yearly tier whose last own date went by without a
    /// point.
    ///
    /// - Parameters:
    ///   - instant: the point's time, in nanoseconds since 1970.
    ///   - lastTagged: per tier, the local date of the item's newest earlier point with its tag.
    ///   - since: per tier, the first date on which its rule was in force for the item; dates
    ///     before it were not missed. A tier without one has just come into force.
    /// - Complexity: O(days since the tier's last own date or `since`).
    public func tags(
        at instant: Int64, lastTagged: [Tier: LocalDate], since: [Tier: LocalDate]
    ) -> [Tier] {
        let date = zone.date(at: instant)
        return Tier.allCases.filter { tier in
            if isOwnDate(date, of: tier) { return true }
            guard substitutesMissed, tier != .daily, retention[tier] != nil,
                let since = since[tier]
            else { return false }
            // An own date that has its point ends the search as well as `since` does.
            let earliest = max(since, lastTagged[tier]?.adding(days: 1) ?? since)
            return lastOwnDate(of: tier, onOrBefore: date, earliest: earliest) != nil
        }
    }

    /// When a point expires: the latest over its tags, on the wall clock; nil when the policy has
    /// none of them, so that nothing keeps it.
    public func expiry(of instant: Int64, tags: [Tier]) -> Int64? {
        let (date, second) = zone.local(at: instant)
        let remainder = instant % PolicyZone.nanosecondsASecond
        let fraction = remainder < 0 ? remainder + PolicyZone.nanosecondsASecond : remainder
        var latest: Int64?
        for tier in tags {
            guard let rule = retention[tier] else { continue }
            let end =
                switch tier {
                case .daily: date.adding(days: rule.count)
                case .weekly: date.adding(days: rule.count * 7)
                case .monthly: date.adding(months: rule.count)
                case .yearly: date.adding(months: rule.count * 12)
                }
            let (instant, overflow) = zone.instant(of: end, second: second)
                .addingReportingOverflow(fraction)
            latest = max(latest ?? .min, overflow ? .max : instant)
        }
        return latest
    }
}
