import KuraFormat
import KuraIO
import KuraLog
import KuraSeal
import TestSupport
import Testing

@Suite("Checkpoints") struct CheckpointTests {
    /// A vault with many points of few items, in records of 100.
    static func world(points: Int, items: Int = 7) throws -> StateWorld {
        var world = try StateWorld()
        var bodies: [LogBody] = []
        for number in 0..<points {
            let point = try world.point(
                "item \(number % items)", UInt64(number / items + 1), time: Int64(number))
            bodies.append(.point(point))
            if bodies.count == 100 || number == points - 1 {
                try world.commit(bodies)
                bodies = []
            }
        }
        return world
    }

    @Test("are the same bytes, whichever checkpoints were made on the way")
    func deterministic() throws {
        try forAll(cases: 6) { seed, generator in
            var world = try StateWorld(seed: seed)
            var records = RandomRecords(generator)
            var stepwise = world.state
            var pages = MemoryPages()
            for _ in 0..<60 {
                let record = try world.record(try records.bodies(world))
                guard StateWorld.rule(record, on: world.state) == nil else { continue }
                try world.state.apply(record)
                try stepwise.apply(record)
                guard Int.random(in: 0..<5, using: &generator) == 0 else { continue }
                let checkpoint = try stepwise.makeCheckpoint()
                pages.pages.merge(checkpoint.pages) { _, new in new }
                try stepwise.settle(on: checkpoint, pages: pages)
            }
            let whole = try world.state.makeCheckpoint()
            let part = try stepwise.makeCheckpoint()
            try #require(whole.root == part.root)
            try #require(whole.pages.merging(part.pages) { $1 } == whole.pages)
            try #require(part.pages.count <= whole.pages.count)
        }
    }

    @Test("share pages: one point more changes one page of each kind that knows points")
    func sharing() throws {
        var world = try Self.world(points: 3000)
        let first = try world.state.makeCheckpoint()
        #expect(first.pages.count > 8)
        try world.state.settle(on: first, pages: MemoryPages(first.pages))
        #expect(try world.state.makeCheckpoint().pages.isEmpty)
        try world.commit([.point(try world.point("item 3", 10_000))])
        #expect(try world.state.makeCheckpoint().pages.count <= 2)
    }

    @Test("with a level above the others change one page more of each kind")
    func levels() throws {
        var world = try Self.world(points: 9000)
        let first = try world.state.makeCheckpoint()
        let root = try CheckpointRoot.decode(first.root).root
        #expect(root.pages.first?.level == 1)
        #expect(root.pages.allSatisfy { $0.pages.count <= 16 })
        let source = CountingPages(first.pages)
        world.state = try VaultState(first.body, root: first.root, pages: source)
        #expect(try world.state.newestPoint(of: "item 3")?.sequence == 1286)
        #expect(source.reads <= 4)
        try world.commit([.point(try world.point("item 3", 10_000))])
        #expect(try world.state.makeCheckpoint().pages.count <= 4)
        try Self.requireWhole(world.state)
    }

    /// The state is what its records say when they are followed from the first.
    static func requireWhole(_ state: VaultState) throws {
        var count: UInt64 = 0
        try state.visitPoints { _ throws(KuraError) in
            count += 1
            return true
        }
        #expect(count == state.pointCount)
    }

    @Test("are read page by page: the points of one item, and its newest one")
    func lazy() throws {
        let world = try Self.world(points: 3000)
        let checkpoint = try world.state.makeCheckpoint()
        let source = CountingPages(checkpoint.pages)
        let state = try VaultState(checkpoint.body, root: checkpoint.root, pages: source)
        let newest = try #require(try state.newestPoint(of: "item 5"))
        #expect(newest.sequence == 428)
        #expect(source.reads <= 2)
        var sequences: [UInt64] = []
        try state.visitPoints(of: "item 5") { point throws(KuraError) in
            sequences.append(point.sequence)
            return true
        }
        #expect(sequences == Array(1...428))
        #expect(source.reads < checkpoint.pages.count / 2)
        #expect(try state.newestPoint(of: "item") == nil)
        #expect(try state.newestPoint(of: "item 55") == nil)
    }

    @Test("of large entries end pages before their limit, and stay deterministic")
    func large() throws {
        var world = try StateWorld()
        let texts = ["", String(repeating: "x", count: 32 << 10)]
        var subjects: [String] = []
        for number in 0..<90 {
            let subject = "policy/\(number)"
            subjects.append(subject)
            try world.commit([
                .setting(SettingBody(subject: subject, before: "", after: texts[1]))
            ])
        }
        var pages = MemoryPages()
        for subject in subjects.shuffled().prefix(30) {
            let checkpoint = try world.state.makeCheckpoint()
            pages.pages.merge(checkpoint.pages) { _, new in new }
            try world.state.settle(on: checkpoint, pages: pages)
            try world.commit([
                .setting(
                    SettingBody(
                        subject: subject, before: texts[1], after: Bool.random() ? "1" : ""))
            ])
        }
        var whole = VaultState()
        for record in world.records { try whole.apply(record) }
        #expect(try whole.makeCheckpoint().root == world.state.makeCheckpoint().root)
    }

