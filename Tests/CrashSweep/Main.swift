import Glibc
import KuraIO
import Synchronization
import SystemPackage
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
    }

    static let usage = """
        usage: crash-sweep [--states N] [--seed S] [--operation NAME] [--call N] [--threads N]

        Cuts the power of a simulated disk at every system call of an operation, makes the disks
        that may be there afterwards, and checks that nothing is lost. Operations:
        \(Scenario.allCases.map(\.rawValue).joined(separator: ", ")).
        Exit status: 0 nothing lost, 1 something lost, 64 usage.
        """

    static func main() {
        guard let options = parse(CommandLine.arguments.dropFirst()) else {
            print(usage)
            exit(64)
        }
        let scenarios = options.operation.map { [$0] } ?? Scenario.allCases
        var violations = 0
        var states = 0
        print("seed \(options.seed)")
        for scenario in scenarios {
            let outcome = sweep(scenario, options, states: options.states / scenarios.count)
            violations += outcome.violations.count
            states += outcome.states
            print(
                "\(scenario.rawValue): \(outcome.calls) calls, \(outcome.cuts) power cuts, "
                    + "\(outcome.states) disks, \(outcome.violations.count) losses, "
                    + "\(Int(outcome.seconds)) s")
            for violation in outcome.violations.prefix(5) { print("  \(violation)") }
            fflush(nil)
        }
        print("\(states) crash states, \(violations) losses")
        exit(violations == 0 ? 0 : 1)
    }

    private static func parse(_ arguments: ArraySlice<String>) -> Options? {
        var options = Options()
        var rest = arguments
        while let flag = rest.popFirst() {
            guard let value = rest.popFirst() else { return nil }
            switch flag {
            case "--states": guard let number = Int(value) else { return nil }
                options.states = number
            case "--seed": guard let number = UInt64(value) else { return nil }
                options.seed = number
            case "--operation": guard let scenario = Scenario(rawValue: value) else { return nil }
                options.operation = scenario
            case "--call": guard let number = Int(value) else { return nil }
                options.call = number
            case "--threads": guard let number = Int(value), number > 0 else { return nil }
                options.threads = number
            default: return nil
            }
        }
        return options
    }

    /// Passes with one seed after the other, several at once, until there are enough states.
    private static func sweep(
        _ scenario: Scenario, _ options: Options, states: Int
    ) -> CrashSweep.Outcome {
        let total = Mutex(CrashSweep.Outcome())
        let started = Atomic<Int>(0)
        let next = Atomic<UInt64>(options.seed)
        let threads = options.call == nil ? options.threads : 1
        Threads.run(threads) { _ in
            do {
                try withTemporaryDirectory { scratch in
                    repeat {
                        let seed = next.add(1, ordering: .relaxed).oldValue
                        let outcome = try CrashSweep(scenario: scenario).pass(
                            seed: seed, only: options.call, scratch: scratch
                        ) { started.add(1, ordering: .relaxed).oldValue < states }
                        total.withLock { $0 += outcome }
                    } while options.call == nil && started.load(ordering: .relaxed) < states
                }
            } catch {
                total.withLock { $0.violations.append("\(error)") }
            }
        }
        return total.withLock { $0 }
    }
}
