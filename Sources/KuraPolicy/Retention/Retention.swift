/// What retention needs to know of a point.
public struct RetentionPoint<ID: Hashable & Sendable>: Sendable {
    public var id: ID
    public var item: String
    /// The order of an item's points.
    public var sequence: UInt64
    /// Nanoseconds since 1970.
    public var time: Int64
    public var tags: [Tier]
    /// Until when a user asked to keep it, whatever the policy says; nil where no user did.
    public var retainUntil: Int64?

    public init(
        id: ID, item: String, sequence: UInt64, time: Int64, tags: [Tier], retainUntil: Int64? = nil
    ) {
        self.id = id
        self.item = item
        self.sequence = sequence
        self.time = time
        self.tags = tags
        self.retainUntil = retainUntil
    }
}

/// What an item's points are judged by.
public enum RetentionRule: Sendable, Equatable {
    case policy(Policy)
    /// Every point stays, for this reason.
    case keepAll(String)
}

/// Whether a recovery point stays, and why.
public struct RetentionDecision<ID: Hashable & Sendable>: Sendable {
    public var id: ID
    public var item: String
    /// Time of the point, in nanoseconds since 1970.
    public var time: Int64
    public var isKept: Bool
    /// For people, at least one.
    public var reasons: [String]
    /// When it may go; nil where no time is set.
    public var expires: Int64?

    public init(
        id: ID, item: String, time: Int64, isKept: Bool, reasons: [String], expires: Int64?
    ) {
        self.id = id
        self.item = item
        self.time = time
        self.isKept = isKept
        self.reasons = reasons
        self.expires = expires
    }
}

/// Decides which recovery points stay. A pure function of points, rules and time: nothing is
/// stored, so a policy that changes works backwards.
public enum Retention {
    /// - Parameters:
    ///   - dropping: points that go whatever the policy says; never the newest of an item.
    ///   - lacking: points that are known to lack something. The newest of an item is the newest
    ///     that lacks nothing, as long as there is one.
    ///   - now: nanoseconds since 1970. A point goes at its expiry, not before.
    ///   - rule: what the points of an item are judged by.
    /// - Returns: a decision for each point, in the order of `points`.
    public static func decide<ID>(
        _ points: [RetentionPoint<ID>], now: Int64, dropping: Set<ID> = [],
        lacking: Set<ID> = [], rule: (String) -> RetentionRule
    ) -> [RetentionDecision<ID>] {
        var newest: [String: UInt64] = [:]
        var whole: [String: UInt64] = [:]
        var rules: [String: RetentionRule] = [:]
        for point in points {
            newest[point.item] = max(newest[point.item] ?? 0, point.sequence)
            if lacking.contains(point.id) { continue }
            whole[point.item] = max(whole[point.item] ?? 0, point.sequence)
        }
        newest.merge(whole) { $1 }
        let times = timesInSequence(points, now: now)
        return points.map { point in
            let known = rules[point.item] ?? rule(point.item)
            rules[point.item] = known
            var judged = point
            judged.time = times[point.id] ?? point.time
            var decision = decide(
                judged, known, now: now, isNewest: newest[point.item] == point.sequence,
                isAskedFor: dropping.contains(point.id))
            decision.time = point.time
            return decision
        }
    }

    /// Times of points that say that they are older than the point before them: that of the point
    /// before. The clock was behind when they were made, and they are as young as their sequence
    /// says. A point before that is of the future says nothing.
    private static func timesInSequence<ID>(
        _ points: [RetentionPoint<ID>], now: Int64
    ) -> [ID: Int64] {
        var times: [ID: Int64] = [:]
        for points in Dictionary(grouping: points, by: \.item).values {
            var latest = Int64.min
            for point in points.sorted(by: { $0.sequence < $1.sequence }) {
                if point.time < latest { times[point.id] = latest }
                if point.time <= now { latest = max(latest, point.time) }
            }
        }
        return times
    }

    private static func decide<ID>(
        _ point: RetentionPoint<ID>, _ rule: RetentionRule, now: Int64, isNewest: Bool,
        isAskedFor: Bool
    ) -> RetentionDecision<ID> {
        var decision = RetentionDecision(
            id: point.id, item: point.item, time: point.time, isKept: true, reasons: [],
            expires: nil)
        if isNewest { decision.reasons.append("newest of its item") }
        switch rule {
        case .keepAll(let reason): decision.reasons.append(reason)
        case .policy(let policy):
            decision.expires = expiry(of: point, policy)
            for tier in point.tags {
                guard let tierRule = policy.retention[tier],
                    let end = policy.expiry(of: point.time, tags: [tier]), end > now
                else { continue }
                decision.reasons.append("\(tier.rawValue), \(tierRule.count) \(tier.unit)")
            }
            if let until = point.retainUntil, until > now {
                decision.reasons.append("retained until \(policy.zone.date(at: until))")
            }
        }
        if isNewest { return decision }
        if isAskedFor {
            decision.isKept = false
            decision.reasons = ["asked for"]
        } else if decision.reasons.isEmpty {
            decision.isKept = false
            decision.reasons = ["older than all rules allow"]
        }
        return decision
    }

    /// When a point may go under a policy; nil when nothing of it says so.
    public static func expiry<ID>(of point: RetentionPoint<ID>, _ policy: Policy) -> Int64? {
        let ruled = policy.expiry(of: point.time, tags: point.tags)
        guard let until = point.retainUntil else { return ruled }
        return max(ruled ?? until, until)
    }
}
