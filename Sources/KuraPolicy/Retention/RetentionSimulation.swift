/// The points that a policy would make and keep, by the functions that backups and pruning use.
public enum RetentionSimulation {
    public struct Point: Sendable, Equatable {
        /// Nanoseconds since 1970.
        public var time: Int64
        public var tags: [Tier]
        public var expires: Int64?
    }

    public struct Result: Sendable, Equatable {
        /// Every point that is made, oldest first.
        public var points: [Point]
        /// Of those, what is left at the midnight that ends the last day.
        public var kept: [Point]
    }

    /// Years that schedules are worked out for; 64 bits count nanoseconds until 2262.
    public static let years = 1970...2199

    /// Most days that are simulated: a century and more.
    public static let daysMax = 40_000

    /// - Parameters:
    ///   - from: the first day of protection, in the policy's time zone.
    ///   - days: 1...`daysMax`.
    ///   - missed: days on which no backup succeeds.
    public static func run(
        _ policy: Policy, from: LocalDate, days: Int, missed: Set<LocalDate> = []
    ) -> Result {
        let since = Dictionary(uniqueKeysWithValues: policy.retention.keys.map { ($0, from) })
        var lastTagged: [Tier: LocalDate] = [:]
        var points: [Point] = []
        for distance in 0..<days {
            let date = from.adding(days: distance)
            guard !missed.contains(date) else { continue }
            for run in policy.runs(on: date) where points.last?.time != run {
                let tags = policy.tags(at: run, lastTagged: lastTagged, since: since)
                for tag in tags { lastTagged[tag] = policy.zone.date(at: run) }
                points.append(
                    Point(time: run, tags: tags, expires: policy.expiry(of: run, tags: tags)))
            }
        }
        let end = policy.zone.instant(of: from.adding(days: days), second: 0)
        let decisions = Retention.decide(
            points.enumerated().map { number, point in
                RetentionPoint(
                    id: number, item: "", sequence: UInt64(number) + 1, time: point.time,
                    tags: point.tags)
            }, now: end, rule: { _ in .policy(policy) })
        return Result(points: points, kept: decisions.filter(\.isKept).map { points[$0.id] })
    }
}
