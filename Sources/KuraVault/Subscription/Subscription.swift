public import KuraFormat
public import KuraIO
public import KuraPolicy
internal import KuraReplicas
internal import KuraReplication
public import KuraStore
public import SystemPackage

/// A recovery point together with the vault that holds it.
public struct LocatedPoint: Sendable {
    public var vault: Vault
    public var id: RecoveryPointID
    public var point: RecoveryPoint

    public init(vault: Vault, id: RecoveryPointID, point: RecoveryPoint) {
        self.vault = vault
        self.id = id
        self.point = point
    }
}

/// Everything under one home: regions, their vaults, their recovery points, as one caller sees and
/// changes them.
public final class Subscription: Sendable {
    public let home: FilePath
    public let regions: [Region]
    /// Per name of a region, the name of its pair.
    public let pairs: [String: String]
    /// Whose requests these are: actor, clock, working directory, environment and budget.
    public let context: Context
    private let sharedCatalog: SharedCatalog
    /// Nil where each question is asked of the regions anew.
    let snapshot: Snapshot?
    /// Where the regions are.
    let fileSystem: any FileSystem

    /// The file of the catalog, for callers that wait for a change of it.
    public var catalogPath: FilePath { home.appending(Catalog.fileName) }

    /// The catalog of the home, opened when it is first needed.
    package func catalog() throws(KuraError) -> Catalog { try sharedCatalog.open() }

    public static let defaultRegion = "local"
    public static let defaultVault = "default"

    /// What `open` makes when it is missing.
    public enum Creation: Sendable {
        case nothing
        /// The home, without a region.
        case home
        /// The home with the region `local` (three replicas in the home) and the vault `default`
        /// (LRS) in it.
        case defaults
    }

    /// Opens the subscription of a home.
    /// - Parameters:
    ///   - path: absolute, or relative to the context's directory.
    ///   - create: what is made if it is missing.
    ///   - fileSystem: where its regions are.
    public static func open(
        home path: FilePath, create: Creation, context: Context,
        fileSystem: any FileSystem = LocalFileSystem()
    ) throws(KuraError) -> Subscription {
        let path = context.resolve(path)
        try withKuraErrors { try ReplicaOwner(context).check(path, LocalFileSystem()) }
        if try !Home.exists(at: path) {
            guard create != .nothing else {
                throw KuraError(
                    .notFound, "there is no Kura home at \(path)",
                    remedy: .anyOf([.home(.make), .home(.locate)]))
            }
            _ = try Home.create(at: path)
        }
        var home = try Home.open(at: path)
        if create == .defaults, !home.regions.contains(where: { $0.name == defaultRegion }) {
            try addDefaultRegion(to: &home, context)
        }
        let subscription = try Subscription(home, for: context, fileSystem)
        if create == .defaults,
            let region = subscription.regions.first(where: { $0.name == defaultRegion }),
            region.available.count == region.replicas.count,
            try subscription.places().allSatisfy({ $0.name != defaultVault })
        {
            _ = try subscription.createVault(
                name: defaultVault, region: defaultRegion, redundancy: .lrs, copies: nil)
        }
        return subscription
    }

    init(
        _ home: Home, for context: Context, _ fileSystem: any FileSystem
    ) throws(KuraError) {
        var regions: [Region] = []
        for entry in home.regions { regions.append(try home.open(entry, for: context, fileSystem)) }
        self.home = home.path
        self.regions = regions
        self.context = context
        self.fileSystem = fileSystem
        sharedCatalog = SharedCatalog(home: home.path)
        snapshot = nil
        pairs = Dictionary(
            home.regions.compactMap { entry in entry.pair.map { (entry.name, $0) } },
            uniquingKeysWith: { first, _ in first })
    }

    private init(_ other: Subscription, for context: Context, _ snapshot: Snapshot?) {
        home = other.home
        regions = other.regions.map {
            $0.with(clock: context.clock, budget: context.budget, waits: context.waits)
        }
        pairs = other.pairs
        sharedCatalog = other.sharedCatalog
        fileSystem = other.fileSystem
        self.context = context
        self.snapshot = snapshot
    }

