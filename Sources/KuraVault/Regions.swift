internal import KuraFormat
public import KuraIO
internal import KuraPolicy
internal import KuraReplication
public import KuraStore
internal import SystemPackage

extension Subscription {
    public func region(named name: String) throws(KuraError) -> Region {
        guard let found = regions.first(where: { $0.name == name }) else {
            let known = regions.map(\.name).joined(separator: ", ")
            throw KuraError(
                .notFound, "there is no region \(name)",
                remedy: known.isEmpty ? .region(.add(name)) : .advice("regions here: \(known)"))
        }
        return found
    }

    /// What `addRegion` is given.
    public struct NewRegion: Sendable {
        public var name: String
        /// Directories, absolute or relative to the caller's directory; empty for three in the
        /// home.
        public var replicas: [String]
        /// Nil for the pair that Azure has, when both regions are here.
        public var pair: String?
        /// Whether a known region whose directories are all gone gets new, empty ones.
        public var recreate: Bool

        public init(
            name: String, replicas: [String] = [], pair: String? = nil, recreate: Bool = false
        ) {
            self.name = name
            self.replicas = replicas
            self.pair = pair
            self.recreate = recreate
        }
    }

    /// Adds a region, or finishes one whose making was interrupted.
    ///
    /// The home names it last. What is on disk if power fails before: replica directories, some
    /// with an identity, which the next call with the same name and directories uses. So a new home
    /// can be given the regions of one that was lost, too.
    /// - Returns: the subscription with the region.
    public func addRegion(_ new: NewRegion) throws(KuraError) -> Subscription {
        try Self.checkRegionName(new.name)
        let lock = try lock(.regions, for: "region add", context.waits)
        defer { lock.release(removing: false) }
        var home = try Home.open(at: home)
        if let place = home.regions.firstIndex(where: { $0.name == new.name }) {
            if let pair = new.pair { try setPair(of: place, to: pair, in: &home) }
            if new.recreate {
                try recreate(home.regions[place], home)
            } else if new.pair == nil || !new.replicas.isEmpty {
                throw KuraError(
                    .exists, "there is a region \(new.name) already",
                    remedy: .region(.show(new.name)))
            }
        } else {
            // A region that is not known here has nothing that could be made again.
            if new.recreate { _ = try region(named: new.name) }
            let replicas = try directories(of: new)
            if let pair = new.pair, !home.regions.contains(where: { $0.name == pair }) {
                throw Self.noSuchPair(pair)
            }
            let region = try Region.create(
                name: new.name, stores: home.stores(of: replicas, for: context, LocalFileSystem()),
                clock: context.clock)
            if let known = home.regions.first(where: { $0.id == region.id.hex }) {
                throw KuraError(
                    .exists, "these are the directories of region \(known.name)",
                    remedy: .advice("give directories of its own to each region"))
            }
            home.regions.append(
                Home.RegionEntry(id: region.id.hex, name: new.name, replicas: replicas))
            if let pair = new.pair {
                try setPair(of: home.regions.count - 1, to: pair, in: &home)
            }
            Self.pairKnownRegions(in: &home)
        }
        try home.save()
        return try Subscription(home, for: context, fileSystem)
    }

    /// Pairs every region that has no pair with the one that Azure pairs it with, if that is here.
    private static func pairKnownRegions(in home: inout Home) {
        let names = Set(home.regions.map(\.name))
        for place in home.regions.indices where home.regions[place].pair == nil {
            let pair = RegionPairs.pair(of: home.regions[place].name)
            if let pair, names.contains(pair) { home.regions[place].pair = pair }
        }
    }

    /// Pairs a region, and the other one with it unless that has a pair, in Azure or here.
    private func setPair(
        of place: Int, to pair: String, in home: inout Home
    ) throws(KuraError) {
        let name = home.regions[place].name
        guard pair != name else {
            throw KuraError(.invalidInput, "region \(name) cannot be its own pair")
        }
        guard let other = home.regions.firstIndex(where: { $0.name == pair }) else {
            throw Self.noSuchPair(pair)
        }
        home.regions[place].pair = pair
        if home.regions[other].pair == nil, RegionPairs.pair(of: pair) == nil {
            home.regions[other].pair = name
        }
    }

    private static func noSuchPair(_ name: String) -> KuraError {
        KuraError(
            .notFound, "there is no region \(name) to pair with",
            remedy: .region(.add(name)))
    }

    /// Gives a region new directories under its old identity, after all of them were lost. Where
    /// some are there, lets the others be filled although their disks are not mounted.
    ///
    /// Only when every vault that is known to be in it is active elsewhere: an empty region in
    /// place of an active one would look like a vault without recovery points.
    private func recreate(_ entry: Home.RegionEntry, _ home: Home) throws(KuraError) {
        let region = try home.open(entry, for: context, fileSystem)
        guard region.available.isEmpty else {
            var unmounted: [Replica] = []
            for replica in region.replicas where region.problems[replica.ordinal] != nil {
                if try isUnmounted(replica) { unmounted.append(replica) }
            }
            // From now on they are filled as they are.
            for replica in unmounted { try forgetMount(of: replica) }
            if !unmounted.isEmpty { return }
            throw KuraError(
                .exists,
                "region \(entry.name) has \(region.available.count) replicas that are there",
                remedy: .region(.fillReplicas))
        }
        for place in try places() where place.record.activeRegion == region.id {
            throw KuraError(
                .refused, "vault \(place.name) is active in region \(entry.name)",
                remedy: .region(.declareLost(entry.name)))
        }
        _ = try Region.create(
            name: entry.name, id: region.id,
            stores: home.stores(of: entry.replicas, for: context, LocalFileSystem()),
            clock: context.clock)
    }

    /// The directories as the home keeps them: its own relative to it, others absolute.
    private func directories(of new: NewRegion) throws(KuraError) -> [String] {
        guard !new.replicas.isEmpty else {
            return (0..<Limits.replicasMax).map { "regions/\(new.name)/replica-\($0)" }
        }
        guard new.replicas.count <= Limits.replicasMax else {
            throw KuraError(
                .invalidInput,
                "\(new.replicas.count) replicas: a region has "
                    + "\(Limits.replicasMax) at most")
        }
        for path in new.replicas where path.isEmpty || path.contains("://") {
            throw KuraError(
                .invalidInput,
                path.isEmpty
                    ? "the path of a replica is empty" : "\(path) is no directory of this machine",
                remedy: .advice("name directories"))
        }
        let paths = new.replicas.map { context.resolve(FilePath($0)).lexicallyNormalized() }
        for (number, path) in paths.enumerated() {
            for other in paths[..<number] where path.starts(with: other) || other.starts(with: path)
            {
                throw KuraError(
                    .invalidInput, "\(path) and \(other) are not two directories",
                    remedy: .advice(
                        "give each replica a directory of its own, on a disk of its own"))
            }
        }
        return paths.map(\.string)
    }

    /// 2 to 50 lower-case letters, digits and hyphens, a letter first: it names a directory.
    static func checkRegionName(_ name: String) throws(KuraError) {
        guard let violation = NameRule.region.violation(of: name) else { return }
        throw KuraError(
            .invalidInput, "\"\(name.prefix(60))\" cannot name a region: \(violation)",
            remedy: .advice("use \(NameRule.region.words)"))
    }
}
