import KuraFormat
import KuraLog
import KuraSeal
import TestSupport
import Testing

/// Each rule by its name, and what it lets pass.
@Suite("Rules of a state") struct StateRuleTests {
    @Test("a record is of this vault, follows the one before, and has its number and epoch")
    func chain() throws {
        var world = try StateWorld()
        let next = try world.record([StateWorld.runs(["a"])])
        let other = try StateWorld(seed: 2)
        #expect(StateWorld.rule(next, on: other.state) == .otherVault)
        #expect(StateWorld.rule(next, on: VaultState()) == .number(expected: 1))
        #expect(StateWorld.rule(world.records[0], on: world.state) == .number(expected: 2))
        #expect(try world.rule([StateWorld.runs(["a"])], epoch: 1) == .epoch(expected: 0))
        let left = try world.record([StateWorld.runs(["b"])])
        try world.state.apply(next)
        #expect(StateWorld.rule(left, on: world.state) == .number(expected: 3))
        let after = try world.record([StateWorld.runs(["c"])])
        var branch = try StateWorld()
        try branch.commit([StateWorld.runs(["b"])])
        #expect(branch.vault == world.vault)
        #expect(StateWorld.rule(after, on: branch.state) == .previous)
    }

    @Test("record 1 brings settings, root key and members")
    func first() throws {
        var world = try StateWorld()
        let settings = world.settings()
        let members = MembersBody(region: world.region, replicas: [StateWorld.replicas[0]])
        world.state = VaultState()
        #expect(try world.rule([.vault(settings), .members(members)], by: world.root) == nil)
        #expect(try world.rule([.vault(settings), .members(members)]) == .signer)
        #expect(
            try world.rule([.vault(settings)], by: world.root) == .noMembers(world.region))
        var deleted = settings
        deleted.state = .softDeleted
        #expect(
            try world.rule([.vault(deleted), .members(members)], by: world.root)
                == .firstRecord("makes a vault that can be used"))
        var weak = settings
        weak.rootKey = PublicKeyBytes([1] + [UInt8](repeating: 0, count: 31))!
        let record = LogRecord(
            vault: nil, number: 1, previous: nil, epoch: 0, time: 0,
            salt: StateWorld.digest("salt"), surface: .library, actor: "a", operation: "b",
            bodies: [.vault(weak), .members(members)])
        let id = KeyID(of: weak.rootKey)
        let encoded = try LogRecord.encoded(
            content: record.content(signer: id), signature: Signature.none)
        #expect(StateWorld.rule(encoded, on: VaultState()) == .unusableKey(id))
    }

    @Test("only admitted keys sign, each what its rights say, by the state before the record")
    func rights() throws {
        var world = try StateWorld()
        let point = try world.point("web", 1)
        try world.commit([.point(point), StateWorld.runs(["a"])])
        let writer = try SigningKey.random()
        #expect(try world.rule([StateWorld.runs(["b"])], by: writer) == .signer)
        try world.commit([world.key(writer, [.write])])
        #expect(try world.rule([StateWorld.runs(["b"])], by: writer) == nil)
        let forbidden: [(LogBody, String)] = [
            (StateWorld.drop(point.id), "prune"),
            (.condemn(CondemnBody(packs: StateWorld.packs("p"))), "prune"),
            (.release(ReleaseBody(points: [point.id], name: "x")), "prune"),
            (.lost(LostBody(objects: [.init(.pack, StateWorld.digest("p"))], reason: "")), "prune"),
            (.setting(SettingBody(subject: "s", before: "", after: "1")), "settings"),
            (.vault(world.settings()), "settings"),
            (.members(MembersBody(region: world.region, replicas: [world.pair])), "members"),
            (
                .accept(AcceptBody(accepted: world.state.position!, reason: "")), "members"
            ),
        ]
        for (body, right) in forbidden {
            #expect(try world.rule([body], by: writer) == .right(right))
            #expect(try world.rule([body], by: world.root) != .right(right))
        }
        // A right that the record itself brings does not count in it.
        let more = world.key(writer, .all)
        #expect(try world.rule([more, StateWorld.drop(point.id)], by: writer) == .right("prune"))
        try world.commit([more], by: writer)
        #expect(try world.rule([StateWorld.drop(point.id)], by: writer) == nil)
        try world.commit([world.key(writer, .all, isAdmitted: false)])
        #expect(try world.rule([StateWorld.runs(["b"])], by: writer) == .signer)
        #expect(world.state.knownKey(of: writer.id) == writer.publicKey.stored)
    }

    @Test("the root key alone admits, removes and replaces keys, for one place in the log")
    func keys() throws {
        var world = try StateWorld()
        let other = try SigningKey.random()
        let forged = world.key(other, .all, by: world.home)
        #expect(try world.rule([forged]) == .keyNotByRoot(other.id))
        let body = world.key(other, [.write])
        try world.commit([StateWorld.runs(["a"])])
        // Signed for the record before this one.
        #expect(try world.rule([body]) == .keyNotByRoot(other.id))
        #expect(
            try world.rule([world.key(other, .all, isAdmitted: false)]) == .unknownKey(other.id))
        let next = try SigningKey.random()
        #expect(try world.rule([world.rekey(next, by: other)]) == .rekeyNotByRoot(next.id))
        try world.commit([world.rekey(next)])
        #expect(try world.rule([world.key(other, .all)]) == .keyNotByRoot(other.id))
        #expect(try world.rule([world.key(other, .all, by: next)]) == nil)
        #expect(try world.rule([StateWorld.runs(["b"])]) == nil)
        #expect(try world.rule([StateWorld.runs(["b"])], by: world.root) == .signer)
        #expect(try world.rule([StateWorld.runs(["b"])], by: next) == nil)
    }

    @Test("a new root key without the old one counts only where a person accepted it")
    func newBeginning() throws {
        var world = try StateWorld()
        let next = try SigningKey.random()
        let body = world.rekey(next, reason: .lost)
        #expect(try world.rule([body], by: next) == .signer)
        #expect(try world.rule([body]) == .rekeyNotByRoot(next.id))
        world.state.view.acceptedRoots = [next.id]
        #expect(try world.rule([StateWorld.runs(["a"])], by: next) == .signer)
        try world.commit([body], by: next)
        #expect(world.state.vaultSettings?.rootKey == next.publicKey.stored)
    }

    @Test("points: known once, dropped once, back until they are forgotten, not while held")
    func points() throws {
        var world = try StateWorld()
        let point = try world.point("web", 1)
        let id = point.id
        let unknown = StateWorld.digest("none")
        let undrop = LogBody.undrop(UndropBody(points: [id], reason: ""))
        let forget = LogBody.forget(ForgetBody(points: [id]))
        let hold = LogBody.hold(HoldBody(points: [id], name: "case", reason: "court"))
        let release = LogBody.release(ReleaseBody(points: [id], name: "case"))
        try world.commit([.point(point)])
        #expect(try world.rule([.point(point)]) == .pointExists(id))
        #expect(try world.rule([StateWorld.drop(unknown)]) == .unknownPoint(unknown))
        #expect(try world.rule([undrop]) == .notDropped(id))
        #expect(try world.rule([forget]) == .notDropped(id))
        #expect(try world.rule([release]) == .noSuchHold(id, "case"))
        try world.commit([hold])
        #expect(try world.rule([hold]) == .heldAlready(id, "case"))
        #expect(try world.rule([StateWorld.drop(id)]) == .held(id))
        try world.commit([release, StateWorld.drop(id)])
        #expect(try world.state.newestPoint(of: "web") == nil)
        #expect(try world.rule([StateWorld.drop(id)]) == .dropped(id))
        try world.commit([hold])
        #expect(try world.rule([forget]) == .held(id))
        try world.commit([undrop])
        #expect(try world.state.newestPoint(of: "web")?.id == id)
        try world.commit([release, StateWorld.drop(id), forget])
        #expect(try world.state.point(id) == nil)
        #expect(try world.rule([undrop]) == .unknownPoint(id))
        #expect(try world.rule([forget]) == .unknownPoint(id))
        #expect(world.state.pointCount == 0)
    }

    @Test("points are of this vault, and their items have no zero byte in their names")
    func foreignPoints() throws {
        var world = try StateWorld()
        let other = try StateWorld(seed: 2)
        let foreign = try other.point("web", 1)
        #expect(try world.rule([.point(foreign)]) == .pointOfOtherVault(foreign.id))
        #expect(try world.rule([.point(try world.point("a\0b", 1))]) == .itemName)
        var deleted = world.settings()
        deleted.state = .softDeleted
        try world.commit([.vault(deleted)])
        #expect(try world.rule([.point(try world.point("web", 1))]) == .deletedVault)
    }

    @Test("a point has at most so many holds")
    func holds() throws {
        var world = try StateWorld()
        let point = try world.point("web", 1)
        try world.commit([.point(point)])
        let holds = (0..<VaultState.holdsMax).map { number in
            LogBody.hold(HoldBody(points: [point.id], name: "\(number)", reason: ""))
        }
        try world.commit(holds)
        let more = LogBody.hold(HoldBody(points: [point.id], name: "more", reason: ""))
        #expect(try world.rule([more]) == .tooManyHolds(point.id))
    }

    @Test("copies of points are found by the ids that they had")
    func copies() throws {
        var world = try StateWorld()
        let old = StateWorld.digest("old id")
        let point = try world.point("web", 1, original: old)
        try world.commit([.point(point)])
        #expect(try world.state.copies(of: old) == [point.id])
        #expect(try world.state.original(of: point.id) == old)
        #expect(try world.state.point(old) == nil)
        try world.commit([StateWorld.drop(point.id), .forget(ForgetBody(points: [point.id]))])
        #expect(try world.state.copies(of: old) == [])
    }

    @Test("runs: added once, superseded while they are live")
    func runs() throws {
        var world = try StateWorld()
        let (a, b) = (StateWorld.digest("a"), StateWorld.digest("b"))
        try world.commit([StateWorld.runs(["a"])])
        #expect(try world.rule([StateWorld.runs(["a"])]) == .runExists(a))
        #expect(try world.rule([StateWorld.runs([], superseded: ["b"])]) == .runNotLive(b))
        #expect(
            try world.rule([StateWorld.runs(["b"], superseded: ["b"])]) == .runNotLive(b))
        try world.commit([StateWorld.runs(["b"], superseded: ["a"])])
        #expect(try world.state.liveRuns().map(\.run.id) == [b])
        #expect(try world.rule([StateWorld.runs(["c"], superseded: ["a"])]) == .runNotLive(a))
    }

    @Test("packs: condemned, spared or swept, deleted, and never swept by the record that condemns")
    func packs() throws {
        var world = try StateWorld()
        let (p, q) = (StateWorld.digest("p"), StateWorld.digest("q"))
        let condemn = LogBody.condemn(CondemnBody(packs: StateWorld.packs("p", "q")))
        func sweep(_ record: UInt64, _ packs: [PackID]) -> LogBody {
            .sweep(SweepBody(condemned: record, packs: packs))
        }
        #expect(try world.rule([sweep(1, [p])]) == .notCondemned(p))
        #expect(try world.rule([.spare(SpareBody(packs: [p]))]) == .notCondemned(p))
        #expect(
            try world.rule([condemn, sweep(2, [p])]) == .condemnedElsewhere(p, record: 2))
        try world.commit([condemn])
        #expect(
            try world.rule([condemn]) == .condemned([p, q].sorted()[0]))
        #expect(try world.rule([sweep(1, [p])]) == .condemnedElsewhere(p, record: 2))
        try world.commit([.spare(SpareBody(packs: [q]))])
        #expect(try world.rule([sweep(2, [p, q].sorted())]) == .notCondemned(q))
        try world.commit([sweep(2, [p])])
        #expect(try world.state.pack(p) == PackEntry(pack: p, condemned: 2, swept: 4))
        #expect(try world.rule([sweep(2, [p])]) == .swept(p))
        #expect(try world.rule([.spare(SpareBody(packs: [p]))]) == .swept(p))
        #expect(try world.rule([.condemn(CondemnBody(packs: [p]))]) == .swept(p))
        #expect(try world.rule([.deleted(DeletedBody(sweeps: [3]))]) == .noSuchSweep(3))
        try world.commit([.deleted(DeletedBody(sweeps: [4]))])
        #expect(try world.state.outgoingPacks().isEmpty)
        #expect(try world.rule([.deleted(DeletedBody(sweeps: [4]))]) == .noSuchSweep(4))
    }

    @Test("objects are lost once, while they are there, until they are gone")
    func lost() throws {
        var world = try StateWorld()
        let point = try world.point("web", 1)
        let run = StateWorld.digest("a")
        let pack = StateWorld.digest("p")
        func lose(_ kind: LostBody.Kind, _ name: Digest) -> LogBody {
            .lost(LostBody(objects: [.init(kind, name)], reason: "fire"))
        }
        #expect(try world.rule([lose(.point, point.id)]) == .unknownPoint(point.id))
        #expect(try world.rule([lose(.run, run)]) == .runNotLive(run))
        try world.commit([.point(point), StateWorld.runs(["a"])])
        try world.commit([lose(.point, point.id), lose(.run, run), lose(.pack, pack)])
        #expect(try world.rule([lose(.pack, pack)]) == .lostAlready(pack))
        #expect(try world.state.lost(.init(.run, run))?.number == 3)
        try world.commit([
            StateWorld.runs([], superseded: ["a"]), StateWorld.drop(point.id),
            .forget(ForgetBody(points: [point.id])), .condemn(CondemnBody(packs: [pack])),
        ])
        #expect(try world.state.lost(.init(.run, run)) == nil)
        #expect(try world.state.lost(.init(.point, point.id)) == nil)
        try world.commit([.sweep(SweepBody(condemned: 4, packs: [pack]))])
        #expect(try world.rule([lose(.pack, pack)]) == .swept(pack))
        try world.commit([.deleted(DeletedBody(sweeps: [5]))])
        #expect(try world.state.lost(.init(.pack, pack)) == nil)
    }

    @Test("a setting changes from what it was")
    func settings() throws {
        var world = try StateWorld()
        func set(_ before: String, _ after: String) -> LogBody {
            .setting(SettingBody(subject: "policy/gold", before: before, after: after))
        }
        #expect(try world.rule([set("0", "1")]) == .settingDiffers(subject: "policy/gold"))
        try world.commit([set("", "1")])
        #expect(try world.state.setting("policy/gold")?.value == "1")
        try world.commit([set("1", "2")])
        #expect(try world.rule([set("1", "3")]) == .settingDiffers(subject: "policy/gold"))
        #expect(try world.state.settings("policy/").map(\.subject) == ["policy/gold"])
        #expect(try world.state.settings("item/").isEmpty)
        try world.commit([set("2", "")])
        #expect(try world.state.setting("policy/gold") == nil)
    }
}
