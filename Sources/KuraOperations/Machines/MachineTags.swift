internal import KuraFormat
internal import KuraIO
internal import KuraPolicy
internal import KuraStore
internal import KuraVault

extension Operations {
    /// The tags of the point that is made of a machine now. Throws where its item has as
    /// many points as it may have.
    /// - Parameter time: the point's, in nanoseconds since 1970.
    func tags(
        of found: RegisteredItem, for occasion: BackupOccasion, in vault: Vault, at time: Int64
    ) throws(KuraError) -> [String] {
        let settings = try subscription.settings(of: vault)
        guard let name = found.state.policy, let state = settings.policies[name] else {
            throw KuraError(
                .refused, "\(found.item) has no policy",
                remedy: .policy(.assign(Policy.standardName, items: [found.item])))
        }
        let policy = state.policy
        var lastTagged: [Tier: LocalDate] = [:]
        var count = 0
        let points = try subscription.catalog().mapPoints(of: vault, item: found.item) { _, point in
            (point.time, PointTags.tiers(point.tags))
        }
        for (time, tags) in points {
            count += 1
            let date = policy.zone.date(at: time)
            for tag in tags { lastTagged[tag] = max(lastTagged[tag] ?? date, date) }
        }
        guard count < settings.limits.pointsPerItem else {
            throw KuraError(
                .refused,
                "\(found.item) has \(count) recovery points, the most that an item may "
                    + "have",
                remedy: .steps([
                    .anyOf([.policy(.update(name)), .policy(.assign(nil, items: [found.item]))]),
                    .vault(.prune(found.place.name)),
                ]))
        }
        guard let due = occasion.run else {
            return try tagsOnDemand(
                by: policy, settings.limits, retainUntil: occasion.retainUntil, at: time)
        }
        // A backup that starts in time counts for the date that it was due on, even when that ends
        // a moment before the backup begins.
        let counted = time - due < Self.inTimeNanoseconds ? due : time
        let seen = try subscription.catalog().schedule(of: found.item, in: vault.id)?.first
        return policy.tags(
            at: counted, lastTagged: lastTagged,
            since: settings.since(found.state, state, seen: seen, at: counted)
        ).map(\.rawValue)
    }

    private func tagsOnDemand(
        by policy: Policy, _ limits: PolicyLimits, retainUntil: Int64?, at time: Int64
    ) throws(KuraError) -> [String] {
        let days = limits.onDemandDays.map { Int64($0) * 86_400_000_000_000 }
        guard let until = retainUntil ?? days.map({ time + $0 }) else {
            return [policy.shortestTier.rawValue, PointTags.onDemand]
        }
        guard until > time else {
            throw KuraError(.invalidInput, "the date to retain it until is over already")
        }
        return [PointTags.onDemand, PointTags.retain(until: until)]
    }

    /// An hour.
    static var inTimeNanoseconds: Int64 { 3_600_000_000_000 }
}
