import KuraFormat
import KuraIO
import KuraStore
import KuraVault
import SystemPackage
import TestSupport
import Testing

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

    @Test("A region that the home does not know cannot be made again")
    func unknown() throws {
        try withTemporaryDirectory { directory in
            let subscription = try add("japanwest", to: empty(directory))
            let error = #expect(throws: KuraError.self) {
                try subscription.addRegion(
                    Subscription.NewRegion(name: "japanwset", recreate: true))
            }
            #expect(error?.code == .notFound)
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
            let paths = (0..<3).map { directory.appending("disk-\($0)") }
            _ = try empty(directory).addRegion(
                Subscription.NewRegion(name: "tokyo", replicas: paths.map(\.string))
            ).createVault(name: "gold", region: "tokyo", copies: nil)
            removeTree(paths[1])
            let region = try Region.create(name: "tokyo", replicas: paths)
            #expect(region.available.map(\.ordinal) == [0, 2])
        }
    }

    @Test("Directories that are no directories of their own are refused")
    func badDirectories() throws {
        try withTemporaryDirectory { directory in
            let subscription = try empty(directory)
            let path = directory.appending("a").string
            for replicas in [
                [path, path], [path, path + "/b"], [path, path + "/../a"],
                ["1", "2", "3", "4"],
            ] {
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
            let subscription = try add(
                "tokyo",
                to: add(
                    "japaneast",
                    to: add(
                        "japanwest", to: empty(directory))))
            func make(_ name: String, _ region: String, _ kind: Redundancy?) throws -> Redundancy {
                try subscription.createVault(
                    name: name, region: region, redundancy: kind, copies: nil
                ).record.redundancy
            }
            #expect(try make("first", "japaneast", nil) == .grs)
            #expect(try make("second", "tokyo", nil) == .lrs)
            #expect(try make("third", "japanwest", .zrs) == .zrs)
            #expect(throws: KuraError.self) { try make("fourth", "tokyo", .grs) }
            #expect(throws: KuraError.self) { try make("FIRST", "tokyo", .lrs) }
        }
    }
}
