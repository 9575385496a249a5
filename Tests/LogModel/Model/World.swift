/// Replicas as stores: put-if-absent with every kind of answer, and what can happen to them.
extension Model {
    enum Object: UInt8 {
        case vote = 1
        case claim
        case log
        case pack
    }

    /// Puts an object where none stands.
    /// - Returns: what stands there afterwards; nil where the answer is lost.
    mutating func put(
        _ object: Object, at replica: Int, number: UInt8, ballot: UInt8 = 0, value: UInt8,
        way: Action.Way
    ) -> UInt8? {
        let flight = Flight(
            what: object.rawValue, replica: UInt8(replica), number: number, ballot: ballot,
            value: value)
        switch way {
        case .unclear:
            state.unclearLeft -= 1
            _ = arrive(flight)
            return nil
        case .late:
            send(flight)
            return nil
        case .twice:
            send(flight)
            return arrive(flight)
        default: return arrive(flight)
        }
    }

    private mutating func send(_ flight: Flight) {
        state.lateLeft -= 1
        for place in 0..<Capacity.flights where state.flights[place].what == 0 {
            state.flights[place] = flight
            return
        }
    }

    private mutating func arrive(_ flight: Flight) -> UInt8 {
        let replica = Int(flight.replica)
        let slot = Replica.slot(flight.number, flight.ballot)
        switch Object(rawValue: flight.what) {
        case .vote:
            if state.replicas[replica].votes[slot] == 0 {
                state.replicas[replica].votes[slot] = flight.value
            }
            return state.replicas[replica].votes[slot]
        case .claim:
            if state.replicas[replica].claims[slot] == 0 {
                state.replicas[replica].claims[slot] = flight.value
            }
            return state.replicas[replica].claims[slot]
        case .log:
            if state.replicas[replica].log[Int(flight.number)] == 0 {
                state.replicas[replica].log[Int(flight.number)] = flight.value
            }
            return state.replicas[replica].log[Int(flight.number)]
        case .pack:
            state.replicas[replica].packs |= .only(Int(flight.value))
            return flight.value
        case nil: return 0
        }
    }

    /// A fault, or the end of one.
    mutating func suffer(_ action: Action) {
        let place = Int(action.place)
        switch action.way {
        case .goesAway:
            state.awayLeft -= 1
            state.replicas[place].isUp = 0
        case .comesBack: state.replicas[place].isUp = 1
        case .losesAll:
            state.lossLeft -= 1
            loseAll(place)
        case .losesEnd:
            state.lossLeft -= 1
            loseEnd(place)
        case .arrives:
            _ = arrive(state.flights[place])
            state.flights[place] = Flight()
        case .dies:
            state.killsLeft -= 1
            revive(place)
        default: break
        }
    }

    /// The process ends in the middle, and another one begins the same job.
    private mutating func revive(_ index: Int) {
        var actor = state.actors[index]
        actor.known = 0
        actor.durable = 0
        actor.owner += UInt8(Capacity.actors)
        startJob(&actor)
        state.actors[index] = actor
    }

    /// The disk of a replica is replaced by an empty one; what is put there from now on has a new
    /// id.
    private mutating func loseAll(_ replica: Int) {
        let id = state.replicas[replica].id
        let isUp = state.replicas[replica].isUp
        state.replicas[replica] = Replica(isUp: isUp)
        state.replicas[replica].id = id + 1
        for number in 0..<Capacity.numbers { state.copies[number] &= ~.only(replica) }
        expectReachable()
    }

    /// A replica is set back to what it held after half of its records. All remember that it had
    /// more, so it gets a new id, too.
    private mutating func loseEnd(_ replica: Int) {
        let end = Int(state.replicas[replica].mark) / 2
        for number in end + 1..<Capacity.numbers {
            state.replicas[replica].log[number] = 0
            state.replicas[replica].packed[number] = 0
            for ballot in 0..<Capacity.ballots {
                let slot = Replica.slot(UInt8(number), UInt8(ballot))
                state.replicas[replica].votes[slot] = 0
                state.replicas[replica].claims[slot] = 0
            }
            state.copies[number] &= ~.only(replica)
        }
        // Segments are whole or not there.
        for number in 1..<Capacity.numbers where state.replicas[replica].packed[number] != 0 {
            state.replicas[replica].log[number] = state.replicas[replica].packed[number]
            state.replicas[replica].packed[number] = 0
        }
        for number in 1..<Capacity.numbers { state.copies[number] &= ~.only(replica) }
        let listed = fold(to: UInt8(end)).listed
        state.replicas[replica].packs &= listed
        state.replicas[replica].mark = state.replicas[replica].packs == listed ? UInt8(end) : 0
        if without != .newIdWhenShorter { state.replicas[replica].id += 1 }
        expectReachable()
    }

    /// The promise holds while a majority of members loses nothing: of the members that the
    /// newest durable record of members names, and of those of every record behind it. And one
    /// copy of what was acknowledged, and of each pack that decided records list, has to be left.
    func mayLoseAll(_ lost: Int) -> Bool {
        guard scenario.members.has(lost) else { return false }
        var tip = 0
        while tip + 1 < Capacity.numbers, state.chain[tip + 1] != 0 { tip += 1 }
        var number = tip
        while true {
            let fold = fold(to: UInt8(number))
            var left = 0
            var durable = 0
            for replica in 0..<Capacity.replicas {
                let isMember = fold.members[replica] == state.replicas[replica].id
                if isMember, replica != lost { left += 1 }
                if isMember, isWhole(replica, to: number) { durable += 1 }
            }
            if left < fold.majority { return false }
            if number == 0 { break }
            let isInForce =
                durable >= fold.majority
                || number + 1 < Capacity.numbers && state.chain[number + 1] != 0
            if isOfMembers(state.chain[number]), isInForce { break }
            number -= 1
        }
        for number in 1..<Capacity.numbers where state.acknowledged[number] != 0 {
            var copies: Places = 0
            for replica in 0..<Capacity.replicas where replica != lost {
                if state.replicas[replica].mark >= number { copies |= .only(replica) }
            }
            if copies == 0 { return false }
        }
        var packs: Packs = 0
        for replica in 0..<Capacity.replicas where replica != lost {
            packs |= state.replicas[replica].packs
        }
        let listed = fold(to: UInt8(tip)).listed
        return listed & state.replicas[lost].packs & ~packs == 0
    }

    private func isWhole(_ replica: Int, to number: Int) -> Bool {
        guard number > 0 else { return true }
        for index in 1...number where read(UInt8(index), at: replica) == 0 { return false }
        return true
    }
}