    /// The same subscription on other terms. Reads nothing, and shares the opened catalog and the
    /// snapshot, if there is one.
    public func onBehalf(of context: Context) -> Subscription {
        Subscription(self, for: context, snapshot)
    }

    /// The same subscription for one request, which reads each vault's record and settings once.
    public func snapshotted() -> Subscription { Subscription(self, for: context, Snapshot()) }

    /// Likewise, unless it is for one request already.
    package func forOneRequest() -> Subscription { snapshot == nil ? snapshotted() : self }

    /// Call it after the vaults of the regions have changed in another way than through here.
    package func forgetRecords() { snapshot?.forgetRecords() }

    private static func addDefaultRegion(
        to home: inout Home, _ context: Context
    ) throws(KuraError) {
        let relative = (0..<Limits.replicasMax).map { "regions/\(defaultRegion)/replica-\($0)" }
        // The region is entered in the home last. Directories of an interrupted start are reused.
        let region = try Region.create(
            name: defaultRegion, stores: home.stores(of: relative, for: context, LocalFileSystem()),
            clock: context.clock)
        home.regions.append(
            Home.RegionEntry(id: region.id.hex, name: defaultRegion, replicas: relative))
        try home.save()
    }

    // MARK: Vaults

    /// Creates a vault.
    /// - Parameters:
    ///   - redundancy: nil for GRS when the region has a pair, else LRS.
    ///   - copies: replicas of each region that hold it, 1...3; nil for all of the region.
    ///   - profile: the rules for its policies and machines.
    ///   - minCopies: replicas that must be durable before a backup is acknowledged, 2...`copies`
    ///     (1 with one copy); nil for 2 where there are several.
    public func createVault(
        name: String, region regionName: String, redundancy: Redundancy? = nil, copies: Int?,
        minCopies: Int? = nil, profile: PolicyLimits = .classic
    ) throws(KuraError) -> Vault {
        try Self.checkVaultName(name)
        let region = try region(named: regionName)
        guard try places().count < profile.vaultsPerSubscription else {
            throw KuraError(
                .refused,
                "there are \(profile.vaultsPerSubscription) vaults, the most that a "
                    + "subscription may have", remedy: .vault(.delete))
        }
        if let known = try places().first(where: { $0.name.lowercased() == name.lowercased() }) {
            throw KuraError(
                .exists, "there is a vault \(known.name) already",
                remedy: .advice("choose another name; upper and lower case are the same"))
        }
        if let absent = try absences(points: false).first(where: {
            $0.vault?.lowercased() == name.lowercased()
        }) {
            throw KuraError(
                .exists,
                "there is a vault \(absent.vault ?? name), which cannot be read now: "
                    + absent.message, remedy: absent.remedy)
        }
        let redundancy = redundancy ?? (pairs[regionName] == nil ? .lrs : .grs)
        let copies = copies ?? region.replicas.count
        guard 1...region.replicas.count ~= copies else {
            throw KuraError(
                .invalidInput,
                "\(copies) copies: region \(regionName) has "
                    + "\(region.replicas.count) replicas",
                remedy: .advice("choose 1 to \(region.replicas.count)"))
        }
        let minCopies = minCopies ?? min(2, copies)
        guard min(2, copies)...copies ~= minCopies else {
            throw KuraError(
                .invalidInput,
                "at least \(minCopies) of \(copies) copies: a backup is durable in "
                    + "two replicas at least",
                remedy: .advice(
                    copies == 1 ? "leave it out: there is one copy" : "choose 2 to \(copies)"))
        }
        let pair =
            redundancy.hasPair
            ? try pairForVault(in: regionName, redundancy, copies: copies) : nil
        let chunker = ChunkerKind.gearTail
        let record = VaultRecord(
            id: .random(), name: name, region: region.id, pair: pair?.id, revision: 1,
            created: context.clock.now(), redundancy: redundancy, copies: UInt8(copies),
            minCopies: UInt8(minCopies),
            chunker: chunker, chunkBytesMean: Self.defaultChunkBytesMean, macKey: .random(),
            requiredFeatures: [chunker.rawValue, Feature.sha256, Feature.zstd],
            optionalFeatures: [])
        let vault = try Vault.create(record, in: region)
        snapshot?.forgetRecords()
        if let pair {
            // So that the pair knows the vault even if the region is lost before the first copy.
            try replace(record, by: record, in: pair, operation: "create")
            try saveQueue(of: VaultPlace([record], regions: regions))
        }
        try change(vault, by: Self.creation) { settings throws(KuraError) in
            settings.limits = profile
            settings.enterStandardPolicy(on: PolicyZone.utc.date(at: record.created))
        }
        return vault
    }

