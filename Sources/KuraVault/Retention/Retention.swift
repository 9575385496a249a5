public import KuraFormat

/// Whether a recovery point stays, and why.
public struct RetentionDecision: Sendable, Equatable {
    public var id: RecoveryPointID
    public var item: String
    /// Time of the point, in nanoseconds since 1970.
    public var time: Int64
    public var isKept: Bool
    /// For people, at least one.
    public var reasons: [String]
}

/// Decides which recovery points stay. A pure function of points, policy and time: nothing is
/// stored, so a policy that changes works backwards.
public enum Retention {
    /// What it needs to know of a point.
    public struct Point: Sendable {
        public var id: RecoveryPointID
        public var item: String
        public var sequence: UInt64
        public var time: Int64

        public init(id: RecoveryPointID, item: String, sequence: UInt64, time: Int64) {
            self.id = id
            self.item = item
            self.sequence = sequence
            self.time = time
        }
    }

    /// Days that DefaultPolicy keeps a daily point.
    public static let defaultDays = 30

    private static let nanosecondsADay: Int64 = 86_400_000_000_000

    /// - Parameters:
    ///   - dropping: points that go whatever the policy says; never the newest of an item.
    ///   - now: nanoseconds since 1970.
    /// - Returns: a decision for each point, in the order of `points`.
    public static func decide(
        _ points: [Point], days: Int = defaultDays, dropping: Set<RecoveryPointID> = [],
        now: Int64
    ) -> [RetentionDecision] {
        var newest: [String: UInt64] = [:]
        for point in points {
            newest[point.item] = max(newest[point.item] ?? 0, point.sequence)
        }
        return points.map { point in
            var decision = RetentionDecision(
                id: point.id, item: point.item, time: point.time, isKept: true, reasons: [])
            let (age, overflow) = now.subtractingReportingOverflow(point.time)
            let isExpired = !overflow && age >= Int64(days) * nanosecondsADay
            if newest[point.item] == point.sequence {
                decision.reasons.append("newest of its item")
            }
            if !isExpired { decision.reasons.append("daily, \(days) days") }
            if decision.reasons.first == "newest of its item" { return decision }
            if dropping.contains(point.id) {
                decision.isKept = false
                decision.reasons = ["asked for"]
            } else if isExpired {
                decision.isKept = false
                decision.reasons = ["older than \(days) days"]
            }
            return decision
        }
    }
}
