internal import KuraFormat
public import KuraIO
internal import KuraStore
public import KuraVault
public import SystemPackage

/// What a catalog was made anew from.
public struct CatalogRebuildReport: Sendable {
    public var regions: [String] = []
    public var vaults = 0
    public var items = 0
    public var policies = 0
    public var points = 0
    /// Where the old catalog is now; nil when there was none.
    public var setAside: FilePath?
    /// Where the damaged file that named the regions is now; nil when it was good or missing.
    public var homeSetAside: FilePath?
    /// The folder in which machines are discovered, as the old catalog had it; nil where it had
    /// none or could not be read.
    public var inventory: FilePath?
    public var warnings: [Warning] = []
}

extension Operations {
    /// Makes the catalog anew from regions alone, and the home with it where that was lost.
    ///
    /// Everything comes back but the history of jobs. Where machines are discovered, the old
    /// catalog says, if it can be read; otherwise a warning does. Old files are kept beside the new
    /// ones.
    /// - Parameters:
    ///   - replicas: replica directories; of each region one is enough. Empty for the regions that
    ///     the home knows.
    public static func rebuildCatalog(
        home: FilePath, replicas: [FilePath], context: Context
    ) throws(KuraError) -> (subscription: Subscription, report: CatalogRebuildReport) {
        let home = context.resolve(home)
        var report = CatalogRebuildReport()
        let suffix = ".old-\(context.clock.now() / 1_000_000_000)"
        let named = try grouped(replicas.map { context.resolve($0).lexicallyNormalized() })
        if !named.isEmpty { report.homeSetAside = try makeReadable(home, suffix: suffix) }
        var subscription = try Subscription.open(home: home, create: .nothing, context: context)
        for (name, paths) in named
        where !subscription.regions.contains(where: { $0.name == name }) {
            subscription = try subscription.addRegion(
                Subscription.NewRegion(name: name, replicas: paths.map(\.string)))
        }
        subscription = try pairingRegions(subscription)
        if try hasFile(home.appending(Catalog.fileName)) {
            report.inventory = inventory(in: subscription)
            report.setAside = home.appending(Catalog.fileName + suffix)
            try Catalog.setAside(home: home, suffix: suffix)
        }
        // Opened anew, because the subscription may have the old one open.
        subscription = try Subscription.open(home: home, create: .nothing, context: context)
        report.regions = subscription.regions.map(\.name)
        for place in try subscription.places() {
            do throws(KuraError) {
                let vault = try place.reading()
                report.points += try subscription.catalog()
                    .refreshPoints(of: vault, progress: context.progress).count
                let settings = try subscription.settings(of: vault)
                report.items += settings.items.count
                report.policies += settings.policies.count
                report.vaults += 1
            } catch {
                report.warnings.append(Warning("vault \(place.name): \(error.message)"))
            }
        }
        try Operations(subscription, context).takeInventory(&report)
        return (subscription, report)
    }

    /// Makes the file that names the regions where it is missing, and moves a damaged one away.
    /// - Returns: where the damaged one is now.
    private static func makeReadable(
        _ home: FilePath, suffix: String
    ) throws(KuraError) -> FilePath? {
        var kept: FilePath?
        if try Home.isThere(home) {
            guard try Home.isDamaged(at: home) else { return nil }
            kept = try Home.setAside(at: home, suffix: suffix)
        }
        _ = try Home.create(at: home)
        return kept
    }

    /// Pairs regions as the vaults in them say: a home that was lost knew it.
    private static func pairingRegions(
        _ subscription: Subscription
    ) throws(KuraError) -> Subscription {
        var subscription = subscription
        for place in try subscription.places() {
            guard let pair = place.pairName,
                subscription.regions.contains(where: { $0.name == pair }),
                subscription.regions.contains(where: { $0.name == place.homeRegionName }),
                subscription.pairs[place.homeRegionName] == nil
            else { continue }
            subscription = try subscription.addRegion(
                Subscription.NewRegion(name: place.homeRegionName, pair: pair))
        }
        return subscription
    }

    private static func hasFile(_ path: FilePath) throws(KuraError) -> Bool {
        do throws(IOError) {
            return try LocalFileSystem().exists(path)
        } catch {
            throw KuraError(io: error)
        }
    }

    /// What the old catalog says; nil where it cannot be read.
    private static func inventory(in subscription: Subscription) -> FilePath? {
        do throws(KuraError) {
            return try subscription.inventory()
        } catch {
            return nil
        }
    }

    /// Finds the machines again, so that the next backups of them work.
    private func takeInventory(_ report: inout CatalogRebuildReport) throws(KuraError) {
        guard let inventory = report.inventory else {
            if report.items > 0 {
                report.warnings.append(
                    Warning(
                        "it is not known any more in which folder machines are discovered",
                        remedy: .steps([.home(.setInventory), .machine(.discover)])))
            }
            return
        }
        try subscription.keepInventory(inventory)
        do throws(KuraError) {
            _ = try discover()
        } catch {
            report.warnings.append(
                Warning(
                    "machines were not discovered: \(error.message)",
                    remedy: .machine(.discover)))
        }
    }

    /// Replica directories by the name of their region, in the order of their ordinals; where one
    /// was not named, the other replicas of its region are looked for beside it.
    private static func grouped(
        _ replicas: [FilePath]
    ) throws(KuraError) -> [(String, [FilePath])] {
        let fileSystem = LocalFileSystem()
        var regions: [String: [UInt8: FilePath]] = [:]
        for path in replicas {
            do {
                let record = try ReplicaRecord.decode(
                    fileSystem.contents(path.appending("replica"), max: SealedRecord.byteCountMax))
                regions[record.regionName, default: [:]][record.ordinal] = path
                for sibling in try fileSystem.list(path.removingLastComponent()).sorted() {
                    let other = path.removingLastComponent().appending(sibling)
                    guard let found = identity(of: other, fileSystem), found.region == record.region
                    else { continue }
                    let known = regions[record.regionName]?[found.ordinal]
                    regions[record.regionName]?[found.ordinal] = known ?? other
                }
            } catch {
                throw KuraError(
                    .replicaMissing, "\(path) is no replica of a region: \(error)",
                    remedy: .advice("name a directory that has a file \"replica\" in it"),
                    cause: error)
            }
        }
        return regions.sorted { $0.key < $1.key }.map { name, paths in
            (name, paths.sorted { $0.key < $1.key }.map(\.value))
        }
    }

    private static func identity(
        of path: FilePath, _ fileSystem: LocalFileSystem
    ) -> ReplicaRecord? {
        do {
            return try ReplicaRecord.decode(
                fileSystem.contents(path.appending("replica"), max: SealedRecord.byteCountMax))
        } catch {
            return nil
        }
    }
}
