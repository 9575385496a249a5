public import KuraFormat
public import KuraIO
internal import KuraStore
public import KuraVault

/// A region with its replicas and vaults.
public struct RegionReport: Sendable {
    public struct Replica: Sendable {
        /// 0, 1 or 2.
        public var ordinal: Int
        public var path: String
        /// Why it cannot be used; nil where it can.
        public var problem: String?
    }

    public struct Vault: Sendable {
        public var name: String
        /// Whether it takes backups here; else it is copied here.
        public var isActive: Bool
        public var redundancy: Redundancy
    }

    public var name: String
    public var id: UniqueID
    /// Name of the region that its vaults are copied to; nil without one.
    public var pair: String?
    public var replicas: [Replica]
    public var vaults: [Vault]

    /// Replicas that can be used now.
    public var available: Int { replicas.count { $0.problem == nil } }
}

extension RegionReport.Replica {
    init(_ replica: KuraStore.Replica, of region: Region) {
        ordinal = replica.ordinal
        path = replica.place
        problem = region.problems[replica.ordinal]?.message
    }
}

extension Operations {
    /// Every region of the home.
    public func regions() throws(KuraError) -> [RegionReport] {
        let places = try subscription.places()
        return subscription.regions.map { Self.report(on: $0, of: subscription, places) }
    }

    public func region(named name: String) throws(KuraError) -> RegionReport {
        Self.report(
            on: try subscription.region(named: name), of: subscription, try subscription.places())
    }

    /// Adds a region: see `Subscription.addRegion`.
    public func addRegion(_ new: Subscription.NewRegion) throws(KuraError) -> RegionReport {
        let subscription = try subscription.addRegion(new)
        return Self.report(
            on: try subscription.region(named: new.name), of: subscription,
            try subscription.places())
    }

    private static func report(
        on region: Region, of subscription: Subscription, _ places: [VaultPlace]
    ) -> RegionReport {
        RegionReport(
            name: region.name, id: region.id, pair: subscription.pairs[region.name],
            replicas: region.replicas.map { RegionReport.Replica($0, of: region) },
            vaults: places.filter { isIn(region, $0) }.map { place in
                RegionReport.Vault(
                    name: place.name, isActive: place.record.activeRegion == region.id,
                    redundancy: place.record.redundancy)
            })
    }

    /// Whether a vault is active in a region, or copied to it.
    private static func isIn(_ region: Region, _ place: VaultPlace) -> Bool {
        [place.record.activeRegion, place.record.passiveRegion].contains(region.id)
    }

    // MARK: How far the pairs are behind

    /// How far the copy of each vault in its paired region is behind.
    /// - Parameter region: only vaults that are in this region; nil for all.
    public func replicationLags(in region: String? = nil) throws(KuraError) -> [ReplicationLag] {
        let only = try region.map { name throws(KuraError) in
            try subscription.region(named: name)
        }
        var lags: [ReplicationLag] = []
        for place in try subscription.places() where only.map({ Self.isIn($0, place) }) ?? true {
            lags.append(ReplicationLag(try subscription.lag(of: place)))
        }
        return lags
    }
}
