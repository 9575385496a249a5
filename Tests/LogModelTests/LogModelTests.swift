import LogModel
import Testing

/// The model of the protocol between writers; `Tools/log-model` runs it for longer.
@Suite struct LogModelTests {
    @Test("No order of two writers decides two records of one number")
    func twoWriters() {
        let (outcome, finding) = Campaign.follow(
            Scenario.Whole(scenario: .deciding, switches: 3), statesMax: 1_000_000)
        #expect(finding?.tell() == nil)
        #expect(outcome.isComplete)
        #expect(outcome.states > 300)
    }

    @Test("No order of a prune, two writers, a packer and a reader loses a pack in one member")
    func collection() {
        let (outcome, finding) = Campaign.follow(
            Scenario.Whole(scenario: .collection, switches: 2), statesMax: 1_000_000)
        #expect(finding?.tell() == nil)
        #expect(outcome.isComplete)
        #expect(outcome.states > 300)
    }

    @Test("Random schedules break nothing")
    func random() {
        for seed in UInt64(0)..<300 {
            #expect(Campaign.finding(seed: seed)?.tell() == nil, "--tell --seed \(seed)")
        }
    }

    @Test("A schedule is made by its seed alone")
    func seeds() {
        let first = Campaign.walk(seed: 7)
        let second = Campaign.walk(seed: 7)
        #expect(first.steps == second.steps)
        #expect(first.decided == second.decided)
    }

    @Test(
        "A rule that is taken away is noticed",
        arguments: [
            Rule.claim, .blanks, .highestBallot, .equalZero, .zeroByAll, .oneNumberAtATime,
            .decidedBeforeAcknowledged, .wholeBeforeAcknowledged,
        ])
    func canary(rule: Rule) {
        let (_, finding) = Campaign.follow(
            Scenario.Whole(scenario: .deciding, switches: nil), statesMax: 200_000, without: rule)
        #expect(finding != nil)
    }

    @Test("What breaks is told step by step")
    func words() {
        let (_, finding) = Campaign.follow(
            Scenario.Whole(scenario: .deciding, switches: nil), statesMax: 200_000,
            without: .zeroByAll)
        #expect(finding?.tell().last == "=> two records were decided as one number")
        #expect(finding?.tell().contains { $0.contains("puts vote/2.0") } == true)
    }
}
