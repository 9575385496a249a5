/// What must never happen.
package enum Violation: UInt8, Sendable {
    case twoDecided
    case gap
    case acknowledgedLost
    case logDiffers
    case checkBroken
    case tooFewCopies
    case notWhole
    case packGone
    case unreachable
    case nowhere
    case falseDamage
    case stuck

    package var words: String {
        switch self {
        case .twoDecided: "two records were decided as one number"
        case .gap: "a record was decided that does not follow the one before it"
        case .acknowledgedLost: "an acknowledged record is not in the chain"
        case .logDiffers: "a record stands in the log that was not decided"
        case .checkBroken: "a record was decided whose check does not hold there"
        case .tooFewCopies: "a record was acknowledged that too few replicas hold"
        case .notWhole: "a replica is marked whole and has not all records or packs"
        case .packGone: "a point that was acknowledged cannot be followed in a copy that had it"
        case .unreachable: "a decided record can neither be read nor be decided again"
        case .nowhere: "a decided record lists a pack that no replica has"
        case .falseDamage: "a reader takes a sound replica for damaged"
        case .stuck: "with every replica in reach, nothing can be committed"
        }
    }
}

extension Model {
    mutating func fail(_ violation: Violation) {
        if self.violation == nil { self.violation = violation }
    }

    /// An actor holds this record for decided.
    mutating func conclude(_ number: UInt8, _ value: UInt8) {
        let index = Int(number)
        let decided = state.chain[index]
        if decided != 0 {
            if decided != value { fail(.twoDecided) }
            return
        }
        let record = state.records[Int(value)]
        guard record.number == number, record.previous == state.chain[index - 1],
            number == 1 || record.previous != 0
        else { return fail(.gap) }
        let acknowledged = state.acknowledged[index]
        if acknowledged != 0, acknowledged != value { return fail(.acknowledgedLost) }
        expectCheck(of: record)
        state.chain[index] = value
        expectReachable()
        expectSomewhere(fold(to: number))
    }

    /// Some replica has each pack that a state needs.
    private mutating func expectSomewhere(_ fold: Fold) {
        var packs: Packs = 0
        for replica in 0..<Capacity.replicas { packs |= state.replicas[replica].packs }
        if fold.listed & ~packs != 0 { fail(.nowhere) }
    }

    /// The check of a record holds for the state before it.
    private mutating func expectCheck(of record: Record) {
        let fold = fold(to: record.number - 1)
        let usable = fold.listed & ~fold.condemned
        switch Body(rawValue: record.body) {
        case .point:
            let there = packs(of: record.argument, in: usable | record.packs)
            if there == 0 || record.packs & fold.swept != 0 { fail(.checkBroken) }
        case .drop:
            if !fold.points.has(Int(record.argument)) { fail(.checkBroken) }
        case .condemn:
            let left = (usable | record.packs) & ~record.doomed
            if !everyPoint(of: fold, isIn: left) || record.packs & fold.swept != 0 {
                fail(.checkBroken)
            }
        case .sweep:
            let isCondemned = record.doomed & ~fold.condemned == 0
            if !isCondemned || !everyPoint(of: fold, isIn: fold.listed & ~record.doomed) {
                fail(.checkBroken)
            }
        default: break
        }
    }

    /// What an actor reads as number n is what was decided.
    mutating func expectDecided(_ number: UInt8, at replica: Int) {
        let value = read(number, at: replica)
        if value != 0, value != state.chain[Int(number)] {
            if state.chain[Int(number)] == 0 {
                conclude(number, value)
            } else {
                fail(.logDiffers)
            }
        }
    }

    mutating func acknowledge(_ actor: inout Actor, _ value: UInt8, in copies: Places) {
        let number = Int(state.records[Int(value)].number)
        guard state.acknowledged[number] == 0 else { return }
        let decided = state.chain[number]
        if decided != 0, decided != value { return fail(.acknowledgedLost) }
        state.acknowledged[number] = value
        guard without != .decidedBeforeAcknowledged else { return }
        if copies.nonzeroBitCount < scenario.required { fail(.tooFewCopies) }
        let members = fold(to: UInt8(number)).members
        var whole: Places = 0
        for replica in 0..<Capacity.replicas where copies.has(replica) {
            // A replica that lost everything since is no fault of the actor.
            let there = state.replicas[replica]
            guard there.id == members[replica] else { continue }
            if there.mark < number { fail(.tooFewCopies) }
            whole |= .only(replica)
        }
        state.copies[number] = whole
    }

    /// A replica has what its mark says, and follows every point that it acknowledged.
    mutating func expectWhole(_ replica: Int) {
        let there = state.replicas[replica]
        guard there.mark > 0 else { return }
        for number in 1...Int(there.mark) {
            let value = read(UInt8(number), at: replica)
            if value == 0 { return fail(.notWhole) }
            if value != state.chain[number] { return fail(.logDiffers) }
        }
        let fold = fold(to: there.mark)
        if !everyPoint(of: fold, isIn: fold.listed & there.packs) { fail(.packGone) }
    }

    /// Every decided record can be read somewhere, or a majority of those who decided it can
    /// decide it again.
    mutating func expectReachable() {
        for number in 1..<Capacity.numbers where state.chain[number] != 0 {
            let fold = fold(to: UInt8(number - 1))
            var isRead = false
            var voters = 0
            for replica in 0..<Capacity.replicas {
                if read(UInt8(number), at: replica) != 0 { isRead = true }
                if fold.members[replica] != 0,
                    fold.members[replica] == state.replicas[replica].id
                {
                    voters += 1
                }
            }
            if !isRead, voters < fold.majority { return fail(.unreachable) }
        }
    }

    /// At the end of a schedule.
    package mutating func expectEnd() {
        for number in 1..<Capacity.numbers {
            if state.acknowledged[number] != 0, state.acknowledged[number] != state.chain[number] {
                fail(.acknowledgedLost)
            }
            for replica in 0..<Capacity.replicas {
                if state.copies[number].has(replica), state.replicas[replica].mark < number {
                    fail(.packGone)
                }
            }
        }
        for replica in 0..<Capacity.replicas { expectWhole(replica) }
        expectReachable()
    }
}
