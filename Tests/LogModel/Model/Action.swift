/// One step of a schedule.
package struct Action {
    /// An actor, or the surroundings.
    var who: UInt8
    /// A replica; for the surroundings also a put under way or an actor.
    var place: UInt8
    var way: Way

    static let surroundings: UInt8 = 100

    package enum Way: UInt8 {
        /// The call is done, and its answer arrives.
        case clear
        /// The call is done, the answer is lost.
        case unclear
        /// The answer is lost, and the call is done later.
        case late
        /// The call is done, its answer arrives, and it is done once more later.
        case twice
        /// The actor waits no longer for what is missing.
        case goOn
        case makeSegment
        case freeLog
        case freeVotes
        case goesAway
        case comesBack
        case losesAll
        case losesEnd
        case arrives
        case dies
    }
}

extension Model {
    /// Calls `body` with every step that can be made now; with one alone, where all orders of it
    /// and the others come to the same.
    func forEachAction(_ body: (Action) -> Void) {
        if state.unclearLeft | state.lateLeft | state.awayLeft | state.lossLeft == 0 {
            for index in 0..<scenario.actors.count where isAlone(state.actors[index]) {
                var isFirst = true
                forEachAction(of: index) { action in
                    if isFirst { body(action) }
                    isFirst = false
                }
                if !isFirst { return }
            }
        }
        for index in 0..<scenario.actors.count { forEachAction(of: index, body) }
        forEachFault(body)
    }

    /// Whether what the actor does next touches nothing that another one reads or changes.
    private func isAlone(_ actor: Actor) -> Bool {
        for replica in 0..<Capacity.replicas where state.replicas[replica].isUp == 0 {
            if actor.todo.has(replica) { return false }
        }
        switch Phase(rawValue: actor.phase) {
        case .upload: return !scenario.orphans
        case .spread:
            guard !scenario.checksMatter else { return false }
            for index in 0..<scenario.actors.count where index != Int(actor.index) {
                let other = state.actors[index]
                switch Phase(rawValue: other.phase) {
                case .done, .zero, .claim, .close, .propose, .spread: continue
                default: return false
                }
            }
            return true
        default: return false
        }
    }

    func forEachAction(of index: Int, _ body: (Action) -> Void) {
        let actor = state.actors[index]
        guard let phase = Phase(rawValue: actor.phase), phase != .done else { return }
        for replica in 0..<Capacity.replicas where state.replicas[replica].isUp == 1 {
            forEachAction(of: actor, phase, at: replica, body)
        }
        if canGoOn(actor, phase) {
            body(Action(who: actor.index, place: 0, way: .goOn))
        }
    }

    private func forEachAction(
        of actor: Actor, _ phase: Phase, at replica: Int, _ body: (Action) -> Void
    ) {
        func add(_ way: Action.Way) {
            body(Action(who: actor.index, place: UInt8(replica), way: way))
        }
        switch phase {
        case .learn:
            if scenario.members.has(replica) { add(.clear) }
        case .look, .follow:
            if phase == .look || actor.replica == replica { add(.clear) }
        case .pack:
            if canMakeSegment(at: replica) { add(.makeSegment) }
            if canFreeLog(at: replica) { add(.freeLog) }
            if canFreeVotes(at: replica) { add(.freeVotes) }
        case .catchUp:
            if canCatchUp(actor, replica) { add(.clear) }
        case .delete, .list:
            if actor.todo.has(replica) { add(.clear) }
        default:
            guard (actor.todo | actor.check).has(replica) else { return }
            add(.clear)
            guard actor.todo.has(replica) else { return }
            if state.unclearLeft > 0 { add(.unclear) }
            if state.lateLeft > 0, state.hasFreeFlight {
                add(.late)
                add(.twice)
            }
        }
    }

    private var upPlaces: Places {
        var places: Places = 0
        for replica in 0..<Capacity.replicas where state.replicas[replica].isUp == 1 {
            places |= .only(replica)
        }
        return places
    }

    /// Whether an actor may stop to wait for replicas.
    private func canGoOn(_ actor: Actor, _ phase: Phase) -> Bool {
        let pending = (actor.todo | actor.check) & upPlaces
        switch phase {
        case .zero:
            return actor.refused != 0 || (actor.todo | actor.check) & ~upPlaces != 0
                || scenario.impatient
        case .claim, .close, .propose: return pending == 0
        case .spread: return pending == 0
        case .upload:
            return pending == 0
                && (actor.took.nonzeroBitCount >= scenario.required || without == .packsBeforeVotes)
        case .delete, .list: return pending == 0
        default: return false
        }
    }

    func forEachFault(_ body: (Action) -> Void) {
        func add(_ way: Action.Way, _ place: Int) {
            body(Action(who: Action.surroundings, place: UInt8(place), way: way))
        }
        for replica in 0..<Capacity.replicas {
            if state.replicas[replica].isUp == 0 {
                add(.comesBack, replica)
            } else if state.awayLeft > 0, scenario.members.has(replica) {
                add(.goesAway, replica)
            }
            if state.lossLeft > 0, mayLoseAll(replica) {
                add(.losesAll, replica)
                add(.losesEnd, replica)
            }
        }
        for flight in 0..<Capacity.flights where state.flights[flight].what != 0 {
            if state.replicas[Int(state.flights[flight].replica)].isUp == 1 {
                add(.arrives, flight)
            }
        }
        guard state.killsLeft > 0 else { return }
        for index in 0..<scenario.actors.count where state.actors[index].phase != 0 {
            add(.dies, index)
        }
    }
}

extension State {
    var hasFreeFlight: Bool {
        for flight in 0..<Capacity.flights where flights[flight].what == 0 { return true }
        return false
    }
}