    /// The paired region of a vault in `regionName`, which must hold as many copies.
    package func pairForVault(
        in regionName: String, _ redundancy: Redundancy, copies: Int
    ) throws(KuraError) -> Region {
        guard let pairName = pairs[regionName] else {
            let known = RegionPairs.pair(of: regionName)
            throw KuraError(
                .invalidInput,
                "region \(regionName) has no paired region, which "
                    + "\(redundancy.name) needs",
                remedy: .anyOf([
                    .region(.addPair(of: regionName, known: known)), .advice("use lrs"),
                ]))
        }
        let pair = try region(named: pairName)
        if let problem = pair.problems.compactMap({ $0 }).first { throw problem }
        guard copies <= pair.replicas.count else {
            throw KuraError(
                .invalidInput,
                "\(copies) copies: the paired region \(pairName) has "
                    + "\(pair.replicas.count) replicas",
                remedy: .vault(.useCopies(pair.replicas.count)))
        }
        return pair
    }

    /// Chosen by measurement: see Sources/RATIONALE.md.
    public static let defaultChunkBytesMean: UInt32 = 32768

    /// 2 to 50 letters, digits and hyphens, a letter first.
    static func checkVaultName(_ name: String) throws(KuraError) {
        guard let violation = NameRule.vault.violation(of: name) else { return }
        throw KuraError(
            .invalidInput, "\"\(name.prefix(60))\" cannot name a vault: \(violation)",
            remedy: .advice("use \(NameRule.vault.words)"))
    }

    // MARK: Recovery points

    /// Finds one recovery point by its id, a unique prefix of it, `ITEM@latest`, or `ITEM@TIME`:
    /// the newest one at or before a time in UTC, such as 2026-01-31T23:00:00Z.
    /// - Parameters:
    ///   - vaultName: the vault to look in; nil for all.
    ///   - region: the only region to read from; nil for the active one, and its pair behind it.
    public func recoveryPoint(
        _ reference: String, in vaultName: String? = nil, region: String? = nil
    ) throws(KuraError) -> LocatedPoint {
        let search = try search(vaultName, region)
        if let at = reference.lastIndex(of: "@") {
            let item = String(reference[..<at])
            let moment = String(reference[reference.index(after: at)...])
            if moment == "latest" { return try latest(of: item, in: search) }
            if let end = PointTime.end(ofSecond: moment) {
                return try latest(of: item, before: end, named: moment, in: search)
            }
        }
        let digits = "0123456789abcdef"
        guard (1...64).contains(reference.utf8.count), reference.allSatisfy(digits.contains) else {
            throw KuraError(
                .invalidInput, "\"\(reference.prefix(80))\" names no recovery point",
                remedy: .point(.choose))
        }
        var found: [(Vault, RecoveryPointID)] = []
        for vault in search.vaults {
            found += try vault.recoveryPointIDs().filter { $0.hex.hasPrefix(reference) }
                .map { (vault, $0) }
        }
        guard let (vault, id) = found.first else {
            try requireNotAbsent(search) { id, _ in id.hex.hasPrefix(reference) }
            throw KuraError(
                .notFound, "there is no recovery point \(reference)",
                remedy: .point(.list()))
        }
        guard found.count == 1 else {
            let ids = found.prefix(5).map { String($0.1.hex.prefix(16)) }.joined(separator: ", ")
            throw KuraError(
                .invalidInput,
                "\(reference) is the start of \(found.count) recovery points: \(ids)",
                remedy: .advice("give more digits"))
        }
        return LocatedPoint(vault: vault, id: id, point: try vault.recoveryPoint(id))
    }

    /// Where a recovery point is looked for.
    private struct Search {
        /// The only vault; nil for all that can be read.
        var vaultName: String?
        /// The only region; nil for the active one, and its pair behind it.
        var regionName: String?
        var vaults: [Vault]
        /// Why a vault in the only region cannot be read.
        var unreadable: KuraError?
    }

