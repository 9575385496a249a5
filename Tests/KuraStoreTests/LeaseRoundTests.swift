import KuraStore
import TestSupport
import Testing

/// A small model of writers that want one lease in up to three replicas. Which of them takes a step
/// is drawn, what a step does is `LeaseRound`'s own decision.
private struct LeaseModel {
    struct Writer {
        /// Replicas that it can reach.
        var view: Set<Int>
        var round: LeaseRound
        var next = 0
        var taken: Set<Int> = []
        /// Its time is over: it waits no longer.
        var isLate = false
        var isCommitting = false
    }

    let copies: Int
    let required: Int
    var writers: [Writer] = []
    /// Who holds the lock of a replica.
    var holders: [Int: Int] = [:]
    /// The locks under which a writer committed, and how many of these were fewer than all.
    private(set) var commits: [Set<Int>] = []
    private(set) var violation: String?

    init(copies: Int, writers count: Int, using random: inout SeededGenerator) {
        self.copies = copies
        required = copies == 1 ? 1 : 2
        for _ in 0..<count { writers.append(begin(&random)) }
    }

    private func begin(_ random: inout SeededGenerator) -> Writer {
        // Each replica is away now and then.
        let view = (0..<copies).filter { _ in Int.random(in: 0..<5, using: &random) > 0 }
        return Writer(view: Set(view), round: LeaseRound(copies: copies))
    }

    mutating func step(_ random: inout SeededGenerator) {
        let number = Int.random(in: 0..<writers.count, using: &random)
        let writer = writers[number]
        if writer.isCommitting {
            // Commits take a while.
            if Bool.random(using: &random) { end(number, &random) }
            return
        }
        guard writer.next == copies else { return tryNext(number, &random) }
        if writer.round.isRefused || writer.taken.count < required { return end(number, &random) }
        writers[number].isCommitting = true
        commits.append(writer.taken)
        if writers.count(where: \.isCommitting) > 1 { violation = "two writers commit" }
    }

    private mutating func tryNext(_ number: Int, _ random: inout SeededGenerator) {
        let replica = writers[number].next
        if !writers[number].view.contains(replica) {
            writers[number].round.note(.failed, in: replica)
        } else if holders[replica] == nil {
            holders[replica] = number
            writers[number].taken.insert(replica)
            writers[number].round.note(.taken, in: replica)
        } else if writers[number].isLate || Int.random(in: 0..<4, using: &random) == 0 {
            writers[number].isLate = true
            writers[number].round.note(.held, in: replica)
        } else {
            return
        }
        writers[number].next += 1
    }

    private mutating func end(_ number: Int, _ random: inout SeededGenerator) {
        for replica in writers[number].taken { holders[replica] = nil }
        writers[number] = begin(&random)
    }
}

@Suite("Rule of majorities") struct LeaseRoundTests {
    @Test("Two writers never commit at once, nor under disjoint locks", arguments: 1...3)
    func model(_ copies: Int) {
        var (commits, partial) = (0, 0)
        for seed in UInt64(1)...300 {
            var random = SeededGenerator(seed: seed)
            var model = LeaseModel(
                copies: copies, writers: Int.random(in: 2...3, using: &random), using: &random)
            for _ in 0..<400 where model.violation == nil { model.step(&random) }
            #expect(model.violation == nil, "seed \(seed)")
            let first = model.commits.first ?? []
            #expect(
                model.commits.allSatisfy { !$0.isDisjoint(with: first) }, "seed \(seed)")
            commits += model.commits.count
            partial += model.commits.count { $0.count < copies }
        }
        // The model does commit, and with three replicas also under some of the locks.
        #expect(commits > 1000)
        #expect(copies < 3 || partial > 100)
    }

    @Test(
        "A replica is given up for a minority alone, and only beside a majority",
        arguments: [
            // copies, taken, held, refused
            (1, 1, 0, false), (1, 0, 1, true), (2, 2, 0, false), (2, 1, 1, true), (2, 0, 0, false),
            (3, 3, 0, false), (3, 2, 1, false), (3, 1, 1, true), (3, 1, 2, true), (3, 0, 1, true),
            (3, 0, 3, true), (3, 1, 0, false), (3, 2, 0, false),
        ])
    func rule(copies: Int, taken: Int, held: Int, isRefused: Bool) {
        var round = LeaseRound(copies: copies)
        for ordinal in 0..<copies {
            round.note(
                ordinal < taken ? .taken : ordinal < taken + held ? .held : .failed, in: ordinal)
        }
        #expect(round.isRefused == isRefused)
    }
}
