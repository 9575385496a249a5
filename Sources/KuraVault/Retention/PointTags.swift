internal import FoundationEssentials
public import KuraFormat
public import KuraIO
public import KuraPolicy
public import KuraStore

/// The tags of a recovery point: what it was made for, as it was decided then.
public enum PointTags {
    /// A backup that a user asked for, outside the schedule.
    public static let onDemand = "on-demand"
    private static let untilPrefix = "retain-until:"

    /// "retain-until:2026-12-24T00:00:00Z".
    public static func retain(until instant: Int64) -> String {
        untilPrefix
            + Date(timeIntervalSince1970: Double(instant / 1_000_000_000)).formatted(.iso8601)
    }

    /// Nanoseconds since 1970; nil when no tag says so.
    public static func retainUntil(_ tags: [String]) -> Int64? {
        for tag in tags {
            guard let text = tag.removingPrefix(untilPrefix) else { continue }
            do {
                let seconds = try Date(text, strategy: .iso8601).timeIntervalSince1970
                // What 64 bits cannot count is the last instant that they can, in 2262, or the
                // first.
                let (time, overflow) = (Int64(exactly: seconds.rounded()) ?? .max)
                    .multipliedReportingOverflow(by: 1_000_000_000)
                return overflow ? (seconds > 0 ? .max : .min) : time
            } catch {
                continue
            }
        }
        return nil
    }

    /// Tags that a user may give to one point.
    public static let freeTagsMax = 8
    private static let reserved = Set(Tier.allCases.map(\.rawValue) + [onDemand])

    /// Throws unless users may give this tag to a point: it must say nothing about how long the
    /// point is kept.
    public static func checkFree(_ tag: String) throws(KuraError) {
        let isPlain = tag.unicodeScalars.allSatisfy {
            $0.properties.isAlphabetic || $0.properties.numericType != nil
                || "-_.".unicodeScalars.contains($0)
        }
        guard !tag.isEmpty, isPlain, tag.utf8.count <= Limits.nameBytesMax else {
            throw KuraError(
                .invalidInput, "\"\(tag.prefix(60))\" cannot be a tag",
                remedy: .advice("use letters, digits and - _ ."))
        }
        guard !reserved.contains(tag) else {
            throw KuraError(
                .invalidInput, "\(tag) is a tag that policies give", remedy: .chooseAnotherName)
        }
    }

    public static func tiers(_ tags: [String]) -> [Tier] { tags.compactMap(Tier.init(rawValue:)) }
}

extension VaultSettings {
    /// Items whose deletion cannot be undone any more.
    func deletedItems(now: Int64) -> Set<String> {
        Set(
            items.filter { _, state in
                state.status == .softDeleted && (state.deletedUntil ?? .max) <= now
            }.keys)
    }

    /// When a point may go, as its item's rules are now; nil where no time is set.
    public func expiry(of id: RecoveryPointID, _ point: RecoveryPoint) -> Int64? {
        expiries(of: [(id, point)])[id]
    }

    /// When points may go; those for which no time is set are left out.
    public func expiries(
        of points: [(id: RecoveryPointID, point: RecoveryPoint)]
    ) -> [RecoveryPointID: Int64] {
        var expiries: [RecoveryPointID: Int64] = [:]
        var rules: [String: RetentionRule] = [:]
        for (id, point) in points {
            let rule = rules[point.item] ?? self.rule(for: point.item)
            rules[point.item] = rule
            guard case .policy(let policy) = rule else { continue }
            expiries[id] = Retention.expiry(
                of: Subscription.retentionPoint(id, point, by: policy), policy)
        }
        return expiries
    }
}

extension Subscription {
    /// A point without a tag was made outside every policy: it is kept like one of the schedule.
    static func retentionPoint(
        _ id: RecoveryPointID, _ point: RecoveryPoint, by policy: Policy?
    ) -> RetentionPoint<RecoveryPointID> {
        var tiers = PointTags.tiers(point.tags)
        let until = PointTags.retainUntil(point.tags)
        if tiers.isEmpty, until == nil { tiers = [policy?.shortestTier ?? .daily] }
        return RetentionPoint(
            id: id, item: point.item, sequence: point.sequence, time: point.time, tags: tiers,
            retainUntil: until)
    }
}

extension Policy {
    /// The tier that every point of the schedule belongs to.
    package var shortestTier: Tier { retention.keys.min() ?? .daily }
}

extension VaultSettings {
    /// The policy that judges an item's points; nil where everything stays.
    func policy(for item: String) -> Policy? {
        guard case .policy(let policy) = rule(for: item) else { return nil }
        return policy
    }
}

extension Subscription {
    /// When a point may go; nil where no time is set, or where the rules cannot be read.
    public func expiry(of located: LocatedPoint) -> Int64? {
        do throws(KuraError) {
            return try settings(of: located.vault).expiry(of: located.id, located.point)
        } catch {
            return nil
        }
    }

    /// Likewise, for a point that was just made.
    public func expiry(of report: BackupReport, in vault: Vault) -> Int64? {
        expiry(of: LocatedPoint(vault: vault, id: report.id, point: report.point))
    }
}
