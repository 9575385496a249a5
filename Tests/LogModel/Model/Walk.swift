/// Random schedules: each is made by one seed.
package struct Walk {
    package struct Outcome: Sendable {
        package var steps = 0
        package var decided = 0
        package var acknowledged = 0
        package var full: UInt8 = 0
        package var violation: Violation?
        package var schedule: [Action] = []
    }

    private var numbers: Numbers
    private var model: Model
    private var actions: [Action] = []
    private var outcome = Outcome()
    private let keepsSchedule: Bool
    /// Actors sleep until this step: long enough for everything else to happen meanwhile.
    private var asleep = PerActor<Int32>(repeating: 0)
    private var last = 0

    private static let stepsMax = 700
    private static let healingStepsMax = 4000

    package init(_ scenario: Scenario, seed: UInt64, without rule: Rule?, keepsSchedule: Bool) {
        numbers = Numbers(state: seed)
        model = Model(scenario, without: rule)
        self.keepsSchedule = keepsSchedule
    }

    package mutating func run() -> Outcome {
        let count = model.scenario.actors.count
        // How often a fault is tried, how often another actor gets its turn, how often one falls
        // asleep.
        let faults = [20, 60, 200][numbers.below(3)]
        let changes = [2, 5, 20][numbers.below(3)]
        let naps = [15, 60, 400][numbers.below(3)]
        var step = 0
        while step < Self.stepsMax, model.violation == nil {
            step += 1
            if numbers.below(1000) < faults, makeFault() { continue }
            if numbers.below(changes) == 0 { last = numbers.below(count) }
            if numbers.below(naps) == 0 {
                asleep[numbers.below(count)] = Int32(step + 1 + numbers.below(200))
            }
            if !makeStep(at: step, of: count) { break }
        }
        heal(count)
        outcome.violation = model.violation
        outcome.full = model.state.isFull
        for number in 1..<Capacity.numbers {
            outcome.decided += model.state.chain[number] == 0 ? 0 : 1
            outcome.acknowledged += model.state.acknowledged[number] == 0 ? 0 : 1
        }
        return outcome
    }

    private mutating func apply(_ action: Action) {
        outcome.steps += 1
        if keepsSchedule { outcome.schedule.append(action) }
        model.apply(action)
    }

    private mutating func makeFault() -> Bool {
        actions.removeAll(keepingCapacity: true)
        model.forEachFault { actions.append($0) }
        guard !actions.isEmpty else { return false }
        apply(actions[numbers.below(actions.count)])
        return true
    }

    /// The actor that made the last step goes on, else the next that is awake.
    /// - Returns: false where no actor can do anything.
    private mutating func makeStep(at step: Int, of count: Int) -> Bool {
        for patience in 0..<2 {
            for offset in 0..<count {
                let index = (last + offset) % count
                if patience == 0, asleep[index] > step { continue }
                actions.removeAll(keepingCapacity: true)
                model.forEachAction(of: index) { actions.append($0) }
                guard !actions.isEmpty else { continue }
                last = index
                var action = actions[numbers.below(actions.count)]
                // Lost answers are rarer than others.
                if action.way == .unclear || action.way == .late || action.way == .twice,
                    numbers.below(8) != 0
                {
                    action.way = .clear
                }
                apply(action)
                return true
            }
        }
        return makeFault()
    }

    /// All replicas come back, all calls arrive, nothing fails any more: everybody must come to
    /// an end.
    private mutating func heal(_ count: Int) {
        model.state.endFaults()
        var steps = 0
        var isIdle = false
        while !isIdle, steps < Self.healingStepsMax, model.violation == nil {
            isIdle = true
            while model.violation == nil, makeFault() {}
            for index in 0..<count where model.violation == nil {
                actions.removeAll(keepingCapacity: true)
                model.forEachAction(of: index) { actions.append($0) }
                guard !actions.isEmpty else { continue }
                isIdle = false
                steps += 1
                apply(actions[numbers.below(actions.count)])
            }
        }
        if model.violation == nil { model.expectEnd() }
        if model.violation == nil, !isIdle || model.isStuck { model.fail(.stuck) }
    }
}

extension State {
    mutating func endFaults() {
        awayLeft = 0
        unclearLeft = 0
        lateLeft = 0
        lossLeft = 0
        killsLeft = 0
    }
}

extension Model {
    /// Whether a commit is unfinished though nothing stands in its way any more.
    var isStuck: Bool {
        guard state.isFull == 0 else { return false }
        for index in 0..<scenario.actors.count {
            let actor = state.actors[index]
            switch Kind(rawValue: actor.kind) {
            case .writer, .dropper, .prune: if actor.phase != 0 { return true }
            default: continue
            }
        }
        return false
    }
}

/// Numbers that one seed makes: SplitMix64.
package struct Numbers {
    var state: UInt64

    package init(state: UInt64) { self.state = state }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }

    mutating func below(_ bound: Int) -> Int {
        Int(next().multipliedFullWidth(by: UInt64(bound)).high)
    }
}
