import KuraFormat
import KuraIO
import KuraOperations
import KuraReplication
import KuraStore
import KuraVault
import SystemPackage
import Testing
import TestSupport

@Suite("Regions of a home") struct RegionTests {
    private func empty(_ directory: FilePath) throws -> Subscription {
        try Subscription.open(home: directory.appending("home"), create: .home, context: .test())
    }

    private func add(_ name: String, to subscription: Subscription, pair: String? = nil) throws
        -> Subscription
    {
        try subscription.addRegion(Subscription.NewRegion(name: name, pair: pair))
    }

    @Test("Azure's pairs are made when both regions are there, whichever came first")
    func pairs() throws {
        try withTemporaryDirectory { directory in
            var subscription = try add("japanwest", to: empty(directory))
            #expect(subscription.pairs.isEmpty)
            subscription = try add("japaneast", to: subscription)
            #expect(subscription.pairs == ["japaneast": "japanwest", "japanwest": "japaneast"])
            subscription = try add("westindia", to: subscription)
            subscription = try add("southindia", to: subscription)
            #expect(subscription.pairs["westindia"] == "southindia")
            #expect(subscription.pairs["southindia"] == nil)
        }
    }

    @Test("A pair that the user names goes both ways")
    func ownPair() throws {
        try withTemporaryDirectory { directory in
            var subscription = try add("osaka", to: empty(directory))
            subscription = try add("tokyo", to: subscription, pair: "osaka")
            #expect(subscription.pairs == ["tokyo": "osaka", "osaka": "tokyo"])
            #expect(throws: KuraError.self) { try add("kyoto", to: subscription, pair: "nara") }
            #expect(throws: KuraError.self) { try add("kyoto", to: subscription, pair: "kyoto") }
        }
    }

    @Test("A region whose making was interrupted between replicas is taken up")
    func halfMade() throws {
        try withTemporaryDirectory { directory in
            let subscription = try empty(directory)
            let paths = (0..<3).map { directory.appending("disk-\($0)") }
            for kill in 0..<12 {
                let failing = FailingFileSystem { $0.count >= kill }
                _ = try? Region.create(name: "japaneast", replicas: paths, fileSystem: failing)
            }
            let added = try subscription.addRegion(
                Subscription.NewRegion(name: "japaneast", replicas: paths.map(\.string)))
            let region = try added.region(named: "japaneast")
            #expect(region.available.count == 3)
            // A home that was lost takes the region up again, with its identity.
            let other = try Subscription.open(
                home: directory.appending("other"), create: .home, context: .test()
            ).addRegion(
                    Subscription.NewRegion(name: "japaneast", replicas: paths.map(\.string)))
            #expect(try other.region(named: "japaneast").id == region.id)
        }
    }

    @Test("An empty directory beside replicas that hold a vault is not made a replica")
    func lostReplica() throws {
        try withTemporaryDirectory { directory in
            let regions = try TwoRegions(directory, replicas: 3)
            let paths = (0..<3).map { regions.replicaPath(TwoRegions.east, $0) }
            removeTree(paths[1])
            let region = try Region.create(name: TwoRegions.east, replicas: paths)
            #expect(region.available.map(\.ordinal) == [0, 2])
        }
    }

    @Test("Directories that are no directories of their own are refused")
    func badDirectories() throws {
        try withTemporaryDirectory { directory in
            let subscription = try empty(directory)
            let path = directory.appending("a").string
            for replicas in [[path, path], [path, path + "/b"], [path, path + "/../a"],
                ["1", "2", "3", "4"]]
            {
                let error = #expect(throws: KuraError.self) {
                    try subscription.addRegion(
                        Subscription.NewRegion(name: "tokyo", replicas: replicas))
                }
                #expect(error?.code == .invalidInput)
            }
            for name in ["", "a", "Japan East", "japanEast", "../x", "1a"] {
                let error = #expect(throws: KuraError.self) { try add(name, to: subscription) }
                #expect(error?.code == .invalidInput)
            }
        }
    }

    @Test("GRS is the default where the region has a pair, and needs one")
    func redundancy() throws {
        try withTemporaryDirectory { directory in
            let subscription = try add("tokyo", to: add("japaneast", to: add(
                "japanwest", to: empty(directory))))
            func make(_ name: String, _ region: String, _ kind: Redundancy?) throws -> Redundancy {
                try subscription.createVault(
                    name: name, region: region, redundancy: kind, copies: nil).record.redundancy
            }
            #expect(try make("first", "japaneast", nil) == .grs)
            #expect(try make("second", "tokyo", nil) == .lrs)
            #expect(try make("third", "japanwest", .zrs) == .zrs)
            #expect(throws: KuraError.self) { try make("fourth", "tokyo", .grs) }
            #expect(throws: KuraError.self) { try make("FIRST", "tokyo", .lrs) }
        }
    }
}

@Suite("Redundancy of a vault") struct RedundancyChangeTests {
    private let east = TwoRegions.east
    private let west = TwoRegions.west

