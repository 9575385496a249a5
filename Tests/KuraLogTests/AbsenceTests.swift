import KuraFormat
import KuraIO
import KuraLog
import KuraReplicas
import TestSupport
import Testing

@Suite("A replica that is away, back, older or forked")
struct AbsenceTests {
    @Test(
        "is not needed while a majority is there, and catches up when it is back",
        arguments: Medium.allCases)
    func back(_ medium: Medium) throws {
        try World.with(medium) { world throws in
            let log = world.open()
            try log.add("before", required: 3, in: world)
            world.away = [1]
            for number in 3...6 {
                let commit = try log.add("\(number)", required: 2, in: world)
                #expect(commit?.isAcknowledged == true)
                #expect(commit?.copies.count == 2)
            }
            world.away = []
            #expect(try world.replica(1).mark(world.seal(), log.tip.state).number == 2)
            #expect(try log.catchUp(world.replica(1)))
            #expect(try world.replica(1).mark(world.seal(), log.tip.state).number == 6)
            let commit = try log.add("after", required: 3, in: world)
            #expect(commit?.copies.count == 3)
            try world.expectSound()
        }
    }

    @Test("catches up record by record where each of the others lacks another one")
    func differentGaps() throws {
        try World.with { world throws in
            let log = world.open()
            for number in 2...4 { try log.add("\(number)", required: 3, in: world) }
            for index in 0..<3 {
                let replica = try world.replica(index)
                let marks = try replica.markNumbers().map { replica.names.mark(replica.id, $0) }
                try replica.store.delete([replica.names.log(UInt64(2 + index))] + marks)
            }
            let later = world.open(Program(TestKey(3)), from: log.tip)
            for index in 0..<3 {
                #expect(try later.catchUp(world.replica(index)), "replica \(index)")
            }
            try world.expectSound()
        }
    }

    @Test("makes a commit undecided where no majority is left, and later one finishes it")
    func noMajority() throws {
        try World.with { world throws in
            let log = world.open()
            try log.add("before", required: 3, in: world)
            world.away = [1, 2]
            let found = fault { try log.add("stuck", in: world) }
            guard case .undecided(3, let digest, 1, 2) = found else {
                Issue.record("\(String(describing: found))")
                return
            }
            world.away = [2]
            try log.add("after", in: world)
            // It was proposed first, so it may be decided, and here it is.
            #expect(log.tip.state.digests.contains(digest) == log.tip.state.notes.contains("stuck"))
            world.away = []
            try world.expectSound(isWhole: false)
            try world.expectGoesOn()
        }
    }

