/// Many schedules: whole scenarios, random ones by seed, and canaries.
package enum Campaign {
    package struct Finding: Sendable {
        package let scenario: Scenario
        package let violation: Violation
        package let schedule: [Action]
        /// Nil where it was found by following all schedules.
        package let seed: UInt64?
        package let rule: Rule?

        package func tell() -> [String] {
            Model.tell(schedule, of: scenario, without: rule)
        }
    }

    /// - Returns: the scenario that one seed stands for.
    static func scenario(of seed: UInt64) -> Scenario {
        var scenario = Scenario.random[Int(seed % UInt64(Scenario.random.count))]
        scenario.prefersOwn = seed / UInt64(Scenario.random.count) % 2 == 1
        return scenario
    }

    /// Makes the schedule of one seed.
    package static func walk(
        seed: UInt64, without rule: Rule? = nil, keepsSchedule: Bool = false
    ) -> Walk.Outcome {
        var walk = Walk(
            scenario(of: seed), seed: seed, without: rule, keepsSchedule: keepsSchedule)
        return walk.run()
    }

    /// - Returns: what the schedule of this seed, which breaks something, does.
    package static func finding(seed: UInt64, without rule: Rule? = nil) -> Finding? {
        let outcome = walk(seed: seed, without: rule, keepsSchedule: true)
        return outcome.violation.map {
            Finding(
                scenario: scenario(of: seed), violation: $0, schedule: outcome.schedule, seed: seed,
                rule: rule)
        }
    }

    /// Follows every schedule of a scenario.
    package static func follow(
        _ whole: Scenario.Whole, statesMax: Int, without rule: Rule? = nil
    ) -> (outcome: Explorer.Outcome, finding: Finding?) {
        var explorer = Explorer(statesMax: statesMax, switchesMax: whole.switches)
        let outcome = explorer.explore(whole.scenario, without: rule)
        let finding = outcome.violation.map {
            Finding(
                scenario: whole.scenario, violation: $0, schedule: outcome.schedule, seed: nil,
                rule: rule)
        }
        return (outcome, finding)
    }

    /// Takes one rule away: some states of each short scenario, random schedules, then scenarios to
    /// the end.
    /// - Returns: the first thing that breaks; nil where nothing does.
    package static func notice(without rule: Rule, seed: UInt64) -> Finding? {
        for whole in Scenario.whole where !whole.isLong {
            let (_, finding) = follow(whole, statesMax: 200_000, without: rule)
            if let finding { return finding }
        }
        if let finding = walk(from: seed, count: 20_000, without: rule) { return finding }
        for whole in Scenario.replacing {
            let (_, finding) = follow(whole, statesMax: 10_000_000, without: rule)
            if let finding { return finding }
        }
        return walk(from: seed &+ 20_000, count: 200_000, without: rule)
    }

    private static func walk(from seed: UInt64, count: UInt64, without rule: Rule) -> Finding? {
        for offset in 0..<count {
            if let finding = finding(of: seed &+ offset, without: rule) { return finding }
        }
        return nil
    }

    private static func finding(of seed: UInt64, without rule: Rule) -> Finding? {
        guard walk(seed: seed, without: rule).violation != nil else { return nil }
        return finding(seed: seed, without: rule)
    }
}
