/// What follows a decision: log/n in every replica, marks, the acknowledgement.
extension Model {
    mutating func startSpread(_ actor: inout Actor, _ value: UInt8) {
        actor.value = value
        actor.ballot = 0
        if without == .wholeBeforeAcknowledged, value == actor.own {
            acknowledge(&actor, value, in: actor.took)
        }
        set(&actor, .spread, todo: fold(to: actor.known + 1).memberPlaces)
    }

    /// Puts log/n in one replica, and the mark where the replica was whole to n - 1 and has the
    /// packs of n. For a record of members, everything before it comes first.
    mutating func spread(_ actor: inout Actor, to replica: Int, _ way: Action.Way) {
        var number = actor.known + 1
        if isOfMembers(actor.value), without != .membersDurable, without != .wholeLogInNewMembers {
            var missing: UInt8 = 1
            while missing < number, read(missing, at: replica) != 0 { missing += 1 }
            number = missing
        }
        guard
            read(number, at: replica) != 0
                || put(
                    .log, at: replica, number: number, value: state.chain[Int(number)], way: way)
                    != nil
        else { return }
        expectDecided(number, at: replica)
        if number != actor.known + 1 { return }
        actor.todo &= ~.only(replica)
        mark(number, at: replica)
        let isMember = fold(to: number).members[replica] == state.replicas[replica].id
        if isOfMembers(actor.value) {
            if isMember { actor.took |= .only(replica) }
        } else if state.replicas[replica].mark >= number, isMember {
            actor.took |= .only(replica)
            if actor.value == actor.own, actor.took.nonzeroBitCount >= scenario.required {
                acknowledge(&actor, actor.own, in: actor.took)
            }
        }
        if actor.todo == 0 { endSpread(&actor) }
    }

    private mutating func mark(_ number: UInt8, at replica: Int) {
        let packs = state.records[Int(state.chain[Int(number)])].packs
        let there = state.replicas[replica]
        guard there.mark + 1 == number else { return }
        guard packs & ~there.packs == 0 || without == .objectsBeforeMark else { return }
        state.replicas[replica].mark = number
        expectWhole(replica)
    }

    func isOfMembers(_ record: UInt8) -> Bool {
        state.records[Int(record)].body == Body.members.rawValue
    }

    /// The log up to a record of members has to be in a majority of the new ones before the next
    /// number.
    func canLeaveSpread(_ actor: Actor) -> Bool {
        guard isOfMembers(actor.value), without != .membersDurable else { return true }
        return actor.took.nonzeroBitCount >= fold(to: actor.known + 1).majority
    }

    mutating func endSpread(_ actor: inout Actor) {
        let isDurable = canLeaveSpread(actor)
        actor.known += 1
        guard isDurable else {
            // Perhaps those members were replaced in their turn.
            set(&actor, .learn)
            return
        }
        if isOfMembers(actor.value) { actor.durable = actor.known }
        if actor.value == actor.own, actor.own != 0 {
            committed(&actor)
        } else {
            prepare(&actor)
        }
    }

    /// - Returns: whether the actor has to make a record of members durable before it proposes.
    mutating func makesMembersDurable(_ actor: inout Actor) -> Bool {
        guard actor.known > 0, without != .membersDurable else { return false }
        let last = state.chain[Int(actor.known)]
        guard isOfMembers(last), actor.durable < actor.known else { return false }
        actor.known -= 1
        actor.own = 0
        startSpread(&actor, last)
        return true
    }
}
