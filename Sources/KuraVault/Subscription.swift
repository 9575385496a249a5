public import KuraFormat
internal import KuraIO
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

/// Everything under one home: regions, their vaults, their recovery points. The only door for the
/// command line.
public final class Subscription: Sendable {
    public let home: FilePath
    public let regions: [Region]

    public static let defaultRegion = "local"
    public static let defaultVault = "default"

    private init(home: FilePath, regions: [Region]) {
        self.home = home
        self.regions = regions
    }

    /// Opens the subscription of a home.
    /// - Parameter create: whether a missing home is made, with the region `local` (three replicas
    ///   in the home) and the vault `default` (LRS) in it.
    public static func open(home path: FilePath, create: Bool) throws(StoreError) -> Subscription {
        if try !Home.exists(at: path) {
            guard create else {
                throw StoreError(
                    .notFound, "there is no Kura home at \(path)",
                    remedy: "name it with --home, or run: kura backup DISK, which makes one")
            }
            _ = try Home.create(at: path)
        }
        var home = try Home.open(at: path)
        if create, !home.regions.contains(where: { $0.name == defaultRegion }) {
            try addDefaultRegion(to: &home)
        }
        var regions: [Region] = []
        for entry in home.regions { regions.append(try home.open(entry)) }
        let subscription = Subscription(home: path, regions: regions)
        if create, let region = regions.first(where: { $0.name == defaultRegion }),
            region.available.count == region.replicas.count,
            try region.vaults().allSatisfy({ $0.name != defaultVault })
        {
            _ = try subscription.createVault(name: defaultVault, region: defaultRegion, copies: nil)
        }
        return subscription
    }

    private static func addDefaultRegion(to home: inout Home) throws(StoreError) {
        let relative = (0..<Limits.replicasMax).map { "regions/\(defaultRegion)/replica-\($0)" }
        let paths = relative.map { home.path.pushing(FilePath($0)) }
        // The region is entered in the home last. What an interrupted start left is taken up again.
        let region: Region
        if let known = try existingRegion(paths) {
            region = known
        } else {
            region = try Region.create(name: defaultRegion, replicas: paths)
        }
        home.regions.append(
            Home.RegionEntry(id: region.id.hex, name: defaultRegion, replicas: relative))
        try home.save()
    }

    /// The region whose identity files all these directories hold, if they do.
    private static func existingRegion(_ paths: [FilePath]) throws(StoreError) -> Region? {
        let fileSystem = LocalFileSystem()
        var id: UniqueID?
        for path in paths {
            do {
                let file = path.appending("replica")
                guard try fileSystem.exists(file) else { return nil }
                let record = try ReplicaRecord.decode(
                    fileSystem.contents(file, max: SealedRecord.byteCountMax))
                guard id == nil || id == record.region else { return nil }
                id = record.region
            } catch {
                throw StoreError(error)
            }
        }
        return id.map { Region(id: $0, name: defaultRegion, replicas: paths) }
    }

    // MARK: Vaults

    public func region(named name: String) throws(StoreError) -> Region {
        guard let region = regions.first(where: { $0.name == name }) else {
            let known = regions.map(\.name).joined(separator: ", ")
            throw StoreError(
                .notFound, "there is no region \(name)", remedy: "regions here: \(known)")
        }
        return region
    }

    /// Every vault of every region, by name.
    public func vaults() throws(StoreError) -> [Vault] {
        var vaults: [Vault] = []
        for region in regions {
            for record in try region.vaults() { vaults.append(Vault(region: region, record: record)) }
        }
        return vaults.sorted { $0.record.name < $1.record.name }
    }

    public func vault(named name: String) throws(StoreError) -> Vault {
        let all = try vaults()
        if let vault = all.first(where: { $0.record.name.lowercased() == name.lowercased() }) {
            return vault
        }
        // With every replica gone, "no such vault" would be a guess.
        for region in regions where region.available.isEmpty {
            if let problem = region.problems.compactMap({ $0 }).first { throw problem }
        }
        let known = all.map(\.record.name).joined(separator: ", ")
        throw StoreError(
            .notFound, "there is no vault \(name)",
            remedy: known.isEmpty ? "run: kura vault create \(name)" : "vaults here: \(known)")
    }

