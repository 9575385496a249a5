public import KuraFormat
public import KuraIO
public import KuraPolicy
internal import KuraStore
internal import KuraVault

/// A vault with what it holds.
public struct VaultReport: Sendable {
    public enum State: String, Sendable {
        case active = "Active"
        /// A replica of it, or its active region, cannot be used now.
        case degraded = "Degraded"
        /// There are different records of its newest revision.
        case contested = "Contested"
    }

    public var record: VaultRecord
    public var state: State
    /// Name of the region that takes backups.
    public var region: String
    /// Name of the other region; nil without a pair.
    public var pair: String?
    /// Of the region that the vault is read from.
    public var replicas: [RegionReport.Replica]
    /// Items that have recovery points or are registered.
    public var itemCount: Int
    public var pointCount: Int
    /// Bytes of all files in one replica.
    public var storedBytes: UInt64
    /// Why the active region was not read; nil when it was.
    public var notice: String?

    public var name: String { record.name }
}

/// A vault to be made.
public struct VaultCreation: Sendable {
    public var name: String
    /// Name of the region that takes its backups.
    public var region: String
    /// Nil for GRS when the region has a pair, else LRS.
    public var redundancy: Redundancy?
    /// Replicas of each region that hold it, 1...3; nil for all of the region.
    public var copies: Int?
    /// Replicas that must be durable before a backup is acknowledged; nil for 2 where there are
    /// several.
    public var minCopies: Int?
    /// The rules for its policies and machines.
    public var profile = PolicyLimits.classic

    public init(name: String, region: String) {
        self.name = name
        self.region = region
    }
}

extension Operations {
    /// Makes a vault.
    public func createVault(_ new: VaultCreation) throws(KuraError) -> VaultReport {
        try report(
            on: subscription.createVault(
                name: new.name, region: new.region, redundancy: new.redundancy,
                copies: new.copies, minCopies: new.minCopies, profile: new.profile))
    }

    /// Every vault that can be read, by name.
    public func vaults() throws(KuraError) -> [VaultReport] {
        var reports: [VaultReport] = []
        for vault in try subscription.vaults() { reports.append(try report(on: vault)) }
        return reports
    }

    public func vault(named name: String) throws(KuraError) -> VaultReport {
        try report(on: subscription.vault(named: name))
    }

    private func report(on vault: Vault) throws(KuraError) -> VaultReport {
        let place = subscription.place(of: vault)
        let points = try subscription.pointCounts(of: vault)
        let registered = try subscription.settings(of: vault).items.keys
        let isWhole = vault.problems.isEmpty && vault.region.id == place.record.activeRegion
        return VaultReport(
            record: vault.record,
            state: place.isContested ? .contested : isWhole ? .active : .degraded,
            region: place.activeName, pair: place.passiveName,
            replicas: vault.region.replicas.prefix(Int(vault.record.copies)).map {
                RegionReport.Replica($0, of: vault.region)
            },
            itemCount: Set(points.keys).union(registered).count,
            pointCount: points.values.reduce(0, +), storedBytes: try vault.statistics().storedBytes,
            notice: place.notice)
    }
}
