/// What the brake needs to know of a recovery point.
public struct BrakePoint<ID: Hashable & Sendable>: Sendable {
    public var id: ID
    public var item: String
    /// The order of an item's points.
    public var sequence: UInt64
    /// Bytes of data in its disks, and of those the ones that were not known before.
    public var dataBytes: UInt64
    public var newBytes: UInt64
    /// Whether it would go now, by a rule: not because a user asked for just this point.
    public var isExpired: Bool
    /// Whether it is known to lack something.
    public var isLacking: Bool

    public init(
        id: ID, item: String, sequence: UInt64, dataBytes: UInt64, newBytes: UInt64,
        isExpired: Bool, isLacking: Bool
    ) {
        self.id = id
        self.item = item
        self.sequence = sequence
        self.dataBytes = dataBytes
        self.newBytes = newBytes
        self.isExpired = isExpired
        self.isLacking = isLacking
    }
}

/// Why recovery points are not dropped without being asked.
public struct BrakeReason: Sendable, Equatable {
    /// The same for the same cause: what a user confirmed once is not asked again.
    public var key: String
    public var message: String

    public init(key: String, message: String) {
        self.key = key
        self.message = message
    }
}

/// Stops a prune that would destroy more than a careful person would let go without a look. A pure
/// function of the points and of what is known around them.
///
/// Under a wrong clock, after a mistake in a policy, or without settings that were lost, points
/// look as if their time were over. Where an attacker encrypted a disk, only old points help.
public enum PruneBrake {
    /// Up to this many points of an item may go at once, however few it has.
    public static let freeCount = 5
    /// Above it, up to one in so many.
    public static let freeShare = 3

    /// - Parameters:
    ///   - points: all of a vault, in no order.
    ///   - clockDoubt: why the clock may be wrong; nil where it is trusted.
    ///   - shortened: policies that keep less than at the last prune, with a key of the change.
    ///   - items: per policy, the items that it judges.
    ///   - journalProblems: what is wrong with the journal of the settings.
    /// - Returns: nothing where no point goes by a rule, or where no look is needed.
    public static func reasons<ID: Hashable & Sendable & CustomStringConvertible>(
        _ points: [BrakePoint<ID>], clockDoubt: String? = nil,
        shortened: [(policy: String, key: String)] = [],
        items: (String) -> (String) -> Bool = { _ in { _ in false } },
        journalProblems: [String] = []
    ) -> [BrakeReason] {
        let byItem = Dictionary(grouping: points.filter { !$0.item.isEmpty }, by: \.item)
            .mapValues { $0.sorted { $0.sequence < $1.sequence } }
            .filter { $0.value.contains(where: \.isExpired) }
        guard !byItem.isEmpty else { return [] }
        var reasons: [BrakeReason] = []
        if let clockDoubt { reasons.append(BrakeReason(key: "clock", message: clockDoubt)) }
        if let first = journalProblems.first {
            reasons.append(
                BrakeReason(
                    key: "journal/\(first)",
                    message:
                        "the journal of the settings is not whole, so rules may be lost: \(first)"))
        }
        for (policy, key) in shortened {
            let isJudged = items(policy)
            let count = byItem.filter { isJudged($0.key) }.values.joined().count(where: \.isExpired)
            guard count > 0 else { continue }
            reasons.append(
                BrakeReason(
                    key: "policy/\(policy)/\(key)",
                    message: "policy \(policy) was shortened since the last prune, and "
                        + "\(count) of its points would go"))
        }
        for (item, points) in byItem.sorted(by: { $0.key < $1.key }) {
            reasons += self.reasons(item, points)
        }
        return reasons
    }

    /// - Parameter points: of one item, oldest first.
    private static func reasons<ID: Hashable & Sendable & CustomStringConvertible>(
        _ item: String, _ points: [BrakePoint<ID>]
    ) -> [BrakeReason] {
        var reasons: [BrakeReason] = []
        let expired = points.filter(\.isExpired)
        if expired.count > freeCount, expired.count * freeShare > points.count {
            reasons.append(
                BrakeReason(
                    key: "many/\(item)/\(expired.count)/\(expired[expired.count - 1].id)",
                    message: "\(expired.count) of \(points.count) recovery points of \(item) would "
                        + "go at once"))
        }
        if let newest = points.last, newest.isLacking {
            reasons.append(
                BrakeReason(
                    key: "lacking/\(newest.id)",
                    message: "the newest recovery point of \(item) lacks something, so an older "
                        + "one may be needed"))
        }
        if let changed = changedAtOnce(points) {
            reasons.append(
                BrakeReason(
                    key: "changed/\(changed.id)",
                    message: "nearly all data of \(item) was new in one of its last points, after "
                        + "little in those before: the disk may have been encrypted or replaced"))
        }
        return reasons
    }

    // MARK: Data that changed at once

    /// Points at the end of an item's history that are looked at.
    static let recentCount = 7
    /// Points before one that show what is usual.
    static let usualCount = 5
    /// Disks with less data than this change for many reasons.
    static let dataBytesMin: UInt64 = 1 << 20
    static let littleShare = 0.2
    static let mostShare = 0.8

    /// A recent point of which nearly all data was new, after points of which little was.
    private static func changedAtOnce<ID>(_ points: [BrakePoint<ID>]) -> BrakePoint<ID>? {
        // The first point of an item is always new, so it says nothing.
        let known = points.dropFirst()
        for index in known.indices.suffix(recentCount).reversed() {
            let point = points[index]
            guard point.dataBytes >= dataBytesMin, share(point) >= mostShare else { continue }
            let before = points[..<index].dropFirst().suffix(usualCount).map(share).sorted()
            if before.count >= 2, before[before.count / 2] <= littleShare { return point }
        }
        return nil
    }

    private static func share<ID>(_ point: BrakePoint<ID>) -> Double {
        point.dataBytes == 0 ? 0 : Double(point.newBytes) / Double(point.dataBytes)
    }
}