    /// Creates a vault.
    /// - Parameters:
    ///   - copies: replicas that hold it, 1...3; nil for all of the region.
    ///   - minCopies: replicas that must be durable before a backup is acknowledged, 2...`copies`
    ///     (1 with one copy); nil for 2 where there are several.
    public func createVault(
        name: String, region regionName: String, redundancy: Redundancy? = nil, copies: Int?,
        minCopies: Int? = nil
    ) throws(StoreError) -> Vault {
        try Self.checkVaultName(name)
        let region = try region(named: regionName)
        if try vaults().contains(where: { $0.record.name.lowercased() == name.lowercased() }) {
            throw StoreError(
                .exists, "there is a vault \(name) already",
                remedy: "choose another name; upper and lower case are the same")
        }
        if redundancy == .grs || redundancy == .raGRS {
            throw StoreError(
                .invalidInput, "region \(regionName) has no paired region, which "
                    + "\(redundancy?.name ?? "") needs", remedy: "use --redundancy lrs")
        }
        let copies = copies ?? region.replicas.count
        guard 1...region.replicas.count ~= copies else {
            throw StoreError(
                .invalidInput, "\(copies) copies: region \(regionName) has "
                    + "\(region.replicas.count) replicas",
                remedy: "choose 1 to \(region.replicas.count)")
        }
        let minCopies = minCopies ?? min(2, copies)
        guard min(2, copies)...copies ~= minCopies else {
            throw StoreError(
                .invalidInput, "at least \(minCopies) of \(copies) copies: a backup is durable in "
                    + "two replicas at least", remedy: copies == 1
                    ? "leave it out: there is one copy" : "choose 2 to \(copies)")
        }
        let chunker = ChunkerKind.gearTail
        let record = VaultRecord(
            id: .random(), name: name, region: region.id, revision: 1, created: Clock.now(),
            redundancy: redundancy ?? .lrs, copies: UInt8(copies), minCopies: UInt8(minCopies),
            chunker: chunker, chunkBytesMean: Self.defaultChunkBytesMean,
            requiredFeatures: [chunker.rawValue, Feature.sha256, Feature.zstd],
            optionalFeatures: [])
        return try Vault.create(record, in: region)
    }

    /// Chosen by measurement: see FORMAT.md, "Rationale".
    public static let defaultChunkBytesMean: UInt32 = 32768

    /// 2 to 50 letters, digits and hyphens, a letter first.
    static func checkVaultName(_ name: String) throws(StoreError) {
        let isLetter = { (c: Unicode.Scalar) in ("a"..."z").contains(c) || ("A"..."Z").contains(c) }
        let scalars = Array(name.unicodeScalars)
        guard 2...50 ~= scalars.count, isLetter(scalars[0]),
            scalars.allSatisfy({ isLetter($0) || ("0"..."9").contains($0) || $0 == "-" })
        else {
            throw StoreError(
                .invalidInput, "this cannot name a vault: \(scalars.count) characters given",
                remedy: "use 2 to 50 letters, digits and hyphens, a letter first")
        }
    }

    // MARK: Recovery points

    /// Finds one recovery point by its id, a unique prefix of it, or `ITEM@latest`.
    /// - Parameter vaultName: the vault to look in; nil for all.
    public func recoveryPoint(
        _ reference: String, in vaultName: String? = nil
    ) throws(StoreError) -> LocatedPoint {
        var searched: [Vault] = []
        if let vaultName { searched = [try vault(named: vaultName)] } else { searched = try vaults() }
        if reference.hasSuffix("@latest") {
            return try latest(of: String(reference.dropLast("@latest".count)), in: searched)
        }
        let digits = "0123456789abcdef"
        guard (1...64).contains(reference.utf8.count), reference.allSatisfy(digits.contains) else {
            throw StoreError(
                .invalidInput, "\"\(reference.prefix(80))\" names no recovery point",
                remedy: "use an id from kura list, its first digits, or ITEM@latest")
        }
        var found: [(Vault, RecoveryPointID)] = []
        for vault in searched {
            found += try vault.recoveryPointIDs().filter { $0.hex.hasPrefix(reference) }
                .map { (vault, $0) }
        }
        guard let (vault, id) = found.first else {
            throw StoreError(
                .notFound, "there is no recovery point \(reference)",
                remedy: "run: kura list")
        }
        guard found.count == 1 else {
            let ids = found.prefix(5).map { String($0.1.hex.prefix(16)) }.joined(separator: ", ")
            throw StoreError(
                .invalidInput, "\(reference) is the start of \(found.count) recovery points: \(ids)",
                remedy: "give more digits")
        }
        return LocatedPoint(vault: vault, id: id, point: try vault.recoveryPoint(id))
    }

    private func latest(of item: String, in vaults: [Vault]) throws(StoreError) -> LocatedPoint {
        var found: [LocatedPoint] = []
        for vault in vaults {
            if let newest = try vault.recoveryPoints().first(where: { $0.point.item == item }) {
                found.append(LocatedPoint(vault: vault, id: newest.id, point: newest.point))
            }
        }
        guard let first = found.first else {
            throw StoreError(
                .notFound, "item \(item) has no recovery point", remedy: "run: kura list")
        }
        guard found.count == 1 else {
            let names = found.map(\.vault.record.name).joined(separator: ", ")
            throw StoreError(
                .invalidInput, "several vaults have an item \(item): \(names)",
                remedy: "name the vault with --vault")
        }
        return first
    }
}
