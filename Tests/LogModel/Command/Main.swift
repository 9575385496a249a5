import Glibc
import LogModel

/// The command line of the model of the log.
@main
enum Main {
    private struct Options {
        var schedules: UInt64 = 20_000
        var seed = UInt64.random(in: 0...UInt64(UInt32.max))
        var canaries = false
        var rule: Rule?
        var all = false
        var tells = false
    }

    static let usage = """
        usage: log-model [--schedules N] [--seed S] [--all]
               log-model --canaries [--rule NAME] [--seed S]
               log-model --tell --seed S

        Lets writers, prune, a packer of segments, readers and others work on replicas that go away,
        come back and forget, and checks after each call that nothing is decided twice, lost or
        deleted too early: first in every order of a few small scenarios, then in N random
        schedules, one for each seed from S on. --all also follows the scenarios that take minutes.
        --canaries takes away one rule of the protocol after the other, and checks that something
        breaks then. --tell prints the schedule of one seed that breaks something.
        Exit status: 0 nothing broke, 1 something broke, 64 usage.
        """

    static func main() {
        guard let options = parse(CommandLine.arguments.dropFirst()) else {
            print(usage)
            exit(64)
        }
        if options.tells {
            guard let finding = Campaign.finding(seed: options.seed) else {
                print("nothing breaks with seed \(options.seed)")
                exit(0)
            }
            show(finding)
            exit(1)
        }
        print("seed \(options.seed)")
        if options.canaries { exit(runCanaries(options) ? 0 : 1) }
        exit(followWhole(options) && walk(options) ? 0 : 1)
    }

    private static func parse(_ arguments: ArraySlice<String>) -> Options? {
        var options = Options()
        var rest = arguments
        while let flag = rest.popFirst() {
            switch flag {
            case "--canaries": options.canaries = true
            case "--rule":
                guard let rule = rest.popFirst().flatMap(Rule.init(rawValue:)) else { return nil }
                options.rule = rule
            case "--all": options.all = true
            case "--tell": options.tells = true
            case "--schedules":
                guard let number = rest.popFirst().flatMap({ UInt64($0) }) else { return nil }
                options.schedules = number
            case "--seed":
                guard let number = rest.popFirst().flatMap({ UInt64($0) }) else { return nil }
                options.seed = number
            default: return nil
            }
        }
        return options
    }

    /// - Returns: whether nothing broke.
    private static func followWhole(_ options: Options) -> Bool {
        for whole in Scenario.whole where options.all || !whole.isLong {
            let start = clock()
            let (outcome, finding) = Campaign.follow(whole, statesMax: 60_000_000)
            let bound = whole.switches.map { ", at most \($0) switches" } ?? ""
            let end = outcome.isComplete ? "" : " (not to the end)"
            print(
                "\(whole.scenario.name)\(bound): \(outcome.states) states, "
                    + "\(outcome.steps) steps\(end), \(seconds(since: start)) s")
            fflush(nil)
            if let finding {
                show(finding)
                return false
            }
        }
        return true
    }

    private static func walk(_ options: Options) -> Bool {
        let start = clock()
        var steps = 0
        var decided = 0
        var acknowledged = 0
        var broken = 0
        for offset in 0..<options.schedules {
            let seed = options.seed &+ offset
            let outcome = Campaign.walk(seed: seed)
            steps += outcome.steps
            decided += outcome.decided
            acknowledged += outcome.acknowledged
            guard outcome.violation != nil else { continue }
            broken += 1
            if broken == 1, let finding = Campaign.finding(seed: seed) { show(finding) }
        }
        print(
            "\(options.schedules) random schedules, \(steps) steps, \(decided) records decided, "
                + "\(acknowledged) acknowledged, \(broken) broken, \(seconds(since: start)) s")
        return broken == 0
    }

    /// - Returns: whether the loss of every rule was noticed.
    private static func runCanaries(_ options: Options) -> Bool {
        var isComplete = true
        for rule in Rule.allCases {
            guard options.rule == nil || options.rule == rule else {
                continue
            }
            let finding = Campaign.notice(without: rule, seed: options.seed)
            if let finding {
                print(
                    "\(rule.rawValue): noticed in \(finding.scenario.name), "
                        + "\(finding.violation.words)")
            } else {
                print("\(rule.rawValue): NOT NOTICED, \(rule.words)")
                isComplete = false
            }
            fflush(nil)
        }
        return isComplete
    }

    private static func show(_ finding: Campaign.Finding) {
        print("\(finding.scenario.name): \(finding.violation.words)")
        if let seed = finding.seed { print("  --tell --seed \(seed)") }
        for line in finding.tell() { print("  \(line)") }
    }

    private static func seconds(since start: clock_t) -> Double {
        let ticks = Double(clock() - start) / Double(CLOCKS_PER_SEC)
        return (ticks * 10).rounded() / 10
    }
}
