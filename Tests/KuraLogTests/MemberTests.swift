import KuraFormat
import KuraIO
import KuraLog
import KuraReplicas
import TestSupport
import Testing

@Suite("Members")
struct MemberTests {
    @Test("One that lost everything is replaced, and its successor gets all")
    func replaced() throws {
        try World.with { world throws in
            let log = world.open()
            for number in 2...4 { try log.add("\(number)", required: 3, in: world) }
            let old = try world.replica(1).id
            world.replace(1)
            ScheduleTests.replaceMembers(Program(), in: world)
            let tip = try world.readAll().tip
            #expect(!tip.state.members.contains(old))
            #expect(try tip.state.members.contains(world.replica(1).id))
            let commit = try world.opened().add("after", required: 3, in: world)
            #expect(commit?.copies.count == 3)
            #expect(try world.names("log", in: 1).count == 6)
            try world.expectSound(isWhole: false)
        }
    }

    @Test("A vote in a replica that was replaced before it counted does not count")
    func replacedWhileVoting() throws {
        // Whichever call it is before: with the old member's vote the record would be decided in
        // ballot 0 by two replicas only.
        for number in 1...30 {
            try World.with { world throws in
                let program = Intervening(before: number) { world.replace(2) }
                let log = world.open(program)
                _ = try? log.add("one", required: 1, in: world)
                // Replica 2 is replaced before its id was looked at: ballot 0 has one vote too few.
                let look = program.events.lastIndex { $0.key == "replica" && $0.replica == 2 }
                let vote = program.events.lastIndex {
                    $0.key.hasSuffix("\(digits(2)).000") && $0.replica == 2
                }
                if vote == nil || number <= look.map({ $0 + 1 }) ?? 0 {
                    let names = try world.names("vote", in: 0)
                    #expect(names.contains("\(digits(2)).001"), "before call \(number)")
                }
                // The other two can lose nothing. One of them is away, and the program too.
                for away in [0, 1] {
                    world.away = [away]
                    _ = try? world.open(Program(TestKey(2))).add("two \(away)", in: world)
                }
                world.away = []
                ScheduleTests.replaceMembers(Program(), in: world)
                try world.expectSound(isWhole: false, "before call \(number)")
                try world.expectGoesOn("before call \(number)")
            }
        }
    }

    @Test("All of them can be replaced, one after the other")
    func all() throws {
        try World.with { world throws in
            let log = world.open()
            for number in 2...4 { try log.add("\(number)", required: 3, in: world) }
            let first = try world.readAll().tip.state.members
            for index in 0..<3 {
                world.replace(index)
                ScheduleTests.replaceMembers(Program(), in: world)
                let commit = try world.opened().add("after \(index)", required: 3, in: world)
                #expect(commit?.copies.count == 3)
            }
            let tip = try world.readAll().tip
            #expect(Set(tip.state.members).isDisjoint(with: first))
            #expect(tip.state.notes.count == 4 + 3 + 3)
            try world.expectSound(isWhole: false)
        }
    }

    @Test(
        "A member that is added has the whole log before anything follows, wherever a program dies")
    func killed() throws {
        for last in 1...60 {
            try World.with(spare: 1) { world throws in
                let log = world.open()
                for number in 2...3 { try log.add("\(number)", required: 3, in: world) }
                let ids = try (0..<4).map { try world.replica($0).id }
                let mortal = world.open(MortalProgram(diesAt: last, isLastDone: last % 2 == 0))
                let body = MembersBody(region: world.region, replicas: [ids[2], ids[3]])
                _ = fault {
                    _ = try mortal.read()
                    try mortal.add("members", [.members(body)], in: world)
                    try mortal.add("next", in: world)
                }
                _ = try world.opened(Program(TestKey(2))).add("after", in: world)
                let tip = try world.readAll().tip
                // Two of two are needed, and each has everything from 1 on.
                if tip.state.members.count == 2 {
                    let number = tip.state.membersNumber
                    for index in [2, 3] {
                        for record in 1...number {
                            #expect(
                                try world.replica(index).record(record).value != nil,
                                "dies at \(last), record \(record) in \(index)")
                        }
                    }
                }
                try world.expectSound(isWhole: false, "dies at \(last)")
            }
        }
    }

    /// Does something before one of its calls.
    private final class Intervening: Program, @unchecked Sendable {
        private let number: Int
        private let body: @Sendable () -> Void

        init(before number: Int, _ body: @escaping @Sendable () -> Void) {
            self.number = number
            self.body = body
            super.init()
        }

        override func fate(_ event: Event, number: Int) -> Fate {
            if number == self.number { body() }
            return .done
        }
    }
}
