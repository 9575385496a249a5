import KuraIO
import Simulation
import Synchronization
import SystemPackage
import TestSupport

/// How many states are still to be looked at; several threads share it.
final class StateBudget: Sendable {
    private let left: Atomic<Int>

    init(_ states: Int) { left = Atomic(states) }

    var isSpent: Bool { left.load(ordering: .relaxed) <= 0 }

    func spend() { left.subtract(1, ordering: .relaxed) }
}

/// Cuts the power at every call of an operation that changes something, and checks what may be on
/// the disk then; and cuts it a second time while the operation is done again.
struct CrashSweep: Sendable {
    /// What a sweep found.
    struct Outcome: Sendable {
        var passes = 0
        /// Calls at which the power was cut, in all passes.
        var cuts = 0
        /// Calls of one run of the operation that change something or flush.
        var calls = 0
        /// Disks that were checked, no two of one pass alike; and those of them that a second power
        /// cut left.
        var states = 0
        var deepStates = 0
        var seconds: Double = 0
        var violations: [String] = []

        static func += (total: inout Outcome, part: Outcome) {
            total.passes += part.passes
            total.cuts += part.cuts
            total.calls = max(total.calls, part.calls)
            total.states += part.states
            total.deepStates += part.deepStates
            total.seconds += part.seconds
            total.violations += part.violations
        }
    }

    var scenario: Scenario
    /// Disks that are looked at per power cut, besides nothing, everything and the removals alone.
    var imagesPerCut = 8
    /// Second power cuts after each first one.
    var secondCuts = 1
    var weakening: SimulatedFileSystem.Weakening?
    /// Where to stop looking; canaries stop at the first loss.
    var violationsMax = Int.max

    /// One pass over every call. The operation runs once; the disk before each of its calls is
    /// remembered, and power cuts are made of those.
    /// - Parameters:
    ///   - only: the one call to cut at; nil for all.
    ///   - budget: when it is spent, the pass ends.
    func pass(
        seed: UInt64, only: Int? = nil, scratch: FilePath, _ budget: StateBudget
    ) throws -> Outcome {
        let start = Clock.steady()
        let disks = scenario.disks(seed)
        var world = try World(scratch: scratch, isPaired: scenario.isPaired)
        try scenario.prepare(&world, disks, seed: seed)
        try scenario.begin(&world, disks)
        let before = world.promises
        world = world.moved(to: world.fileSystem.copy(weakening: weakening, room: scenario.room))
        world.fileSystem.startRecording()
        try scenario.run(&world, disks)
        if weakening?.hasEnd == true, world.fileSystem.isWeakened {
            throw Violation("the call never came that ends the weakening")
        }
        let moments = world.fileSystem.stopRecording()
        var states = States(sweep: self, seed: seed, disks: disks, budget)
        states.outcome.passes = 1
        states.outcome.calls = moments.count - 1
        // In any order, so that a pass that stops early has looked everywhere; the end first, when
        // the operation was acknowledged, and before it where a rule of order was broken.
        var random = SeededGenerator(seed: seed)
        let cuts =
            [world.fileSystem.weakeningEnd, moments.count - 1].compactMap(\.self)
            + (0..<(moments.count - 1)).shuffled(using: &random)
        for cut in cuts where (only == nil || only == cut) && !budget.isSpent {
            states.outcome.cuts += 1
            var found = world
            if cut < moments.count - 1 { found.promises = before }
            for image in 0..<(imagesPerCut + States.kinds.count) {
                let losses = states.outcome.violations.count
                guard !budget.isSpent, losses < violationsMax else { break }
                states.check(moments[cut], image, found, cut: cut)
            }
        }
        states.outcome.seconds = Double(Clock.steady() - start) / 1e9
        return states.outcome
    }

    /// The disks of one pass.
    private struct States {
        let sweep: CrashSweep
        let seed: UInt64
        let check: Check
        let budget: StateBudget
        var outcome = Outcome()
        private var seen: Set<[Int]> = []

        /// What is looked at once at each power cut.
        static let kinds: [SimulatedFileSystem.Survival] = [.nothing, .everything, .removals]
        private var random: SeededGenerator

        init(sweep: CrashSweep, seed: UInt64, disks: [[UInt8]], _ budget: StateBudget) {
            self.sweep = sweep
            self.seed = seed
            self.budget = budget
            check = Check(scenario: sweep.scenario, disks: disks)
            random = SeededGenerator(seed: seed)
        }

        mutating func check(
            _ moment: SimulatedFileSystem.Moment, _ image: Int, _ world: World, cut: Int
        ) {
            let survival = image < Self.kinds.count ? Self.kinds[image] : .some
            guard let recovery = check(moment, survival, world, "call \(cut)") else { return }
            for _ in 0..<sweep.secondCuts {
                let second = Int.random(in: 0..<recovery.moments.count, using: &random)
                let survival = SimulatedFileSystem.Survival.allCases.randomElement(using: &random)!
                _ = check(
                    recovery.moments[second], survival, recovery.world(at: second),
                    "call \(cut), then call \(second) of doing it again", isSecond: true)
            }
        }

        /// - Returns: how it went on; nil for a disk that was looked at before, or with a loss.
        private mutating func check(
            _ moment: SimulatedFileSystem.Moment, _ survival: SimulatedFileSystem.Survival,
            _ world: World, _ place: String, isSecond: Bool = false
        ) -> Check.Recovery? {
            let disk = moment.afterPowerCut(survival, using: &random)
            // Lock files are empty and say nothing when they are free.
            let fingerprint = disk.fingerprint { $0.hasSuffix("/locks") }
            guard seen.insert([fingerprint, world.promises.key]).inserted else { return nil }
            outcome.states += 1
            budget.spend()
            if isSecond { outcome.deepStates += 1 }
            do {
                let isWanted = Bool.random(using: &random)
                return try check.run(world.moved(to: disk), backingUpAgain: isWanted)
            } catch {
                outcome.violations.append(
                    "\(place): \(error)\n  again: crash-sweep --operation "
                        + "\(sweep.scenario.rawValue) --seed \(seed)")
                return nil
            }
        }
    }
}
