import KuraFormat
import KuraIO
import KuraLog
import KuraSeal
import TestSupport
import Testing

@Suite("States") struct VaultStateTests {
    @Test("agree with a naive model, also when they go on from checkpoints")
    func model() throws {
        try forAll(cases: 12) { seed, generator in
            var world = try StateWorld(seed: seed)
            var naive = NaiveState()
            var records = RandomRecords(generator)
            var pages = MemoryPages()
            var taken = 0
            for step in 0..<150 {
                let record = try world.record(try records.bodies(world))
                let isTaken = naive.apply(record.record)
                let rule = StateWorld.rule(record, on: world.state)
                try #require((rule == nil) == isTaken, "step \(step): \(String(describing: rule))")
                if isTaken {
                    try world.state.apply(record)
                    world.records.append(record)
                    taken += 1
                }
                if step % 10 == 9 {
                    try #require(try naive.difference(from: world.state) == nil)
                }
                if step % 25 == 24 {
                    let checkpoint = try world.state.makeCheckpoint()
                    pages.pages.merge(checkpoint.pages) { _, new in new }
                    try world.state.settle(on: checkpoint, pages: pages)
                    try #require(try naive.difference(from: world.state) == nil)
                }
            }
            #expect(taken > 30)
            // Followed from record 1 without a checkpoint on the way, it is the same state.
            var whole = VaultState()
            for record in world.records { try whole.apply(record) }
            try #require(
                try whole.makeCheckpoint().body == world.state.makeCheckpoint().body)
        }
    }

    @Test("are opened from a checkpoint without a page, and count once it is named")
    func opened() throws {
        var world = try StateWorld()
        try world.commit([.point(try world.point("web", 1)), StateWorld.runs(["a"])])
        let checkpoint = try world.state.makeCheckpoint()
        let source = CountingPages(checkpoint.pages)
        var state = try VaultState(checkpoint.body, root: checkpoint.root, pages: source)
        #expect(source.reads == 0)
        #expect(!state.isOriginNamed)
        #expect(state.members == world.state.members)
        #expect(state.keys == world.state.keys)
        #expect(state.vaultSettings == world.state.vaultSettings)
        try world.commit([StateWorld.runs(["b"])])
        try world.commit([.checkpoint(checkpoint.body)])
        for record in world.records.suffix(2) { try state.apply(record) }
        #expect(state.isOriginNamed)
        #expect(state.runCount == 2)
        #expect(try state.makeCheckpoint().body == world.state.makeCheckpoint().body)
    }

    @Test("say for which keys neither record 1 nor the root key speaks")
    func proof() throws {
        var world = try StateWorld()
        let other = try SigningKey.random()
        try world.commit([world.key(other, [.write])])
        #expect(world.state.keysWithoutProof().map(\.body.id) == [world.home.id])
        #expect(world.state.keysWithoutProof(first: world.records[0]).isEmpty)
        let foreign = try StateWorld(seed: 2)
        #expect(world.state.keysWithoutProof(first: foreign.records[0]).count == 1)
        // A root that a hostile replica made: its own key beside those of the vault.
        let checkpoint = try world.state.makeCheckpoint()
        var root = try CheckpointRoot.decode(checkpoint.root).root
        let evil = try SigningKey.random()
        let body = KeyBody(
            key: evil.publicKey.stored, rights: .all, rootSignature: evil.sign([1]), name: "evil")
        root.keys.append(
            CheckpointRoot.Key(body: body, number: 2, previous: world.records[0].digest))
        root.keys.sort { $0.body.id.hex < $1.body.id.hex }
        let (bytes, name) = root.encoded()
        let state = try VaultState(
            CheckpointBody(number: 2, root: name), root: bytes, pages: MemoryPages())
        let unproven = state.keysWithoutProof(first: world.records[0])
        #expect(unproven.map(\.body.id) == [evil.id])
    }

    @Test("are found by a hint that is right or old, and by no other")
    func hints() throws {
        var world = try StateWorld()
        let checkpoint = try world.state.makeCheckpoint()
        try world.commit([.checkpoint(checkpoint.body)])
        func hinted(_ hint: [UInt8], root: [UInt8]?) throws -> VaultState? {
            try VaultState.hinted(
                by: hint, of: world.vault, pages: MemoryPages(checkpoint.pages)
            ) { body throws(KuraError) in
                body == checkpoint.body ? root : nil
            }
        }
        let hint = CheckpointHint(vault: world.vault, checkpoint: checkpoint.body)
        var state = try #require(try hinted(hint.encoded(), root: checkpoint.root))
        try state.apply(world.records[1])
        #expect(state.isOriginNamed)
        #expect(state.position == world.state.position)
        #expect(try hinted(hint.encoded(), root: nil) == nil)
        #expect(try hinted(hint.encoded(), root: [1, 2, 3]) == nil)
        #expect(try hinted([], root: checkpoint.root) == nil)
        #expect(try hinted(Array(hint.encoded().dropLast()), root: checkpoint.root) == nil)
        var other = hint
        other.vault = UniqueID(high: 1, low: 1)
        #expect(try hinted(other.encoded(), root: checkpoint.root) == nil)
        other = hint
        other.checkpoint.root = StateWorld.digest("other")
        #expect(try hinted(other.encoded(), root: checkpoint.root) == nil)
    }

    @Test("refuse a record that names another checkpoint of the same number")
    func contradiction() throws {
        var world = try StateWorld()
        let checkpoint = try world.state.makeCheckpoint()
        let state = try VaultState(checkpoint.body, root: checkpoint.root, pages: MemoryPages())
        let other = CheckpointBody(number: 1, root: StateWorld.digest("other"))
        let record = try world.record([.checkpoint(other)])
        #expect(StateWorld.rule(record, on: state) == .checkpointDiffers(number: 1))
    }

    @Test("say that a page is missing, and are as they were")
    func missingPage() throws {
        var world = try StateWorld()
        let point = try world.point("web", 1)
        try world.commit([.point(point)])
        let checkpoint = try world.state.makeCheckpoint()
        var state = try VaultState(checkpoint.body, root: checkpoint.root, pages: MemoryPages())
        let record = try world.record([StateWorld.drop(point.id)])
        let error = try #require(throws: KuraError.self) { try state.apply(record) }
        #expect(error.code == .absent)
        #expect(state.position == world.state.position)
    }
}

/// Pages in memory that count how often they are read.
final class CountingPages: PageSource, @unchecked Sendable {
    private let pages: MemoryPages
    private(set) var reads = 0

    init(_ pages: [Digest: [UInt8]]) { self.pages = MemoryPages(pages) }

    func page(_ name: Digest) throws(KuraError) -> [UInt8] {
        reads += 1
        return try pages.page(name)
    }
}
