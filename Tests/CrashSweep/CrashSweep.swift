import Glibc
import KuraFormat
import KuraIO
import KuraStore
import Synchronization
import SystemPackage
import TestSupport

/// Cuts the power at every call of an operation that changes something, and checks what may be on
/// the disk then.
struct CrashSweep: Sendable {
    /// What a sweep found.
    struct Outcome: Sendable {
        /// Calls of one run of the operation that change something or flush.
        var calls = 0
        var cuts = 0
        /// Disks that were checked, no two of one pass alike.
        var states = 0
        var seconds: Double = 0
        var violations: [String] = []

        static func += (total: inout Outcome, part: Outcome) {
            total.calls = max(total.calls, part.calls)
            total.cuts += part.cuts
            total.states += part.states
            total.seconds += part.seconds
            total.violations += part.violations
        }
    }

    var scenario: Scenario
    /// Disks that are looked at per cut, besides "nothing of it" and "all of it".
    var imagesPerCut = 8
    /// Calls that do nothing although they say so: for canaries.
    var ignoresFlush: @Sendable (FilePath) -> Bool = { _ in false }

    /// One pass over every call.
    /// - Parameters:
    ///   - only: the one call to cut at; nil for all.
    ///   - goesOn: asked before each state.
    ///   - step: calls from one cut to the next.
    func pass(
        seed: UInt64, only: Int? = nil, step: Int = 1, scratch: FilePath, goesOn: () -> Bool
    ) throws -> Outcome {
        let start = Clock.steady()
        var outcome = Outcome()
        let disks = Scenario.disks(seed)
        var base = try World(scratch: scratch, isPaired: scenario == .replicate, seed: seed)
        try scenario.prepare(&base, disks, seed: seed)
        var seen: Set<Int> = []
        var cut = only ?? 0
        while goesOn() {
            var random = SeededGenerator(seed: seed &+ UInt64(cut))
            var world = base.moved(to: base.fileSystem.copy(ignoresFlush: ignoresFlush))
            world.fileSystem.cutPower(after: cut)
            do {
                try scenario.run(&world, disks)
            } catch {
                guard world.fileSystem.isOff else {
                    throw Violation("call \(cut) failed without a power cut: \(error)")
                }
            }
            let isFinished = !world.fileSystem.isOff
            outcome.cuts += 1
            outcome.calls = max(outcome.calls, cut)
            for image in 0..<(imagesPerCut + 2) where goesOn() {
                let kinds: [SimulatedFileSystem.Survival] = [.nothing, .everything]
                let disk = world.fileSystem.afterPowerCut(
                    image < kinds.count ? kinds[image] : .some, using: &random)
                guard seen.insert(disk.fingerprint).inserted else { continue }
                outcome.states += 1
                do {
                    try Check(scenario: scenario, disks: disks).run(
                        world.moved(to: disk.copy(ignoresFlush: { _ in false })))
                } catch {
                    outcome.violations.append(
                        "\(error)\n  again: crash-sweep --operation \(scenario.rawValue) "
                            + "--seed \(seed) --call \(cut)")
                }
            }
            if isFinished || only != nil { break }
            cut += step
        }
        outcome.seconds = Double(Clock.steady() - start) / 1e9
        return outcome
    }
}
