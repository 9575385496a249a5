import KuraFormat
import KuraIO
import KuraLog
import KuraReplicas
import TestSupport
import Testing

@Suite("A commit")
struct CommitTests {
    @Test(
        "is in every member when it is acknowledged", arguments: Medium.allCases, [1, 2, 3])
    func everywhere(_ medium: Medium, _ members: Int) throws {
        try World.with(medium, members: members) { world throws in
            let commit = try #require(
                try world.open().add("one", required: members, in: world))
            #expect(commit.isAcknowledged)
            #expect(commit.copies.count == members)
            for index in 0..<members {
                #expect(
                    try world.replica(index).record(2).value?.record.position == commit.position)
                #expect(try world.names("whole", in: index).count == 1)
            }
            try world.expectSound()
        }
    }

    @Test("follows the one before it, also of another program", arguments: Medium.allCases)
    func follows(_ medium: Medium) throws {
        try World.with(medium) { world throws in
            let log = world.open()
            for number in 2...5 {
                let commit = try log.add("\(number)", required: 3, in: world)
                #expect(commit?.position.number == UInt64(number))
            }
            let other = world.open(Program(TestKey(2)))
            #expect(try other.add("six", required: 3, in: world)?.position.number == 6)
            // The first program does not know of it and finds out.
            #expect(try log.add("seven", required: 3, in: world)?.position.number == 7)
            #expect(log.tip.state.notes == ["create", "2", "3", "4", "5", "six", "seven"])
            try world.expectSound()
        }
    }

    @Test("is not made where nothing is proposed")
    func nothing() throws {
        try World.with { world throws in
            let program = Program()
            let log = world.open(program)
            _ = try log.read()
            let calls = program.events.count
            #expect(try log.commit { _ throws(KuraError) in nil } == nil)
            #expect(program.events.count == calls)
        }
    }

    @Test("checks the state again for each number that another program won")
    func checksAgain() throws {
        try World.with { world throws in
            let log = world.open()
            let other = world.open(Program(TestKey(2)))
            _ = try log.read()
            _ = try other.read()
            try other.add("theirs", in: world)
            var seen: [[String]] = []
            let commit = try log.commit { tip throws(KuraError) in
                seen.append(tip.state.notes)
                return Proposal(World.draft("ours"), required: 3)
            }
            #expect(seen == [["create"], ["create", "theirs"]])
            #expect(commit?.position.number == 3)
        }
    }

    @Test("says in how many copies it is where these are too few")
    func tooFew() throws {
        try World.with { world throws in
            world.away = [2]
            let commit = try #require(try world.open().add("one", required: 3, in: world))
            #expect(!commit.isAcknowledged)
            #expect(commit.copies == Set(try [0, 1].map { try world.replica($0).id }))
        }
    }

    @Test("is refused where too few members have what it needs")
    func holders() throws {
        try World.with { world throws in
            let log = world.open()
            let holders: Set = [try world.replica(0).id, UniqueID.random()]
            let found = fault {
                _ = try log.commit { _ throws(KuraError) in
                    Proposal(
                        World.draft("one", [World.listing("pack")]), required: 2,
                        holders: holders)
                }
            }
            #expect(found == .tooFewHolders(has: 1, needed: 2))
            #expect(try world.names("vote", in: 0) == [])
        }
    }

    @Test("marks a member only if that has what the record lists")
    func marksHolders() throws {
        try World.with { world throws in
            for index in 0..<2 {
                let replica = try world.replica(index)
                try replica.store.put(
                    TestObjects.name("pack", replica), [1], condition: .content, by: .random())
            }
            let holders = Set(try [0, 1].map { try world.replica($0).id })
            let commit = try world.open().commit { _ throws(KuraError) in
                Proposal(
                    World.draft("one", [World.listing("pack")]), required: 2, holders: holders)
            }
            #expect(commit?.copies == holders)
            #expect(try world.names("log", in: 2).count == 2)
            #expect(try world.replica(2).mark(world.seal(), TestFold()).number == 0)
            try world.expectSound()
        }
    }

    @Test("copies what it lists to others where more copies are required")
    func bringsOthers() throws {
        try World.with { world throws in
            let replica = try world.replica(0)
            try replica.store.put(
                TestObjects.name("pack", replica), [1], condition: .content, by: .random())
            let commit = try world.open().commit { _ throws(KuraError) in
                Proposal(
                    World.draft("one", [World.listing("pack")]), required: 1,
                    holders: [replica.id])
            }
            #expect(commit?.copies == [replica.id])
            let next = try world.open().add("two", required: 3, in: world)
            #expect(next?.copies.count == 3)
            try world.expectSound()
        }
    }

    @Test("is refused where the key of the program is not admitted")
    func notAdmitted() throws {
        try World.with { world throws in
            let stranger = TestKey(9)
            #expect(
                fault { try world.open(Program(stranger)).add("one") }
                    == .notAdmitted(stranger.id))
            #expect(try world.names("vote", in: 0) == [])
        }
    }

    @Test("costs few calls", arguments: [(3, 7), (2, 7), (1, 6)])
    func calls(_ members: Int, _ most: Int) throws {
        try World.with(members: members) { world throws in
            // The first one makes sure that the members have the record that names them.
            try world.open().add("before", required: members, in: world)
            let program = Program()
            let log = world.open(program)
            _ = try log.readFirst()
            let before = program.events.count
            let commit = try log.add("one", required: members, in: world)
            #expect(commit?.copies.count == members)
            let events = program.events.dropFirst(before)
            for index in 0..<members {
                #expect(events.count { $0.replica == index } == most, "\(events)")
            }
            #expect(events.allSatisfy { $0.call != "list" })
            // The second one knows already what is whole.
            try log.add("two", required: members, in: world)
            let second = program.events.dropFirst(before + events.count)
            for index in 0..<members {
                #expect(second.count { $0.replica == index } == most - 1, "\(second)")
            }
        }
    }

    @Test("of the next number waits until a majority of new members has the log")
    func newMembers() throws {
        try World.with(spare: 1) { world throws in
            let log = world.open()
            for number in 2...4 { try log.add("\(number)", required: 3, in: world) }
            let ids = try (0..<4).map { try world.replica($0).id }
            let members = MembersBody(region: world.region, replicas: [ids[1], ids[2], ids[3]])
            world.away = [2, 3]
            // A majority of the old members decides it.
            world.away = [2]
            try log.add("members", [.members(members)], required: 1, in: world)
            world.away = [2, 3]
            let found = fault { try world.open(Program(TestKey(2))).add("next") }
            #expect(found == .membersBehind(number: 5, reached: 1, needed: 2))
            world.away = [2]
            let next = try world.open(Program(TestKey(2))).add("next", required: 2, in: world)
            #expect(next?.isAcknowledged == true)
            #expect(try world.names("log", in: 3).count == 6)
            world.away = []
            try world.expectSound()
        }
    }
}
