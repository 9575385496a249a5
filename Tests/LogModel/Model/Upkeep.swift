/// Those who change what replicas hold without a record: the packer, the one who catches up,
/// readers.
extension Model {
    // MARK: - Segments

    /// - Returns: the first number of a segment whose records stand in the log of a replica and
    /// that is not   there; 0 where there is none.
    private func segmentToMake(at replica: Int) -> UInt8 {
        let there = state.replicas[replica]
        var first = 1
        while first + Capacity.segment <= Capacity.numbers {
            var isReady = there.packed[first] == 0
            for number in first..<first + Capacity.segment where there.log[number] == 0 {
                isReady = false
            }
            if isReady { return UInt8(first) }
            first += Capacity.segment
        }
        return 0
    }

    private func logToFree(at replica: Int) -> UInt8 {
        let there = state.replicas[replica]
        for number in 1..<Capacity.numbers where there.log[number] != 0 {
            if there.packed[number] != 0 { return UInt8(number) }
            if without == .segmentBeforeFreeing, number % Capacity.segment == 0 {
                return UInt8(number)
            }
        }
        return 0
    }

    private func votesToFree(at replica: Int) -> UInt8 {
        let there = state.replicas[replica]
        for number in 1..<Capacity.numbers {
            let log = without == .segmentBeforeVotesGo ? there.log[number] : 0
            guard log | there.packed[number] != 0 else { continue }
            for ballot in 0..<Capacity.ballots {
                let slot = Replica.slot(UInt8(number), UInt8(ballot))
                if there.votes[slot] | there.claims[slot] != 0 { return UInt8(number) }
            }
        }
        return 0
    }

    func canMakeSegment(at replica: Int) -> Bool { segmentToMake(at: replica) != 0 }
    func canFreeLog(at replica: Int) -> Bool { logToFree(at: replica) != 0 }
    func canFreeVotes(at replica: Int) -> Bool { votesToFree(at: replica) != 0 }

    mutating func pack(at replica: Int, _ way: Action.Way) {
        switch way {
        case .makeSegment:
            let first = Int(segmentToMake(at: replica))
            for number in first..<first + Capacity.segment {
                let record = state.replicas[replica].log[number]
                state.replicas[replica].packed[number] = record
                conclude(UInt8(number), record)
            }
        case .freeLog: state.replicas[replica].log[Int(logToFree(at: replica))] = 0
        default:
            let number = votesToFree(at: replica)
            for ballot in 0..<Capacity.ballots {
                let slot = Replica.slot(number, UInt8(ballot))
                state.replicas[replica].votes[slot] = 0
                state.replicas[replica].claims[slot] = 0
            }
        }
        expectWhole(replica)
    }

    // MARK: - Catching up

    func canCatchUp(_ actor: Actor, _ replica: Int) -> Bool {
        let there = state.replicas[replica]
        guard there.mark < actor.known else { return false }
        return packToCopy(actor, replica) != 0 || isComplete(actor, replica)
    }

    /// - Returns: packs that the replica does not have, the state needs, and another replica has.
    private func packToCopy(_ actor: Actor, _ replica: Int) -> Packs {
        if without == .objectsBeforeMark { return 0 }
        let missing = fold(to: actor.known).listed & ~state.replicas[replica].packs
        for source in 0..<Capacity.replicas where state.replicas[source].isUp == 1 {
            let there = missing & state.replicas[source].packs
            if there != 0 { return .only(there.trailingZeroBitCount) }
        }
        return 0
    }

    private func isComplete(_ actor: Actor, _ replica: Int) -> Bool {
        fold(to: actor.known).listed & ~state.replicas[replica].packs == 0
            || without == .objectsBeforeMark
    }

    /// Copies one object: packs first, then records, then the mark.
    mutating func catchUp(_ actor: inout Actor, _ replica: Int) {
        let pack = packToCopy(actor, replica)
        if pack != 0 {
            state.replicas[replica].packs |= pack
            return
        }
        for number in 1...actor.known where read(number, at: replica) == 0 {
            state.replicas[replica].log[Int(number)] = state.chain[Int(number)]
            return
        }
        state.replicas[replica].mark = actor.known
        expectWhole(replica)
        endJob(&actor)
    }

    // MARK: - Readers

    /// Reads how far one replica is whole, and the log to there.
    mutating func look(_ actor: inout Actor, at replica: Int) {
        var number = state.replicas[replica].mark
        if without == .readAtMark {
            while Int(number) + 1 < Capacity.numbers, read(number + 1, at: replica) != 0 {
                number += 1
            }
        }
        let id = state.replicas[replica].id
        let isAgain = actor.phase == Phase.look.rawValue && actor.took != 0
        if isAgain, actor.replica == replica, actor.number == number, actor.content == id {
            violation = .falseDamage
            return
        }
        if number > 0 {
            for index in 1...number {
                expectDecided(index, at: replica)
            }
        }
        guard violation == nil, fold(to: number).points != 0 else { return endJob(&actor) }
        set(&actor, .follow)
        actor.number = number
        actor.replica = UInt8(replica)
        actor.content = id
    }

    /// Looks for the packs of the first live point; where one is not there it reads the log again.
    mutating func follow(_ actor: inout Actor, in replica: Int) {
        let fold = fold(to: actor.number)
        let content = state.records[fold.points.trailingZeroBitCount].argument
        if packs(of: content, in: fold.listed & state.replicas[replica].packs) != 0 {
            return endJob(&actor)
        }
        actor.phase = Phase.look.rawValue
        actor.took = 1
    }
}
