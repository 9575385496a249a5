/// How a record becomes number n.
extension Model {
    /// - Returns: what is decided as this number, as one replica has it; 0 where it does not say.
    func read(_ number: UInt8, at replica: Int) -> UInt8 {
        let log = state.replicas[replica].log[Int(number)]
        let packed = state.replicas[replica].packed[Int(number)]
        // A put that arrived after the name was freed may stand in the log.
        if without == .segmentFirst { return log != 0 ? log : packed }
        return packed != 0 ? packed : log
    }

    /// Reads the log of one replica as far as it goes.
    mutating func learn(_ actor: inout Actor, from replica: Int) {
        while Int(actor.known) + 1 < Capacity.numbers {
            let value = read(actor.known + 1, at: replica)
            guard value != 0 else { return }
            conclude(actor.known + 1, value)
            guard violation == nil else { return }
            actor.known += 1
        }
    }

    /// Proposes the actor's own record as the next number.
    mutating func propose(_ actor: inout Actor, _ record: Record) {
        guard actor.attempts < Capacity.attempts, Int(actor.known) + 1 < Capacity.numbers else {
            state.isFull |= actor.attempts < Capacity.attempts ? 2 : 1
            set(&actor, .done)
            return
        }
        let index = 3 + Int(actor.index) * Capacity.attempts + Int(actor.attempts)
        actor.attempts += 1
        var record = record
        record.number = actor.known + 1
        // An actor that uses n + 1 too early can only name what it wants to be n.
        record.previous = actor.known == 0 ? 0 : state.chain[Int(actor.known)]
        if without == .oneNumberAtATime, record.previous == 0 { record.previous = actor.own }
        state.records[index] = record
        actor.own = UInt8(index)
        actor.value = actor.own
        let members = fold(to: actor.known).memberPlaces
        actor.ballot = 0
        set(&actor, members.nonzeroBitCount == 1 ? .single : .zero, todo: members)
    }

    mutating func skipNumber(_ actor: inout Actor) {
        actor.known += 1
        prepare(&actor)
    }

    // MARK: - One member

    /// The put of log/n decides.
    mutating func decideAlone(_ actor: inout Actor, at replica: Int, _ way: Action.Way) {
        let number = actor.known + 1
        if actor.todo.has(replica) {
            guard
                let standing = put(
                    .log, at: replica, number: number, value: actor.own, way: way)
            else { return }
            actor.todo = 0
            actor.value = standing
            if scenario.checksMatter {
                actor.check = .only(replica)
                return
            }
        }
        var decided = actor.value
        let packed = state.replicas[replica].packed[Int(number)]
        if scenario.checksMatter, without != .checkAfterPut, packed != 0 { decided = packed }
        decide(&actor, decided)
    }

    // MARK: - Ballots

    /// One put of ballot 0, a claim or a ballot above 0, or the look after it.
    mutating func vote(_ actor: inout Actor, at replica: Int, _ way: Action.Way) {
        let phase = Phase(rawValue: actor.phase)
        if actor.check.has(replica) {
            guard let isValid = look(&actor, after: replica) else { return }
            actor.check &= ~.only(replica)
            if isValid { actor.took |= .only(replica) } else { actor.refused |= .only(replica) }
        } else {
            let value = phase == .claim ? actor.owner : actor.value
            guard
                let standing = put(
                    phase == .claim ? .claim : .vote, at: replica, number: actor.known + 1,
                    ballot: actor.ballot, value: value, way: way)
            else { return }
            actor.todo &= ~.only(replica)
            if standing != value {
                actor.refused |= .only(replica)
                // It met another's vote: the number may have been decided long ago.
                let decided = read(actor.known + 1, at: replica)
                if phase == .zero, scenario.checksMatter, decided != 0 {
                    return meet(&actor, decided)
                }
            } else if scenario.checksMatter {
                actor.check |= .only(replica)
            } else {
                actor.took |= .only(replica)
            }
        }
        settle(&actor)
    }

    /// A put counts only where afterwards the segment of n does not stand, in the replica that is
    /// the member: before there is one, no vote of n was removed.
    /// - Returns: whether it counts; nil where the actor goes another way now.
    private mutating func look(_ actor: inout Actor, after replica: Int) -> Bool? {
        let number = actor.known + 1
        if without != .checkAfterPut {
            let packed = state.replicas[replica].packed[Int(number)]
            if packed != 0 {
                meet(&actor, packed)
                return nil
            }
        }
        if without == .idAfterPut { return true }
        return fold(to: actor.known).members[replica] == state.replicas[replica].id
    }

