public import KuraIO
internal import KuraStore
internal import KuraVault
public import SystemPackage

/// What the making of a home did.
public struct HomeSetUpReport: Sendable {
    public var home: FilePath
    /// Whether something was made; false where there was a home already.
    public var isNew: Bool
    /// Names of its regions.
    public var regions: [String]
}

extension Operations {
    /// Makes a home with the region `local`, three replicas in the home, and the vault `default` in
    /// it.
    ///
    /// A home that is there stays as it is, unless its making was cut short: then it is finished.
    /// If power fails half-way, the next call goes on.
    /// - Parameter path: absolute, or relative to the context's directory. Missing, or an empty
    ///   directory.
    public static func setUpHome(
        at path: FilePath, context: Context
    ) throws(KuraError) -> HomeSetUpReport {
        let path = context.resolve(path)
        if try Home.exists(at: path) {
            let known = try Subscription.open(home: path, create: .nothing, context: context)
            guard try isUnfinished(known) else {
                return HomeSetUpReport(
                    home: path, isNew: false, regions: known.regions.map(\.name))
            }
        }
        let made = try Subscription.open(home: path, create: .defaults, context: context)
        return HomeSetUpReport(home: path, isNew: true, regions: made.regions.map(\.name))
    }

    /// Whether a home has no vault, and nothing that could hold one which cannot be seen now.
    private static func isUnfinished(_ subscription: Subscription) throws(KuraError) -> Bool {
        guard let region = subscription.regions.first else { return true }
        guard subscription.regions.count == 1, region.name == Subscription.defaultRegion,
            region.available.count == region.replicas.count
        else { return false }
        return try subscription.places().isEmpty
    }
}