    @Test("is behind in a reading, which takes the longest", arguments: [[0, 1, 2], [2, 1, 0]])
    func longest(_ order: [Int]) throws {
        try World.with { world throws in
            let log = world.open()
            world.away = [0]
            for number in 2...4 { try log.add("\(number)", in: world) }
            world.away = []
            let reading = try LogReader<TestFold>(world.seal()).read(
                from: .empty, in: order.map { try world.replica($0) })
            #expect(reading.tip.position.number == 4)
            let behind = try #require(
                reading.reaches.first { $0.replica == (try? world.replica(0).id) })
            #expect(behind.number == 1)
        }
    }

    @Test("that was restored from an older copy does not vote before it has a new id")
    func older() throws {
        try World.with { world throws in
            let log = world.open()
            try log.add("two", required: 3, in: world)
            let copy = world.memory(2).copied()
            try log.add("three", required: 3, in: world)
            world.places[2].current = copy
            // The others are away in turn: with its vote there would be a second record 3.
            world.away = [0]
            let other = world.open(Program(TestKey(2)), seen: log.seen)
            _ = try other.read()
            #expect(other.tip.position.number == 3)
            world.away = [0, 1]
            let third = world.open(Program(TestKey(3)), seen: log.seen)
            _ = try third.read()
            guard case .undecided(3, _, 0, 2) = fault({ try third.add("fork", in: world) }) else {
                Issue.record("the older replica took part")
                return
            }
            #expect(try world.names("vote", in: 2).allSatisfy { !$0.hasPrefix(digits(3)) })
            world.away = []
            // It needs a new id: what it voted for is gone.
            let replica = try world.replica(2)
            let back = fault { _ = try log.catchUp(replica) }
            #expect(
                back
                    == .setBack(
                        replica: replica.id, place: replica.place, seen: log.tip.position))
            let commit = try other.add("four", required: 2, in: world)
            #expect(commit?.setBack == [replica.id])
            try World.setIdentity(.random(), of: world.places[2].current)
            ScheduleTests.replaceMembers(Program(), in: world)
            #expect(try world.opened().add("five", required: 3, in: world)?.copies.count == 3)
            try world.expectSound(isWhole: false)
        }
    }

    @Test("that is older is noticed by a program that remembers, with a majority in reach")
    func rolledBack() throws {
        try World.with { world throws in
            let log = world.open()
            try log.add("two", required: 3, in: world)
            let copies = (0..<3).map { world.memory($0).copied() }
            try log.add("three", required: 3, in: world)
            let memory = LogMemory(log.tip.position)
            let reader = LogReader<TestFold>(world.seal())
            func compare() throws -> LogMemory.Agreement {
                let replicas = world.open().replicas
                let reading = try reader.read(from: .empty, in: replicas)
                return try reader.compare(reading, from: .start, with: memory, in: replicas)
            }
            #expect(try compare() == .holds)
            world.places[0].current = copies[0]
            #expect(try compare() == .holds)
            world.away = [1, 2]
            #expect(try compare() == .behind(by: 1))
            world.away = [2]
            world.places[1].current = copies[1]
            let found = fault { _ = try compare() }
            #expect(found == .rolledBack(remembered: memory.position, found: 2))
        }
    }

    /// Two logs of one vault that differ from record 3 on.
    private func forked() throws -> (World, World) {
        var worlds: (World, World)?
        try World.with { world throws in
            try world.open().add("two", required: 3)
            let other = world.copied()
            for number in 3...5 { try world.open().add("here \(number)", required: 3) }
            for number in 3...4 {
                try other.open(Program(TestKey(2))).add("there \(number)", required: 3)
            }
            worlds = (world, other)
        }
        return try #require(worlds)
    }

    @Test("whose log is another one is a fork that names both records", arguments: [0, 1, 2])
    func fork(_ index: Int) throws {
        let (here, there) = try forked()
        let ours = try #require(here.replica((index + 1) % 3).record(3).value?.record.digest)
        let theirs = try #require(there.replica(0).record(3).value?.record.digest)
        here.places[index].current = there.memory(index)
        let found = fault { _ = try here.readAll() }
        guard case .forked(let number, let one, let other) = found else {
            Issue.record("\(String(describing: found))")
            return
        }
        #expect(number == 3)
        #expect(Set([one.digest, other.digest]) == [ours, theirs])
        #expect(one.place != nil && other.place != nil)
    }

    @Test("whose log is another one stops a program that commits")
    func forkMeetsCommit() throws {
        let (here, there) = try forked()
        let log = here.open()
        _ = try log.read()
        // The same number, another record: the mark says so before anything is put.
        try there.open(Program(TestKey(2))).add("there 5", required: 3)
        here.places[2].current = there.memory(2)
        guard case .forked(5, _, _) = fault({ try log.add("next") }) else {
            Issue.record("the fork was not seen")
            return
        }
        #expect(try here.names("vote", in: 0).allSatisfy { !$0.hasPrefix(digits(6)) })
    }

    @Test("whose log is another one is a fork for a program that remembers, when alone")
    func forkAgainstMemory() throws {
        let (here, there) = try forked()
        let reader = LogReader<TestFold>(here.seal())
        for remembered in 2...4 {
            let record = try #require(here.replica(0).record(UInt64(remembered)).value?.record)
            let replicas = try (0..<3).map { try there.replica($0) }
            // From the start, and from a later place than what is remembered.
            for start in [LogTip<TestFold>.empty, try there.readAll().tip] {
                let found = fault {
                    let reading = try reader.read(from: start, in: replicas)
                    _ = try reader.compare(
                        reading, from: start.position, with: LogMemory(record.position),
                        in: replicas)
                }
                if remembered == 2 {
                    #expect(found == nil)
                } else if case .forked(let number, let one, _) = found {
                    #expect(number == UInt64(remembered))
                    #expect(one.digest == record.digest)
                } else {
                    Issue.record("\(remembered): \(String(describing: found))")
                }
            }
        }
    }

    @Test("with a lost proposal in its log is damaged, and no fork")
    func lostProposal() throws {
        try World.with { world throws in
            let log = world.open()
            try log.add("two", required: 3)
            // Signed, and never decided: no key signed a decision of it.
            let lost = try world.seal(TestKey(2)).record(
                World.draft("lost"), after: log.tip.position)
            let wrong = DecidedRecord(
                record: lost, decider: TestKey(2).id, signature: Signature.none)
            let replica = try world.replica(1)
            try replica.store.put(
                replica.names.log(3), wrong.encoded(), condition: .ifAbsent, by: .random())
            let reading = try world.readAll()
            #expect(reading.tip.position.number == 2)
            guard case .damaged = reading.reaches[1].end else {
                Issue.record("\(reading.reaches[1].end)")
                return
            }
            try log.add("three", required: 3)
            #expect(try world.readAll().tip.state.notes == ["create", "two", "three"])
        }
    }

    @Test("with a damaged record ends there, and the others go on")
    func damage() throws {
        try World.with { world throws in
            let log = world.open()
            for number in 2...5 { try log.add("\(number)", required: 3, in: world) }
            let name = "vaults/\(world.vault.hex)/log/\(digits(3))"
            world.memory(0).damage(name) { $0[$0.count / 2] ^= 1 }
            let reading = try world.readAll()
            #expect(reading.tip.position.number == 5)
            guard case .damaged = reading.reaches[0].end else {
                Issue.record("\(reading.reaches[0])")
                return
            }
            try log.add("six", required: 3, in: world)
        }
    }

    @Test("with a damaged vote takes no part in the ballot that needs it")
    func damagedVote() throws {
        try World.with { world throws in
            let log = world.open()
            try log.add("two", required: 3, in: world)
            // All three took it, so it is decided, and the program died before log/n.
            let votes = MortalProgram(diesAt: 14, isLastDone: false)
            let killed = world.open(votes)
            _ = try killed.read()
            _ = fault { try killed.add("killed", in: world) }
            for index in 0..<3 {
                let there = try world.names("vote", in: index).filter { $0.hasPrefix(digits(3)) }
                try #require(there.count == (votes.isDead ? there.count : 0))
            }
            let name = "vaults/\(world.vault.hex)/vote/\(digits(3)).000"
            guard (0..<3).allSatisfy({ world.memory($0).bytes(of: name) != nil }) else { return }
            world.memory(0).damage(name) { $0[$0.count - 10] ^= 1 }
            world.away = [2]
            let found = fault { try log.add("other", in: world) }
            guard case .undecided = found else {
                Issue.record("a damaged vote was counted: \(String(describing: found))")
                return
            }
            world.away = []
            try log.add("other", in: world)
            #expect(log.tip.state.notes == ["create", "two", "killed", "other"])
        }
    }
}
