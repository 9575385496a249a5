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
    public var warnings: [String] = []
}

extension Operations {
    /// Makes the catalog anew from regions alone, and the home with it where that was lost.
    ///
    /// Everything comes back but the history of jobs, and where machines are discovered. The old
    /// catalog is kept beside the new one.
    /// - Parameters:
    ///   - replicas: replica directories; of each region one is enough. Empty for the regions that
    ///     the home knows.
    public static func rebuildCatalog(
        home: FilePath, replicas: [FilePath], context: Context
    ) throws(KuraError) -> (subscription: Subscription, report: CatalogRebuildReport) {
        let home = context.resolve(home)
        var report = CatalogRebuildReport()
        if !replicas.isEmpty, try !Home.isThere(home) { _ = try Home.create(at: home) }
        var subscription = try Subscription.open(home: home, create: .nothing, context: context)
        for (name, paths) in try grouped(replicas.map { context.resolve($0).lexicallyNormalized() })
        where !subscription.regions.contains(where: { $0.name == name }) {
            subscription = try subscription.addRegion(
                Subscription.NewRegion(name: name, replicas: paths.map(\.string)))
        }
        let suffix = ".old-\(context.clock.now() / 1_000_000_000)"
        let old = home.appending(Catalog.fileName + suffix)
        try Catalog.setAside(home: home, suffix: suffix)
        do throws(IOError) {
            if try LocalFileSystem().exists(old) { report.setAside = old }
        } catch {
            throw KuraError(io: error)
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
                report.warnings.append("vault \(place.name): \(error.message)")
            }
        }
        return (subscription, report)
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
