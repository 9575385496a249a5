import KuraFormat
import KuraIO
import KuraLog
import KuraReplicas
import TestSupport
import Testing

/// A program dies at each of its calls in turn; then another one goes on.
@Suite("Killed at any call")
struct KillTests {
    struct Case: Sendable, CustomStringConvertible {
        var medium: Medium
        var members: Int
        /// Replicas that are away for the program that dies, and for the next one.
        var away: Set<Int> = []
        var awayLater: Set<Int> = []

        var description: String {
            "\(members) in \(medium), away \(away.sorted()), then \(awayLater.sorted())"
        }
    }

    static let cases: [Case] = [
        Case(medium: .memory, members: 1), Case(medium: .memory, members: 2),
        Case(medium: .memory, members: 3), Case(medium: .directory, members: 1),
        Case(medium: .directory, members: 2), Case(medium: .directory, members: 3),
        Case(medium: .memory, members: 3, away: [1]),
        Case(medium: .memory, members: 3, awayLater: [0]),
        Case(medium: .memory, members: 3, awayLater: [2]),
        Case(medium: .memory, members: 3, away: [2], awayLater: [0]),
        Case(medium: .directory, members: 3, away: [0], awayLater: [1]),
    ]

    @Test(
        "a commit loses nothing that was acknowledged, leaves no gap, and decides no number twice",
        arguments: cases)
    func commit(_ test: Case) throws {
        // Directories take their time: every fourth call there.
        let step = test.medium == .directory ? 4 : 1
        for isLastDone in [false, true] {
            var last = 1
            while try dies(at: last, isLastDone, test) { last += step }
            // A vote, two looks, a record, two marks at least.
            #expect(last > 5 * (test.members - test.away.count), "\(last)")
        }
    }

    /// - Returns: whether the program came so far.
    private func dies(at last: Int, _ isLastDone: Bool, _ test: Case) throws -> Bool {
        var isDead = false
        try World.with(test.medium, members: test.members) { world throws in
            try world.open().add("before", required: test.members, in: world)
            world.away = test.away
            let program = MortalProgram(diesAt: last, isLastDone: isLastDone)
            let log = world.open(program)
            do {
                try log.add("killed", required: 1, in: world)
            } catch {
                // It is dead.
            }
            isDead = program.isDead
            world.away = test.awayLater
            let next = world.open(Program(TestKey(2)))
            let comment: Comment = "dies at \(last), done \(isLastDone), \(test)"
            try next.add("after", required: 1, in: world)
            world.away = []
            try world.expectGoesOn(isWhole: false, comment)
            for index in 0..<test.members {
                let log = try world.opened()
                #expect(try log.catchUp(world.replica(index)), comment)
            }
            try world.expectSound(comment)
        }
        return isDead
    }

    @Test("a program that goes on where a ballot was begun decides the same", arguments: [1, 2])
    func twice(_ away: Int) throws {
        // The second one dies, too, wherever it is.
        for first in stride(from: 3, through: 40, by: 7) {
            for second in stride(from: 3, through: 60, by: 7) {
                try World.with { world throws in
                    world.away = [away]
                    let one = world.open(MortalProgram(diesAt: first, isLastDone: first % 8 == 3))
                    _ = fault { try one.add("one", in: world) }
                    world.away = [(away + 1) % 3]
                    let two = world.open(
                        MortalProgram(diesAt: second, isLastDone: second % 2 == 0, TestKey(2)))
                    _ = fault { try two.add("two", in: world) }
                    world.away = [(away + 2) % 3]
                    let three = world.open(Program(TestKey(3)))
                    try three.add("three", in: world)
                    world.away = []
                    let comment: Comment = "dies at \(first), then at \(second)"
                    try world.expectGoesOn(isWhole: false, comment)
                }
            }
        }
    }

    @Test("packing and catching up leave a replica that the next one finishes")
    func upkeep() throws {
        try World.with { world throws in
            let log = world.open()
            for number in 2...4 { try log.add("\(number)", required: 3, in: world) }
            let replica = try world.replica(2)
            for last in 1...30 {
                world.replace(2)
                let new = try world.replica(2)
                let mortal = world.open(MortalProgram(diesAt: last, isLastDone: last % 2 == 0))
                _ = fault { _ = try mortal.read() }
                _ = fault { _ = try mortal.catchUp(mortal.replicas.last ?? new) }
                try world.expectSound(isWhole: false)
                let next = world.open()
                _ = try next.read()
                #expect(try next.catchUp(new))
                try world.expectSound(isWhole: false)
            }
            #expect(try world.replica(2).id != replica.id)
        }
    }
}
