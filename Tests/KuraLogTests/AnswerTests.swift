import KuraFormat
import KuraIO
import KuraLog
import KuraReplicas
import Synchronization
import TestSupport
import Testing

/// One call of a commit goes wrong, whichever it is.
@Suite("Answers that are lost, calls that are late or done twice")
struct AnswerTests {
    /// One call has a fate of its own.
    private final class Unlucky: Program, @unchecked Sendable {
        private let unlucky: Int
        private let fate: Fate
        private let later = Mutex<[@Sendable () -> Void]>([])

        init(_ unlucky: Int, _ fate: Fate) {
            self.unlucky = unlucky
            self.fate = fate
            super.init()
        }

        override func fate(_ event: Event, number: Int) -> Fate {
            number == unlucky ? fate : .done
        }

        override func send(_ call: @escaping @Sendable () -> Void) {
            later.withLock { $0.append(call) }
        }

        func arrive() {
            for call in later.withLock({ $0 }) { call() }
        }
    }

    @Test(
        "change nothing about a commit", arguments: [1, 2, 3],
        [Fate.refused, .answerLost, .late, .twice])
    func commit(_ members: Int, _ fate: Fate) throws {
        for unlucky in 1...60 {
            try World.with(members: members) { world throws in
                try world.open().add("before", required: members, in: world)
                let program = Unlucky(unlucky, fate)
                let log = world.open(program)
                let comment: Comment = "call \(unlucky) of \(members) members"
                do throws(KuraError) {
                    try log.add("one", required: 1, in: world)
                } catch {
                    // With one member there is no other to go on with.
                    #expect(error.code == .replicaMissing || error.code == .absent, comment)
                }
                let next = world.open(Program(TestKey(2)))
                try next.add("one", required: 1, in: world)
                try next.add("two", required: 1, in: world)
                program.arrive()
                try world.expectSound(comment)
                #expect(next.tip.state.notes == ["create", "before", "one", "two"], comment)
                try world.expectGoesOn(comment)
            }
        }
    }

    @Test("leave a commit in all copies where only one answer is lost", arguments: [1, 3])
    func repeated(_ members: Int) throws {
        for unlucky in 1...40 {
            try World.with(members: members) { world throws in
                let program = Unlucky(unlucky, .answerLost)
                let log = world.open(program)
                guard log.replicas.count == members else { return }
                _ = try log.read()
                let before = program.events.count
                let commit = try? log.add("one", required: members, in: world)
                let events = program.events
                guard unlucky > before, unlucky <= events.count,
                    events[unlucky - 1].call == "put"
                else { return }
                #expect(commit?.isAcknowledged == true, "call \(unlucky)")
            }
        }
    }

    @Test("of a put that arrives after its name was freed, decide nothing")
    func afterFreeing() throws {
        let full = try World.full(members: 1)
        let log = full.open()
        _ = try log.read()
        #expect(try log.pack(full.replica(0)).segments == 1)
        let replica = try full.replica(0)
        let seal = full.seal(TestKey(2))
        let loser = seal.decided(
            try seal.record(
                World.draft("loser"),
                after: #require(replica.record(6).value?.record.position)))
        try replica.store.put(
            replica.names.log(7), loser.encoded(), condition: .ifAbsent, by: .random())
        #expect(replica.record(7).value?.record.record.note == "7")
        #expect(try full.readAll().tip.position == log.tip.position)
        #expect(try log.pack(replica).removed == 1)
        #expect(try full.names("log", in: 0).allSatisfy { $0 > digits(1024) })
    }
}
