import Glibc
import KuraIO
import Synchronization
import TestSupport

/// The command line of the crash sweep.
@main
enum Main {
    private struct Options {
        var states = 50_000
        var seed = UInt64.random(in: 0...UInt64(UInt32.max))
        var operation: Scenario?
        var call: Int?
        var threads = Threads.processorCount
        var canaries = false
    }

    static let usage = """
        usage: crash-sweep [--states N] [--seed S] [--operation NAME] [--call N] [--threads N]
               crash-sweep --canaries [--seed S]

        Cuts the power of a simulated disk at every system call of an operation, makes the disks
        that may be there afterwards, does the operation again, cuts the power once more, and
        checks each time that nothing is lost. A state is a disk that was checked, whether after the
        first or the second power cut; states of one pass, which is one run of the operation, are
        all different, passes have other disks. --canaries takes away one flush or one rule of
        order after the other, and checks that something is lost then. Operations:
        \(Scenario.allCases.map(\.rawValue).joined(separator: ", ")).
        Exit status: 0 nothing lost, 1 something lost, 64 usage.
        """

    static func main() {
        guard let options = parse(CommandLine.arguments.dropFirst()) else {
            print(usage)
            exit(64)
        }
        if options.canaries { exit(runCanaries(options) ? 0 : 1) }
        let scenarios = options.operation.map { [$0] } ?? Scenario.allCases
        var total = CrashSweep.Outcome()
        print("seed \(options.seed)")
        let weights = scenarios.reduce(0) { $0 + $1.weight }
        for scenario in scenarios {
            let share = options.states * scenario.weight / weights
            let outcome = sweep(scenario, options, states: share)
            total += outcome
            print(
                "\(scenario.rawValue): \(outcome.calls) calls, cut at \(outcome.cuts) in "
                    + "\(outcome.passes) passes, "
                    + "\(outcome.states) states, \(outcome.deepStates) of them after a second "
                    + "power cut, \(outcome.violations.count) losses, "
                    + "\(Int(outcome.seconds)) s of a core")
            for violation in outcome.violations.prefix(5) { print("  \(violation)") }
            fflush(nil)
        }
        print("\(total.states) crash states, \(total.violations.count) losses")
        exit(total.violations.isEmpty ? 0 : 1)
    }

    private static func parse(_ arguments: ArraySlice<String>) -> Options? {
        var options = Options()
        var rest = arguments
        while let flag = rest.popFirst() {
            if flag == "--canaries" {
                options.canaries = true
                continue
            }
            guard let value = rest.popFirst() else { return nil }
            switch flag {
            case "--states":
                guard let number = Int(value) else { return nil }
                options.states = number
            case "--seed":
                guard let number = UInt64(value) else { return nil }
                options.seed = number
            case "--operation":
                guard let scenario = Scenario(rawValue: value) else { return nil }
                options.operation = scenario
            case "--call":
                guard let number = Int(value) else { return nil }
                options.call = number
            case "--threads":
                guard let number = Int(value), number > 0 else { return nil }
                options.threads = number
            default: return nil
            }
        }
        return options
    }

    /// - Returns: whether the sweep noticed everything that was taken away.
    private static func runCanaries(_ options: Options) -> Bool {
        print("seed \(options.seed)")
        let missed = Atomic<Int>(0)
        let next = Atomic<Int>(0)
        Threads.run(options.threads) { _ in
            while true {
                let number = next.add(1, ordering: .relaxed).oldValue
                guard number < Canary.all.count else { return }
                let canary = Canary.all[number]
                let loss = loss(without: canary, seed: options.seed)
                if loss == nil { missed.add(1, ordering: .relaxed) }
                print("\(canary.name): \(loss.map { "noticed, \($0)" } ?? "NOT NOTICED")")
                fflush(nil)
            }
        }
        return missed.load(ordering: .relaxed) == 0
    }

    /// Passes and states in them that a canary gets to be noticed.
    private static let canaryPasses = 30
    private static let canaryStates = 200

    /// - Returns: the first loss that the sweep finds; nil when it finds none.
    private static func loss(without canary: Canary, seed: UInt64) -> String? {
        var sweep = CrashSweep(scenario: canary.scenario)
        sweep.weakening = canary.weakening
        sweep.violationsMax = 1
        for pass in 0..<canaryPasses {
            let budget = StateBudget(canaryStates)
            do {
                let loss = try withTemporaryDirectory { scratch in
                    try sweep.pass(seed: seed &+ UInt64(pass), scratch: scratch, budget)
                        .violations.first
                }
                if let loss { return String(loss.prefix { $0 != "\n" }) }
            } catch {
                print("  \(canary.name): \(error)")
                return nil
            }
        }
        return nil
    }

    /// Passes with one seed after the other, several at once, until there are enough states.
    private static func sweep(
        _ scenario: Scenario, _ options: Options, states: Int
    ) -> CrashSweep.Outcome {
        let total = Mutex(CrashSweep.Outcome())
        let budget = StateBudget(states)
        let next = Atomic<UInt64>(options.seed)
        let threads = options.call == nil ? options.threads : 1
        Threads.run(threads) { _ in
            do {
                try withTemporaryDirectory { scratch in
                    repeat {
                        let seed = next.add(1, ordering: .relaxed).oldValue
                        let outcome = try CrashSweep(scenario: scenario).pass(
                            seed: seed, only: options.call, scratch: scratch, budget)
                        total.withLock { $0 += outcome }
                    } while options.call == nil && !budget.isSpent
                }
            } catch {
                total.withLock { $0.violations.append("\(error)") }
            }
        }
        return total.withLock { $0 }
    }
}
