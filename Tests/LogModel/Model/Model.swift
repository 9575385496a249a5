/// The protocol between writers on replicas that only know put-if-absent, get, list and delete,
/// as a machine of small steps: each step is one call to one replica, or a fault.
///
/// Reading several numbers of one log is one step, since logs only grow: it is as if all had been
/// read with the last.
package struct Model {
    package var state = State()
    let scenario: Scenario
    /// The rule that actors do not keep.
    let without: Rule?
    package var violation: Violation?

    package init(_ scenario: Scenario, without rule: Rule? = nil) {
        self.scenario = scenario
        without = rule
        state.awayLeft = scenario.away
        state.unclearLeft = scenario.unclear
        state.lateLeft = scenario.late
        state.lossLeft = scenario.losses
        state.killsLeft = scenario.kills
        makeHistory()
        for (index, kind) in scenario.actors.enumerated() {
            var actor = Actor()
            actor.kind = kind.rawValue
            actor.index = UInt8(index)
            actor.owner = UInt8(index + 1)
            actor.jobs = scenario.jobs
            startJob(&actor)
            state.actors[index] = actor
        }
    }

    private mutating func makeHistory() {
        guard scenario.history != .empty else { return }
        // The last pack: actors 0 to 2 make the others.
        let pack = Capacity.packs - 1
        state.records[1] = Record(packs: .only(pack), body: Body.point.rawValue, number: 1)
        var last: UInt8 = 1
        if scenario.history == .garbage {
            state.records[2] = Record(body: Body.drop.rawValue, number: 2, previous: 1, argument: 1)
            last = 2
        }
        for replica in 0..<Capacity.replicas where scenario.members.has(replica) {
            state.replicas[replica].packs = .only(pack)
            for number in 1...last {
                state.replicas[replica].log[Int(number)] = number
                // It was decided in ballot 0; one member decides without votes.
                guard scenario.members.nonzeroBitCount > 1 else { continue }
                state.replicas[replica].votes[Replica.slot(number, 0)] = number
            }
            state.replicas[replica].mark = last
        }
        for number in 1...last {
            state.chain[Int(number)] = number
            state.acknowledged[Int(number)] = number
            state.copies[Int(number)] = scenario.members
        }
    }

    /// Makes one step.
    package mutating func apply(_ action: Action) {
        guard action.who != Action.surroundings else { return suffer(action) }
        let index = Int(action.who)
        var actor = state.actors[index]
        guard let phase = Phase(rawValue: actor.phase) else { return }
        if action.way == .goOn {
            goOn(&actor, phase)
        } else {
            step(&actor, phase, Int(action.place), action.way)
        }
        state.actors[index] = actor
    }

    private mutating func step(
        _ actor: inout Actor, _ phase: Phase, _ replica: Int, _ way: Action.Way
    ) {
        switch phase {
        case .done: break
        case .learn:
            learn(&actor, from: replica)
            if violation == nil { learned(&actor) }
        case .upload: upload(&actor, to: replica, way)
        case .zero, .claim, .propose: vote(&actor, at: replica, way)
        case .close: close(&actor, at: replica, way)
        case .single: decideAlone(&actor, at: replica, way)
        case .spread: spread(&actor, to: replica, way)
        case .delete: delete(&actor, in: replica)
        case .list: list(&actor, replica)
        case .pack: pack(at: replica, way)
        case .catchUp: catchUp(&actor, replica)
        case .look: look(&actor, at: replica)
        case .follow: follow(&actor, in: replica)
        }
    }

    private mutating func goOn(_ actor: inout Actor, _ phase: Phase) {
        switch phase {
        case .zero:
            if without == .oneNumberAtATime {
                skipNumber(&actor)
            } else {
                startBallot(&actor, 1)
            }
        case .claim, .close, .propose: startBallot(&actor, actor.ballot + 1)
        case .spread: endSpread(&actor)
        case .upload: uploaded(&actor)
        case .delete: endJob(&actor)
        case .list: listed(&actor)
        default: break
        }
    }

    // MARK: - Jobs

    mutating func startJob(_ actor: inout Actor) {
        forget(&actor)
        guard actor.jobs > 0 else {
            set(&actor, .done)
            return
        }
        switch Kind(rawValue: actor.kind) {
        case .packer: set(&actor, .pack)
        case .reader: set(&actor, .look)
        case .writer where without == .baseBeforeUpload: startUpload(&actor)
        default: set(&actor, .learn)
        }
    }

    mutating func endJob(_ actor: inout Actor) {
        actor.jobs -= 1
        startJob(&actor)
    }

    /// What an actor knew for one job is gone, so that equal situations are equal bytes.
    private func forget(_ actor: inout Actor) {
        var fresh = Actor()
        fresh.kind = actor.kind
        fresh.owner = actor.owner
        fresh.jobs = actor.jobs
        fresh.known = actor.known
        fresh.packsMade = actor.packsMade
        fresh.attempts = actor.attempts
        fresh.durable = actor.durable
        fresh.index = actor.index
        actor = fresh
    }

    func set(_ actor: inout Actor, _ phase: Phase, todo: Places = 0) {
        actor.phase = phase.rawValue
        actor.todo = todo
        actor.check = 0
        actor.took = 0
        actor.refused = 0
        actor.replica = 0
    }

    /// What an actor does with what it has read of the log.
    private mutating func learned(_ actor: inout Actor) {
        if actor.uploaded != 0 {
            if without == .baseBeforeUpload { actor.base = actor.known }
            return prepare(&actor)
        }
        actor.base = actor.known
        switch Kind(rawValue: actor.kind) {
        case .writer: startBackup(&actor)
        case .dropper, .admin: prepare(&actor)
        case .prune: startPrune(&actor)
        case .catcher: set(&actor, .catchUp)
        default: break
        }
    }
}
