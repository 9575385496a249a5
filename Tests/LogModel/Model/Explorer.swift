/// Every schedule of a scenario, depth first; a state that was met before is not followed again.
package struct Explorer {
    package struct Outcome: Sendable {
        package var states = 0
        package var steps = 0
        package var isComplete = true
        package var violation: Violation?
        package var schedule: [Action] = []
    }

    let statesMax: Int
    /// How often another actor may get its turn while the one before could go on; nil without a
    /// bound.
    let switchesMax: Int?
    private var met: FoundStates
    private var outcome = Outcome()
    private var path: [Action] = []
    private var actions: [Action] = []

    package init(statesMax: Int, switchesMax: Int? = nil) {
        self.statesMax = statesMax
        self.switchesMax = switchesMax
        met = FoundStates(capacity: 1 << 16)
    }

    package mutating func explore(_ scenario: Scenario, without rule: Rule? = nil) -> Outcome {
        var model = Model(scenario, without: rule)
        follow(&model, last: Action.surroundings, switches: 0)
        if outcome.violation != nil, outcome.schedule.isEmpty { outcome.schedule = path }
        return outcome
    }

    private mutating func follow(_ model: inout Model, last: UInt8, switches: Int) {
        var hash = model.isSymmetric ? model.state.canonicalHash() : model.state.hash()
        if switchesMax != nil { hash ^= UInt64(last) << 56 ^ UInt64(switches) << 48 }
        guard met.insert(hash) else { return }
        outcome.states += 1
        if outcome.states >= statesMax {
            outcome.isComplete = false
            return
        }
        let first = actions.count
        model.forEachAction { actions.append($0) }
        let end = actions.count
        defer { actions.removeSubrange(first...) }
        if first == end {
            model.expectEnd()
            if let violation = model.violation { outcome.violation = violation }
            return
        }
        let before = model.state
        let canGoOn =
            last != Action.surroundings && actions[first..<end].contains { $0.who == last }
        for index in first..<end {
            let action = actions[index]
            if switchesMax != nil, isOutOfTurn(action, first..<end) { continue }
            var cost = switches
            if let switchesMax, canGoOn, action.who != last, action.who != Action.surroundings {
                guard switches < switchesMax else { continue }
                cost += 1
            }
            model.state = before
            model.apply(action)
            outcome.steps += 1
            path.append(action)
            if let violation = model.violation {
                outcome.violation = violation
                outcome.schedule = path
                return
            }
            follow(
                &model, last: action.who == Action.surroundings ? last : action.who, switches: cost)
            if outcome.violation != nil || !outcome.isComplete { return }
            path.removeLast()
        }
    }

    /// With a bound, each actor calls replicas in an order of its own: the first of them that it
    /// can call.
    private func isOutOfTurn(_ action: Action, _ range: Range<Int>) -> Bool {
        guard action.who != Action.surroundings, action.way != .goOn else { return false }
        func turn(_ other: Action) -> Int {
            (Int(other.place) + Int(other.who) * 2) % Capacity.replicas
        }
        return actions[range].contains {
            $0.who == action.who && $0.way != .goOn && turn($0) < turn(action)
        }
    }
}

/// A set of hashes, in one piece of memory.
struct FoundStates {
    private var slots: [UInt64]
    private var count = 0

    init(capacity: Int) { slots = Array(repeating: 0, count: capacity) }

    /// - Returns: whether it was not there.
    mutating func insert(_ hash: UInt64) -> Bool {
        if count * 3 > slots.count * 2 { grow() }
        let value = hash == 0 ? 1 : hash
        var index = Int(truncatingIfNeeded: value) & (slots.count - 1)
        while slots[index] != 0 {
            if slots[index] == value { return false }
            index = (index + 1) & (slots.count - 1)
        }
        slots[index] = value
        count += 1
        return true
    }

    private mutating func grow() {
        let old = slots
        slots = Array(repeating: 0, count: old.count * 2)
        count = 0
        for value in old where value != 0 { _ = insert(value) }
    }
}