    private func change(
        _ regions: TwoRegions, to kind: Redundancy, convert: Bool = false
    ) throws -> RedundancyChange {
        try regions.operations().setRedundancy(
            RedundancyRequest(vault: TwoRegions.vaultName, kind: kind, converts: convert))
    }

    @Test("is free to change until there is a recovery point, then frozen")
    func frozen() throws {
        try withTemporaryDirectory { directory in
            let regions = try TwoRegions(directory, .lrs)
            #expect(try change(regions, to: .raGRS).from == .lrs)
            #expect(try regions.place().record.pair != nil)
            _ = try change(regions, to: .zrs)
            #expect(try regions.place().record.pair == nil)
            try regions.backup([1, 2, 3])
            for kind in [Redundancy.lrs, .grs] {
                let error = #expect(throws: KuraError.self) { try change(regions, to: kind) }
                #expect(error?.code == .refused)
            }
            #expect(try regions.place().record.redundancy == .zrs)
        }
    }

    @Test("is converted by a copy that is read back before the switch")
    func converted() throws {
        try withTemporaryDirectory { directory in
            let regions = try TwoRegions(directory, .lrs)
            let bytes = SyntheticDisk(seed: 3, byteCount: 200_000).bytes
            let id = try regions.backup(bytes)
            let done = try change(regions, to: .grs, convert: true)
            #expect(done.copied?.there.points == 1)
            #expect((done.verified?.chunks ?? 0) > 0)
            removeTree(regions.regionPath(east))
            #expect(try regions.operations().failOver(RegionMove(east)).moved.count == 1)
            #expect(try regions.restore(id, from: regions.place().reading()) == bytes)
        }
    }

    @Test("stays what it was when the copy cannot be made")
    func notConverted() throws {
        try withTemporaryDirectory { directory in
            let regions = try TwoRegions(directory, .lrs)
            try regions.backup(SyntheticDisk(seed: 4, byteCount: 100_000).bytes)
            for replica in regions.replicas {
                for file in try regions.files("packs", east, replica) { try write([], to: file) }
            }
            let error = #expect(throws: KuraError.self) {
                try change(regions, to: .grs, convert: true)
            }
            #expect(error?.code == .damaged)
            #expect(try regions.place().record.redundancy == .lrs)
        }
    }

    @Test("keeps the pair's copy when GRS is dropped, and says where")
    func dropped() throws {
        try withTemporaryDirectory { directory in
            let regions = try TwoRegions(directory)
            try regions.backup([1, 2, 3])
            try regions.replicate()
            let done = try change(regions, to: .lrs, convert: true)
            #expect(done.leftBehind.count == 1)
            for path in done.leftBehind { #expect(try LocalFileSystem().exists(path)) }
            #expect(try regions.place().passive == nil)
            #expect(try regions.subscription().vaults().map(\.region.name) == [east])
            // Back to GRS, what is there is not sent again.
            #expect(try change(regions, to: .grs, convert: true).copied?.there.packs == 0)
        }
    }
}

@Suite("Drill") struct DrillTests {
    @Test("restores the newest replicated point, compares it, and writes nothing but its entry")
    func drill() throws {
        try withTemporaryDirectory { directory in
            let regions = try TwoRegions(directory)
            let disk = SyntheticDisk(seed: 5, byteCount: 200_000)
            let id = try regions.backup(disk.bytes)
            try regions.replicate()
            try regions.backup(disk.edited(seed: 1).bytes)
            let before = try listing(regions)
            let report = try regions.operations().drill(
                DrillRequest(vault: TwoRegions.vaultName, scratch: directory))
            #expect(report.id == id)
            #expect(report.lag > 0 && report.age >= report.lag)
            #expect(report.isCompared && report.differing.isEmpty)
            #expect(report.bytes == UInt64(disk.bytes.count))
            #expect(try listing(regions) == before)
            #expect(
                try LocalFileSystem().list(directory).allSatisfy { !$0.hasPrefix("kura-drill") })
            removeTree(regions.regionPath(TwoRegions.east))
            let alone = try regions.operations().drill(
                DrillRequest(vault: TwoRegions.vaultName, scratch: directory))
            #expect(alone.id == id && !alone.isCompared)
        }
    }

    @Test("has a reason to fail when nothing was replicated")
    func nothing() throws {
        try withTemporaryDirectory { directory in
            let regions = try TwoRegions(directory)
            try regions.backup([1])
            let error = #expect(throws: KuraError.self) {
                try regions.operations().drill(
                    DrillRequest(vault: TwoRegions.vaultName, scratch: directory))
            }
            #expect(error?.code == .refused)
            #expect(error?.message.contains("no recovery point") == true)
        }
    }

    /// Every file of both regions, but those of journals, with its time of change.
    private func listing(_ regions: TwoRegions) throws -> [String: Int64] {
        var found: [String: Int64] = [:]
        func walk(_ path: FilePath) throws {
            let status = try LocalFileSystem().status(path)
            guard status.kind == .directory else {
                return found[path.string] = status.changed
            }
            for name in try LocalFileSystem().list(path) where name != "journal" {
                try walk(path.appending(name))
            }
        }
        try walk(regions.home.appending("regions"))
        return found
    }
}
