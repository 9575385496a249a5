import KuraFormat
import KuraIO
import KuraLog
import KuraReplicas
import Synchronization
import TestSupport
import Testing

extension World {
    /// How many records a full log has: a segment and some more.
    static let fullCount = 1027

    private static let fulls = Mutex<[Int: World]>([:])

    /// The same with fewer records.
    /// - Parameter last: the last record that is left.
    static func full(members: Int, cutTo last: UInt64) throws -> World {
        let world = try full(members: members)
        for index in 0..<members {
            let replica = try world.replica(index)
            let numbers = (last + 1)...UInt64(fullCount)
            try replica.store.delete(numbers.map { replica.names.log($0) })
            let marks = try replica.markNumbers()
            try replica.store.delete(marks.map { replica.names.mark(replica.id, $0) })
            #expect(try world.opened().catchUp(replica))
        }
        return world
    }

    /// A log whose first range is complete, in memory. It is made once and copied.
    static func full(members: Int) throws -> World {
        let made = fulls.withLock { $0[members] }
        if let made { return made.copied() }
        let world = try World(
            made: (0..<members).map { MemoryStore("memory-\($0)") }, members: members)
        let replicas = try (0..<members).map { try world.replica($0) }
        let seal = world.seal()
        var position = try world.readAll().tip.position
        while position.number < fullCount {
            let record = try seal.record(draft("\(position.number + 1)"), after: position)
            position = record.position
            let bytes = seal.decided(record).encoded()
            for replica in replicas {
                try replica.store.put(
                    replica.names.log(position.number), bytes, condition: .ifAbsent,
                    by: .random())
            }
        }
        for index in 0..<members {
            #expect(try world.opened().catchUp(world.replica(index)))
        }
        fulls.withLock { $0[members] = world }
        return world.copied()
    }

    /// A log that was read.
    func opened(_ program: Program = Program()) throws -> VaultLog<TestFold> {
        let log = open(program)
        _ = try log.read()
        return log
    }
}

@Suite("Packing")
struct PackingTests {
    @Test("puts a whole range into a segment, and removes its records and votes")
    func packs() throws {
        let world = try World.full(members: 3)
        let log = try world.opened()
        let votes = ["\(digits(9)).000", "\(digits(9)).001.claim", "\(digits(1026)).000"]
        let replica = try world.replica(1)
        for vote in votes {
            try replica.store.put(
                StoreName("vaults/\(world.vault.hex)/vote/\(vote)"), [1], condition: .ifAbsent,
                by: .random())
        }
        let report = try log.pack(replica)
        #expect(report == .init(segments: 1, removed: 1026))
        #expect(try world.names("segment", in: 1) == [digits(1)])
        #expect(try world.names("log", in: 1) == (1025...World.fullCount).map { digits($0) })
        #expect(try world.names("vote", in: 1) == ["\(digits(1026)).000"])
        #expect(try log.pack(replica) == .init())
        try world.expectSound()
        try world.expectGoesOn()
    }

    @Test("leaves a replica that is behind as it is, and packs it once it has caught up")
    func behind() throws {
        let world = try World.full(members: 3)
        let log = try world.opened()
        let replica = try world.replica(1)
        try replica.store.delete([replica.names.log(1026)])
        let marks = try replica.markNumbers()
        try replica.store.delete(marks.map { replica.names.mark(replica.id, $0) })
        #expect(try log.pack(replica) == .init())
        #expect(try world.names("segment", in: 1).isEmpty)
        #expect(try world.opened().catchUp(replica))
        #expect(try log.pack(replica) == .init(segments: 1, removed: 1024))
        try world.expectSound()
    }