    /// Goes on where enough replicas took it, or not enough can.
    private mutating func settle(_ actor: inout Actor) {
        let fold = fold(to: actor.known)
        let took = actor.took.nonzeroBitCount
        let possible = (actor.took | actor.todo | actor.check).nonzeroBitCount
        switch Phase(rawValue: actor.phase) {
        case .zero:
            if without == .decidedBeforeAcknowledged, took >= scenario.required {
                acknowledge(&actor, actor.own, in: actor.took)
            }
            if actor.took == fold.memberPlaces
                || without == .zeroByAll && took >= fold.majority
            {
                decide(&actor, actor.value)
            } else if actor.todo | actor.check == 0 {
                goOnFromZero(&actor)
            }
        case .claim:
            if took >= fold.majority {
                startClosing(&actor, fold.memberPlaces)
            } else if possible < fold.majority {
                startBallot(&actor, actor.ballot + 1)
            }
        case .close:
            if took >= fold.majority { choose(&actor, fold) }
        case .propose:
            if took >= fold.majority {
                decide(&actor, actor.value)
            } else if possible < fold.majority {
                startBallot(&actor, actor.ballot + 1)
            }
        default: break
        }
    }

    private mutating func goOnFromZero(_ actor: inout Actor) {
        if without == .oneNumberAtATime {
            skipNumber(&actor)
        } else {
            startBallot(&actor, 1)
        }
    }

    mutating func startBallot(_ actor: inout Actor, _ ballot: UInt8) {
        guard ballot < scenario.ballotsMax else {
            state.isFull |= 8
            set(&actor, .done)
            return
        }
        actor.ballot = ballot
        actor.value = actor.own
        let members = fold(to: actor.known).memberPlaces
        if without == .claim {
            startClosing(&actor, members)
        } else {
            set(&actor, .claim, todo: members)
        }
    }

    private func startClosing(_ actor: inout Actor, _ places: Places) {
        set(&actor, .close, todo: places)
        clearFinds(&actor)
    }

    private func clearFinds(_ actor: inout Actor) {
        actor.closed = .init(repeating: 0)
        actor.best = .init(repeating: 0)
        actor.bestBallot = .init(repeating: 0)
        actor.zero = .init(repeating: 0)
    }

    /// Puts a blank under one lower ballot, and reads what stands there.
    mutating func close(_ actor: inout Actor, at replica: Int, _ way: Action.Way) {
        if actor.check.has(replica) {
            guard let isValid = look(&actor, after: replica) else { return }
            actor.check &= ~.only(replica)
            if isValid { actor.took |= .only(replica) } else { actor.refused |= .only(replica) }
            settle(&actor)
            return
        }
        let number = actor.known + 1
        let ballot = actor.closed[replica]
        var standing: UInt8 = 0
        if without == .blanks {
            standing = state.replicas[replica].votes[Replica.slot(number, ballot)]
        } else {
            guard
                let answer = put(
                    .vote, at: replica, number: number, ballot: ballot, value: Replica.blank,
                    way: way)
            else { return }
            standing = answer
        }
        if ballot == 0 {
            actor.zero[replica] = standing
        } else if standing != 0, standing != Replica.blank {
            actor.bestBallot[replica] = ballot
            actor.best[replica] = standing
        }
        actor.closed[replica] += 1
        guard actor.closed[replica] == actor.ballot else { return }
        actor.todo &= ~.only(replica)
        if scenario.checksMatter {
            actor.check |= .only(replica)
        } else {
            actor.took |= .only(replica)
        }
        settle(&actor)
    }

    /// Chooses what to propose, from what stands in a majority whose lower ballots are closed.
    private mutating func choose(_ actor: inout Actor, _ fold: Fold) {
        var ballot: UInt8 = 0
        var best: UInt8 = 0
        var equal: UInt8 = 0
        var found: UInt8 = 0
        var isMixed = false
        for replica in 0..<Capacity.replicas where actor.took.has(replica) {
            if actor.bestBallot[replica] > ballot {
                ballot = actor.bestBallot[replica]
                best = actor.best[replica]
            }
            let zero = actor.zero[replica]
            if equal == 0 { equal = zero } else if equal != zero { isMixed = true }
            if zero == 0 || zero == Replica.blank { isMixed = true } else { found = zero }
        }
        if ballot > 0, without != .highestBallot {
            actor.value = best
        } else if ballot == 0, !isMixed, without != .equalZero {
            actor.value = equal
        } else if ballot == 0, found != 0, !scenario.prefersOwn, without != .equalZero {
            actor.value = found
        } else {
            actor.value = actor.own
        }
        clearFinds(&actor)
        set(&actor, .propose, todo: fold.memberPlaces)
    }

    // MARK: - Decided

    /// The actor has counted enough votes.
    mutating func decide(_ actor: inout Actor, _ value: UInt8) {
        conclude(actor.known + 1, value)
        guard violation == nil else { return }
        startSpread(&actor, value)
    }

    /// The actor came upon a decided record where it wanted to vote.
    private mutating func meet(_ actor: inout Actor, _ value: UInt8) {
        conclude(actor.known + 1, value)
        guard violation == nil else { return }
        clearFinds(&actor)
        if value == actor.own {
            startSpread(&actor, value)
        } else {
            actor.known += 1
            prepare(&actor)
        }
    }
}
