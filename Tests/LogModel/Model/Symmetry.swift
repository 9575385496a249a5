/// Replicas are alike: states that differ only in which one is which are one state.
extension State {
    /// The hash of the state with its replicas in a fixed order.
    func canonicalHash() -> UInt64 {
        var marks = PerReplica<UInt64>(repeating: 0)
        for replica in 0..<Capacity.replicas { marks[replica] = signature(replica) }
        var order = PerReplica<Int>(repeating: 0)
        for replica in 0..<Capacity.replicas {
            var rank = 0
            for other in 0..<Capacity.replicas {
                if marks[other] < marks[replica]
                    || marks[other] == marks[replica] && other < replica
                {
                    rank += 1
                }
            }
            order[replica] = rank
        }
        if order[0] == 0, order[1] == 1 { return hash() }
        return placed(order).hash()
    }

    /// All that the state says of one replica.
    private func signature(_ replica: Int) -> UInt64 {
        var mix = withUnsafeBytes(of: replicas[replica]) { bytes in
            var sum: UInt64 = 0x9E37_79B9_7F4A_7C15
            var offset = 0
            while offset + 8 <= bytes.count {
                let word = bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
                sum = (sum ^ word) &* 0xD6E8_FEB8_6659_FD93
                sum ^= sum >> 32
                offset += 8
            }
            while offset < bytes.count {
                sum = (sum ^ UInt64(bytes[offset])) &* 0xD6E8_FEB8_6659_FD93
                offset += 1
            }
            return sum
        }
        func add(_ value: UInt8) {
            mix = (mix ^ UInt64(value)) &* 0xA076_1D64_78BD_642F
            mix ^= mix >> 29
        }
        for index in 0..<Capacity.actors where actors[index].kind != 0 {
            let actor = actors[index]
            add(actor.todo >> UInt8(replica) & 1)
            add(actor.check >> UInt8(replica) & 1)
            add(actor.took >> UInt8(replica) & 1)
            add(actor.refused >> UInt8(replica) & 1)
            add(actor.closed[replica])
            add(actor.best[replica])
            add(actor.bestBallot[replica])
            add(actor.zero[replica])
            add(actor.holders[replica])
        }
        for number in 1..<Capacity.numbers { add(copies[number].has(replica) ? 1 : 0) }
        return mix
    }

    private func placed(_ order: PerReplica<Int>) -> State {
        var moved = self
        func move(_ places: Places) -> Places {
            var result: Places = 0
            for replica in 0..<Capacity.replicas where places.has(replica) {
                result |= .only(order[replica])
            }
            return result
        }
        for replica in 0..<Capacity.replicas { moved.replicas[order[replica]] = replicas[replica] }
        for index in 0..<Capacity.actors where actors[index].kind != 0 {
            let actor = actors[index]
            moved.actors[index].todo = move(actor.todo)
            moved.actors[index].check = move(actor.check)
            moved.actors[index].took = move(actor.took)
            moved.actors[index].refused = move(actor.refused)
            for replica in 0..<Capacity.replicas {
                moved.actors[index].closed[order[replica]] = actor.closed[replica]
                moved.actors[index].best[order[replica]] = actor.best[replica]
                moved.actors[index].bestBallot[order[replica]] = actor.bestBallot[replica]
                moved.actors[index].zero[order[replica]] = actor.zero[replica]
                moved.actors[index].holders[order[replica]] = actor.holders[replica]
            }
            if actor.kind == Kind.reader.rawValue, actor.phase != 0 {
                moved.actors[index].replica = UInt8(order[Int(actor.replica)])
            } else {
                moved.actors[index].replica = move(actor.replica)
            }
        }
        for flight in 0..<Capacity.flights where flights[flight].what != 0 {
            moved.flights[flight].replica = UInt8(order[Int(flights[flight].replica)])
        }
        for number in 1..<Capacity.numbers { moved.copies[number] = move(copies[number]) }
        return moved
    }
}