    private func search(
        _ name: String?, _ regionName: String?
    ) throws(KuraError) -> Search {
        var search = Search(vaultName: name, regionName: regionName, vaults: [])
        guard let regionName else {
            if let name {
                search.vaults = [try vault(named: name)]
            } else {
                search.vaults = try vaults()
            }
            return search
        }
        if let name {
            search.vaults = [try vault(named: name, in: regionName)]
            return search
        }
        let region = try region(named: regionName)
        for place in try places() where [place.active?.id, place.passive?.id].contains(region.id) {
            do throws(KuraError) {
                search.vaults.append(try vault(named: place.name, in: regionName))
            } catch {
                search.unreadable = search.unreadable ?? error
            }
        }
        return search
    }

    /// Throws where a point that was not found may be in a place that cannot be read: "none" would
    /// be a guess.
    private func requireNotAbsent(
        _ search: Search, where isWanted: (RecoveryPointID, _ item: String?) -> Bool
    ) throws(KuraError) {
        if let unreadable = search.unreadable { throw unreadable }
        if search.vaultName == nil, search.regionName == nil,
            let absent = try absences(points: false).first(where: { !$0.isElsewhere })
        {
            throw absent.error
        }
        try requireNotMissing(in: search.vaultName, isWanted)
    }

    /// - Parameters:
    ///   - end: only points before this instant, in nanoseconds since 1970.
    ///   - moment: what a user calls it.
    private func latest(
        of item: String, before end: Int64 = .max, named moment: String = "",
        in search: Search
    ) throws(KuraError) -> LocatedPoint {
        var found: [LocatedPoint] = []
        for vault in search.vaults {
            let newest = try recoveryPoints(of: vault, item: item).first { $0.point.time < end }
            if let newest {
                found.append(LocatedPoint(vault: vault, id: newest.id, point: newest.point))
            }
        }
        guard let first = found.first else {
            try requireNotAbsent(search) { _, known in known ?? item == item }
            throw KuraError(
                .notFound,
                "item \(item) has no recovery point"
                    + (moment.isEmpty ? "" : " at or before \(moment)"), remedy: .point(.list()))
        }
        guard found.count == 1 else {
            let names = found.map(\.vault.record.name).joined(separator: ", ")
            throw KuraError(
                .invalidInput, "several vaults have an item \(item): \(names)",
                remedy: .vault(.choose))
        }
        return first
    }
}

extension Subscription {
    /// Recovery points of a vault, newest first, with the rules that say when they expire.
    ///
    /// Asks the catalog, which reads from the region what it does not know; without a catalog,
    /// reads all of it.
    /// - Parameters:
    ///   - item: only this item's.
    ///   - listed: names of all points of the vault, where the caller has just listed them.
    public func recoveryPoints(
        of vault: Vault, item: String? = nil, listed: Set<RecoveryPointID>? = nil
    ) throws(KuraError) -> [(id: RecoveryPointID, point: RecoveryPoint)] {
        do throws(KuraError) {
            return try catalog().recoveryPoints(of: vault, item: item, listed: listed)
        } catch {
            return try vault.recoveryPoints().filter { item == nil || $0.point.item == item }
        }
    }

    /// How many recovery points each item of a vault has, by name; likewise.
    public func pointCounts(of vault: Vault) throws(KuraError) -> [String: Int] {
        do throws(KuraError) {
            return try catalog().pointCounts(of: vault).mapValues(\.points)
        } catch {
            return Dictionary(try vault.recoveryPoints().map { ($0.point.item, 1) }) { $0 + $1 }
        }
    }

    /// What `transform` makes of each recovery point of a vault, in no order: from the catalog, and
    /// without a catalog that works from the region. Pruning must do on a full disk.
    package func mapPoints<T>(
        of vault: Vault, _ transform: (RecoveryPointID, RecoveryPoint) -> T
    ) throws(KuraError) -> [T] {
        do throws(KuraError) {
            return try catalog().mapPoints(of: vault, transform)
        } catch {
            return try vault.recoveryPoints().map { transform($0.id, $0.point) }
        }
    }
}