    @Test("are refused with another name, another number, or of damaged bytes")
    func roots() throws {
        let world = try StateWorld()
        let checkpoint = try world.state.makeCheckpoint()
        let wrong = [
            CheckpointBody(number: 2, root: checkpoint.body.root),
            CheckpointBody(number: 1, root: StateWorld.digest("other")),
        ]
        for body in wrong {
            #expect(throws: KuraError.self) {
                _ = try VaultState(body, root: checkpoint.root, pages: MemoryPages())
            }
        }
        for position in stride(from: 0, to: checkpoint.root.count, by: 7) {
            var root = checkpoint.root
            root[position] ^= 1
            #expect(throws: KuraError.self) {
                _ = try VaultState(checkpoint.body, root: root, pages: MemoryPages())
            }
        }
    }

    @Test("with hostile pages give errors and do not trap")
    func hostile() throws {
        let world = try Self.world(points: 1500)
        let checkpoint = try world.state.makeCheckpoint()
        let root = try CheckpointRoot.decode(checkpoint.root).root
        let points = try #require(root.pages.first)
        // Each page in the place of each other, cut short, or with a changed byte.
        for reference in points.pages {
            var hostile: [[UInt8]] = Array(checkpoint.pages.values)
            let own = try #require(checkpoint.pages[reference.page])
            hostile = hostile.filter { $0 != own }
            hostile.append(Array(own.dropLast()))
            var changed = own
            changed[own.count / 2] ^= 4
            hostile.append(changed)
            for bytes in hostile {
                var pages = MemoryPages(checkpoint.pages)
                pages.pages[reference.page] = bytes
                let state = try VaultState(checkpoint.body, root: checkpoint.root, pages: pages)
                #expect(throws: KuraError.self) { try Self.requireWhole(state) }
            }
        }
    }

    @Test("whose root names pages in the wrong place, or of wrong counts, give errors")
    func hostileRoots() throws {
        let world = try Self.world(points: 1500)
        let checkpoint = try world.state.makeCheckpoint()
        let good = try CheckpointRoot.decode(checkpoint.root).root
        func state(_ change: (inout CheckpointRoot) -> Void) throws -> VaultState {
            var root = good
            change(&root)
            let (bytes, name) = root.encoded()
            return try VaultState(
                CheckpointBody(number: root.position.number, root: name), root: bytes,
                pages: MemoryPages(checkpoint.pages))
        }
        try Self.requireWhole(state { _ in })
        let wrong: [(inout CheckpointRoot) -> Void] = [
            { $0.pages[0].pages[0].entries += 1 },
            { $0.pages[0].pages[0].byteCount -= 1 },
            { $0.pages[0].pages[1].firstKey[0] ^= 1 },
            { $0.pages[0].pages[1].page = $0.pages[0].pages[0].page },
            { $0.pages[0].level = 1 },
            { $0.pages[0].pages[0].entries = .max },
            { $0.vault = UniqueID(high: 1, low: 2) },
        ]
        for change in wrong {
            #expect(throws: KuraError.self) { try Self.requireWhole(try state(change)) }
        }
    }

    @Test("of hostile counts do not trap a state that goes on from them")
    func hostileCounts() throws {
        var world = try StateWorld()
        let point = try world.point("web", 1)
        try world.commit([.point(point), StateWorld.drop(point.id)])
        let checkpoint = try world.state.makeCheckpoint()
        var root = try CheckpointRoot.decode(checkpoint.root).root
        for index in root.pages.indices {
            var wrong = root.pages[index].pages[0]
            wrong.firstKey = [0xff, 0xff, 0xff]
            wrong.entries = .max
            root.pages[index].pages.append(wrong)
        }
        let (bytes, name) = root.encoded()
        var state = try VaultState(
            CheckpointBody(number: 2, root: name), root: bytes,
            pages: MemoryPages(checkpoint.pages))
        try state.apply(try world.record([.forget(ForgetBody(points: [point.id]))]))
        #expect(!state.isCheckpointDue)
        #expect(throws: KuraError.self) { try Self.requireWhole(state) }
        _ = Result { try state.makeCheckpoint() }
    }

    @Test("are due when the tail is long and the state is another by an eighth")
    func due() throws {
        var world = try Self.world(points: 1000)
        let checkpoint = try world.state.makeCheckpoint()
        try world.state.settle(on: checkpoint, pages: MemoryPages(checkpoint.pages))
        try world.commit([.checkpoint(checkpoint.body)])
        for number in 0..<128 {
            #expect(!world.state.isCheckpointDue)
            try world.commit([StateWorld.runs(["run \(number)"])])
        }
        // 2 x 1000 entries of points, and 128 runs: far from an eighth.
        #expect(!world.state.isCheckpointDue)
        for number in 0..<200 { try world.commit([StateWorld.runs(["more \(number)"])]) }
        #expect(world.state.isCheckpointDue)
    }
}
