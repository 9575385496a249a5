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
        var canaries = false
    }

    static let usage = """
        usage: crash-sweep [--states N] [--seed S] [--operation NAME] [--call N] [--threads N]
               crash-sweep --canaries [--seed S]

        Cuts the power of a simulated disk at every system call of an operation, makes the disks
        that may be there afterwards, and checks that nothing is lost. --canaries takes away one kind
        of flush after the other, and checks that something is lost then. Operations:
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
            if flag == "--canaries" {
                options.canaries = true
                continue
            }
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

    /// - Returns: whether the sweep noticed every flush that was taken away.
    private static func runCanaries(_ options: Options) -> Bool {
        print("seed \(options.seed)")
        var missed = 0
        for canary in Canary.allCases {
            var sweep = CrashSweep(scenario: canary.scenario)
            sweep.ignoresFlush = canary.ignores
            let losses = Mutex(0)
            do {
                try withTemporaryDirectory { scratch in
                    // The last cut comes after the last call: the operation was acknowledged.
                    let outcome = try sweep.pass(
                        seed: options.seed, step: 7, scratch: scratch
                    ) { true }
                    losses.withLock { $0 = outcome.violations.count }
                }
            } catch {
                print("  \(error)")
            }
            let count = losses.withLock { $0 }
            if count == 0 { missed += 1 }
            print("without flushing \(canary.rawValue): \(count == 0 ? "NOT NOTICED" : "noticed")")
            fflush(nil)
        }
        return missed == 0
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