    @Test("A record is read by itself, from a segment or not, and damage is no absence")
    func single() throws {
        let world = try World.full(members: 1)
        let replica = try world.replica(0)
        _ = try world.opened().pack(replica)
        for number in [1, 500, 1024, 1025] as [UInt64] {
            let digest = try #require(replica.single(number).value).record.digest
            #expect(digest == replica.record(number).value?.record.digest)
        }
        #expect(replica.single(5000).isMissing)
        let segment = replica.names.segment(of: 1)
        let bytes = try replica.store.contents(segment, max: 1 << 24)
        for (count, number) in [(100, 1), (bytes.count / 2, 1024)] as [(Int, UInt64)] {
            try replica.store.put(
                segment, Array(bytes.prefix(count)), condition: .replacing, by: .random())
            guard case .damaged = replica.single(number) else {
                Issue.record("\(count) bytes: \(replica.single(number))")
                continue
            }
        }
    }

    @Test("leaves a range that is not complete, and one whose end is not known")
    func incomplete() throws {
        let world = try World.full(members: 1)
        let replica = try world.replica(0)
        let tip = try world.readAll().tip
        let early = LogTip(
            state: tip.state,
            position: try #require(replica.record(1023).value?.record.position))
        let packing = Packing<TestFold>(world.seal())
        #expect(try packing.pack(replica, upTo: early) == .init())
        try replica.store.delete([replica.names.log(500)])
        #expect(try packing.pack(replica, upTo: tip) == .init())
        #expect(try world.names("log", in: 0).count == World.fullCount - 1)
    }

    @Test("refuses a damaged range, and leaves it as it is")
    func damaged() throws {
        let world = try World.full(members: 1)
        let name = "vaults/\(world.vault.hex)/log/\(digits(77))"
        world.memory(0).damage(name) { $0[$0.count / 2] ^= 1 }
        let tip = try World.full(members: 1).readAll().tip
        #expect(throws: KuraError.self) {
            try Packing<TestFold>(world.seal()).pack(try world.replica(0), upTo: tip)
        }
        #expect(try world.names("log", in: 0).count == World.fullCount)
    }

    @Test("that is killed at any call leaves every record where it can be read")
    func killed() throws {
        var last = 1025
        var isDead = true
        while isDead {
            let world = try World.full(members: 1)
            let program = MortalProgram(diesAt: last, isLastDone: last % 2 == 0)
            let log = world.open(program)
            _ = fault { _ = try log.read() }
            if let replica = log.replicas.first { _ = fault { _ = try log.pack(replica) } }
            isDead = program.isDead
            let reading = try world.readAll()
            #expect(reading.tip.position.number == UInt64(World.fullCount), "dies at \(last)")
            #expect(try world.opened().pack(world.replica(0)).removed >= 0)
            #expect(try world.readAll().tip.position == reading.tip.position)
            last += last % 1024 < 8 ? 1 : 173
        }
    }

    @Test("makes the same of a new member, which gets whole segments")
    func newMember() throws {
        let world = try World.full(members: 3)
        let log = try world.opened()
        for index in 0..<3 { _ = try log.pack(world.replica(index)) }
        world.replace(2)
        let fresh = try world.replica(2)
        #expect(try world.opened().catchUp(fresh))
        #expect(try world.names("segment", in: 2) == [digits(1)])
        #expect(try world.names("log", in: 2) == (1025...World.fullCount).map { digits($0) })
        #expect(
            try LogReader<TestFold>(world.seal()).read(from: .empty, in: [fresh])
                .tip.position == log.tip.position)
    }

    @Test("catching up heals a damaged record and a damaged segment")
    func heals() throws {
        let world = try World.full(members: 3)
        let log = try world.opened()
        for index in 0..<3 { _ = try log.pack(world.replica(index)) }
        let root = "vaults/\(world.vault.hex)"
        let replica = try world.replica(2)
        world.memory(2).damage("\(root)/segment/\(digits(1))") { $0[70_000] ^= 1 }
        world.memory(2).damage("\(root)/log/\(digits(1026))") { $0[20] ^= 1 }
        for mark in try replica.markNumbers() {
            try replica.store.delete([replica.names.mark(replica.id, mark)])
        }
        #expect(try world.opened().catchUp(replica))
        #expect(
            try LogReader<TestFold>(world.seal()).read(from: .empty, in: [replica])
                .tip.position == log.tip.position)
    }
}
