extension Policy {
    /// Whether a date has backups.
    func isScheduled(on date: LocalDate) -> Bool {
        schedule.frequency == .daily || schedule.days.contains(date.weekday)
    }

    /// Runs of one date, in order. Times that daylight saving skips become one.
    func runs(on date: LocalDate) -> [Int64] {
        guard isScheduled(on: date) else { return [] }
        return Set(schedule.times.map { zone.instant(of: date, $0) }).sorted()
    }

    /// Longest distance between two runs is a week; one more for what the wall clock may do.
    private static let searchDays = 9

    /// The first run after an instant. Nanoseconds since 1970, as all instants here.
    public func nextRun(after instant: Int64) -> Int64 {
        let start = zone.date(at: instant).adding(days: -1)
        for distance in 0...Self.searchDays {
            let runs = runs(on: start.adding(days: distance))
            if let run = runs.first(where: { $0 > instant }) { return run }
        }
        preconditionFailure("a valid schedule has a run in every week")
    }

    /// The last run at or before an instant.
    public func lastRun(atOrBefore instant: Int64) -> Int64 {
        let start = zone.date(at: instant).adding(days: 1)
        for distance in 0...Self.searchDays {
            let runs = runs(on: start.adding(days: -distance))
            if let run = runs.last(where: { $0 <= instant }) { return run }
        }
        preconditionFailure("a valid schedule has a run in every week")
    }
}
