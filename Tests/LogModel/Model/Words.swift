/// A schedule in words.
extension Model {
    /// - Returns: what this step does in this state.
    package func words(_ action: Action) -> String {
        guard action.who != Action.surroundings else { return fault(action) }
        let actor = state.actors[Int(action.who)]
        let kind = Kind(rawValue: actor.kind).map { "\($0)" } ?? "?"
        let name = "\(kind) \(action.who)"
        if action.way == .goOn { return "\(name) waits no longer (\(phase(actor)))" }
        let place = "replica \(action.place)"
        let answer =
            switch action.way {
            case .unclear: ", and the answer is lost"
            case .late: ", which is under way for long; no answer"
            case .twice: ", and a second copy of the call is under way"
            default: ""
            }
        return "\(name): \(call(actor, action)) in \(place)\(answer)"
    }

    private func phase(_ actor: Actor) -> String {
        Phase(rawValue: actor.phase).map { "\($0)" } ?? "?"
    }

    private func call(_ actor: Actor, _ action: Action) -> String {
        let number = actor.known + 1
        let replica = Int(action.place)
        if actor.check.has(replica), !actor.todo.has(replica) {
            return "looks for the segment of \(number)"
        }
        switch Phase(rawValue: actor.phase) {
        case .learn: return "reads the log"
        case .upload: return "puts pack \(actor.uploaded - 1)"
        case .zero: return "puts vote/\(number).0 = \(record(actor.value))"
        case .claim: return "puts vote/\(number).\(actor.ballot).claim = \(actor.owner)"
        case .close:
            return "closes vote/\(number).\(actor.closed[replica]) for ballot \(actor.ballot)"
        case .propose: return "puts vote/\(number).\(actor.ballot) = \(record(actor.value))"
        case .single: return "puts log/\(number) = \(record(actor.own))"
        case .spread: return "puts log/\(number) = \(record(actor.value))"
        case .delete: return "deletes packs \(list(actor.doomed))"
        case .list: return "lists packs"
        case .pack: return "\(action.way)"
        case .catchUp: return "copies what is missing to \(actor.known)"
        case .look: return "reads the mark and the log"
        case .follow: return "reads a pack by record \(actor.number)"
        default: return phase(actor)
        }
    }

    private func record(_ index: UInt8) -> String {
        let record = state.records[Int(index)]
        let body = Body(rawValue: record.body).map { "\($0)" } ?? "?"
        var words = "\(body) #\(index)"
        if record.packs != 0 { words += " listing \(list(record.packs))" }
        if record.doomed != 0 { words += " of \(list(record.doomed))" }
        return words
    }

    private func list(_ packs: Packs) -> String {
        let names = (0..<Capacity.packs).filter { packs.has($0) }.map { "\($0)" }
        return "{" + names.joined(separator: ", ") + "}"
    }

    private func fault(_ action: Action) -> String {
        let place = Int(action.place)
        switch action.way {
        case .goesAway: return "replica \(place) goes away"
        case .comesBack: return "replica \(place) comes back"
        case .losesAll: return "replica \(place) loses everything and gets a new id"
        case .losesEnd: return "replica \(place) is set back to an older state"
        case .dies: return "actor \(place) dies and begins again"
        case .arrives:
            let flight = state.flights[place]
            let object = Object(rawValue: flight.what).map { "\($0)" } ?? "?"
            return "the put of \(object) \(flight.number).\(flight.ballot) = \(flight.value) "
                + "arrives at replica \(flight.replica)"
        default: return "\(action.way)"
        }
    }

    /// Plays a schedule again.
    /// - Returns: its steps in words, and what came of it.
    package static func tell(
        _ schedule: [Action], of scenario: Scenario, without rule: Rule? = nil
    ) -> [String] {
        var model = Model(scenario, without: rule)
        var lines: [String] = []
        for action in schedule {
            lines.append(model.words(action))
            model.apply(action)
        }
        if let violation = model.violation { lines.append("=> " + violation.words) }
        return lines
    }
}
