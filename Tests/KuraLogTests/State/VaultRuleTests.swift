import KuraFormat
import KuraLog
import KuraSeal
import TestSupport
import Testing

/// Rules about the vault itself: settings, members, regions, checkpoints.
@Suite("Rules of a vault") struct VaultRuleTests {
    @Test("what a vault is cut and named by never changes, and features are not taken back")
    func fixed() throws {
        var world = try StateWorld()
        func rule(_ change: (inout VaultBody) -> Void) throws -> StateRule? {
            var body = world.settings()
            change(&body)
            return try world.rule([.vault(body)])
        }
        #expect(try rule { $0.name = "other" } == nil)
        #expect(try rule { $0.copies = 2 } == nil)
        #expect(try rule { $0.state = .softDeleted } == nil)
        #expect(try rule { $0.region = world.pair } == .pair)
        #expect(try rule { $0.chunker = .fixed } == .fixedSetting("the chunker"))
        #expect(try rule { $0.chunkBytesMean = 4096 } == .fixedSetting("the chunker"))
        #expect(
            try rule { $0.rootKey = world.home.publicKey.stored }
                == .fixedSetting("the root key"))
        #expect(
            try rule { $0.requiredFeatures = [Feature.log] } == .featureRemoved(Feature.sha256))
        #expect(try rule { $0.pair = world.pair } == .pair)
        var keyed = world.settings()
        keyed.macKey = MACKey(StateWorld.digest("key"))
        try world.commit([.vault(keyed)])
        #expect(
            try rule { $0.macKey = MACKey(StateWorld.digest("other")) }
                == .fixedSetting("the key of codes"))
    }

    @Test("members are of regions of the vault, and of one each")
    func members() throws {
        var world = try StateWorld(hasPair: true)
        func members(_ region: UniqueID, _ replicas: Range<Int>) -> LogBody {
            .members(MembersBody(region: region, replicas: Array(StateWorld.replicas[replicas])))
        }
        let stranger = UniqueID(high: 7, low: 7)
        #expect(try world.rule([members(stranger, 3..<4)]) == .otherRegion(stranger))
        #expect(
            try world.rule([members(world.pair, 2..<4)])
                == .replicaOfOtherRegion(StateWorld.replicas[2]))
        try world.commit([members(world.pair, 3..<5)])
        #expect(world.state.members == Array(StateWorld.replicas[0..<3]))
        #expect(world.state.membersNumber == 1)
        world.state.view.region = world.pair
        #expect(world.state.members == Array(StateWorld.replicas[3..<5]))
        #expect(world.state.membersNumber == 2)
    }

    @Test("a failover is of the next epoch, to the other region, at the record before it")
    func failover() throws {
        var world = try StateWorld(hasPair: true)
        func failover(to region: UniqueID, _ branch: LogPosition? = nil) -> LogBody {
            .failover(
                FailoverBody(region: region, branch: branch ?? world.state.position!))
        }
        #expect(
            try world.rule([failover(to: world.pair)], epoch: 1) == .noMembers(world.pair))
        let replicas = Array(StateWorld.replicas[3..<6])
        try world.commit([.members(MembersBody(region: world.pair, replicas: replicas))])
        #expect(
            try world.rule([failover(to: world.pair)], epoch: 0) == .epoch(expected: 1))
        #expect(try world.rule([failover(to: world.region)], epoch: 1) == .activeAlready)
        let stranger = UniqueID(high: 7, low: 7)
        #expect(
            try world.rule([failover(to: stranger)], epoch: 1) == .otherRegion(stranger))
        let first = LogPosition(number: 1, digest: world.records[0].digest)
        #expect(
            try world.rule([failover(to: world.pair, first)], epoch: 1) == .branchPoint)
        #expect(
            try world.rule([failover(to: world.pair), failover(to: world.region)], epoch: 2)
                == .secondFailover)
        #expect(try world.rule([Self.adoption(2, first: 2)]) == .noFailover)
        try world.commit([failover(to: world.pair)], epoch: 1)
        #expect(world.state.epoch == 1)
        #expect(world.state.activeRegion == world.pair)
        #expect(world.state.members == replicas)
        #expect(try world.rule([StateWorld.runs(["a"])], epoch: 0) == .epoch(expected: 1))
        // The pair cannot be left while it is the one that decides.
        #expect(try world.rule([.vault(world.settings())]) == .pair)
        try world.commit([Self.adoption(9, first: 3)])
        #expect(try world.rule([Self.adoption(9, first: 3)]) == .adoptedAlready(number: 9))
        #expect(try world.rule([Self.adoption(9, first: 5)]) == .branchBehind)
        #expect(try world.state.adoptedBranches().map(\.first) == [3])
    }

    static func adoption(_ tip: UInt64, first: UInt64) -> LogBody {
        let position = LogPosition(number: tip, digest: StateWorld.digest("tip"))
        return .adoption(AdoptionBody(tip: position, first: first, refusedSettings: []))
    }

    @Test("what is named or accepted comes before the record")
    func positions() throws {
        var world = try StateWorld()
        let position = try #require(world.state.position)
        func accept(_ number: UInt64, _ digest: Digest) -> LogBody {
            .accept(
                AcceptBody(
                    accepted: LogPosition(number: number, digest: digest), reason: "restored"))
        }
        func checkpoint(_ number: UInt64, _ root: String) -> LogBody {
            .checkpoint(CheckpointBody(number: number, root: StateWorld.digest(root)))
        }
        #expect(try world.rule([accept(2, position.digest)]) == .notBefore(2))
        #expect(try world.rule([accept(1, StateWorld.digest("x"))]) == .otherPosition(number: 1))
        #expect(try world.rule([accept(1, position.digest)]) == nil)
        #expect(try world.rule([checkpoint(2, "root")]) == .notBefore(2))
        try world.commit([checkpoint(1, "root")])
        #expect(try world.rule([checkpoint(1, "other")]) == .checkpointDiffers(number: 1))
        #expect(try world.rule([checkpoint(1, "root")]) == nil)
    }

    @Test("after a body that is not known nothing is written, and reading goes on")
    func unknown() throws {
        var world = try StateWorld()
        let body = try #require(
            UnknownBody(type: 4711, mustUnderstand: true, open: [1], hidden: []))
        try world.commit([.unknown(body), StateWorld.runs(["a"])])
        #expect(world.state.unknown?.record == 2)
        #expect(world.state.unknown?.body == body)
        #expect(world.state.runCount == 1)
        #expect(throws: (any Error).self) { _ = try world.state.makeCheckpoint() }
    }

    @Test("a record is taken in whole or not at all")
    func whole() throws {
        var world = try StateWorld()
        let before = try world.state.makeCheckpoint()
        let point = try world.point("web", 1)
        let bodies: [LogBody] = [
            .point(point), StateWorld.runs(["a"]), StateWorld.runs([], superseded: ["b"]),
        ]
        let record = try world.record(bodies)
        #expect(throws: (any Error).self) { try world.state.apply(record) }
        #expect(try world.state.makeCheckpoint().body == before.body)
        #expect(try world.state.point(point.id) == nil)
        #expect(
            try world.rule([.point(point), StateWorld.drop(point.id)]) == nil)
    }

    @Test("refusals name the record, the body and the rule")
    func named() throws {
        var world = try StateWorld()
        let record = try world.record([
            StateWorld.runs(["a"]), StateWorld.runs([], superseded: ["b"]),
        ])
        let error = try #require(throws: (any Error).self) { try world.state.apply(record) }
        let text = "\(error)"
        #expect(text.contains("record 2, body 2"))
        #expect(text.contains("index run \(StateWorld.digest("b").short) is not live"))
    }
}
