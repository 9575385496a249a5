package import KuraFormat
package import KuraIO

/// Reads the chain of a log.
package struct LogReader<State: LogFold>: Sendable {
    let seal: LogSeal

    package init(_ seal: LogSeal) { self.seal = seal }

    /// How far one replica could be read.
    package struct Reach: Sendable {
        package enum End: Sendable {
            /// The replica says that the next record is not there.
            case missing
            case damaged(KuraError)
            case silent(IOError)
        }

        package var replica: UniqueID
        package var place: String
        /// The last number of the chain that the replica has, as far as is known; 0 where it has
        /// none of those that were asked for.
        package var number: UInt64
        package var end: End

        /// Whether it answered, and said that it has nothing above some number below this one.
        func isBehind(_ longest: UInt64) -> Bool {
            if case .missing = end { return number < longest }
            return false
        }
    }

    /// What several replicas say together.
    package struct Reading: Sendable {
        package var tip: LogTip<State>
        /// In the order of the replicas.
        package var reaches: [Reach]
        /// Digests of the records that were read, by number.
        var digests: [UInt64: Digest] = [:]
        var places: [UInt64: String] = [:]

        /// Takes in a record that was checked.
        mutating func append(
            _ decided: DecidedRecord, from replica: LogReplica
        ) throws(KuraError) {
            try tip.state.apply(decided.record)
            tip.position = decided.record.position
            digests[tip.position.number] = tip.position.digest
            places[tip.position.number] = replica.place
        }
    }

    /// Reads on from a state whose position is known to be right: each record is decided, follows
    /// the one before it, and is signed by a key that was admitted before it.
    ///
    /// One replica whose chain verifies is enough, and the longest counts. Replicas that end before
    /// it are behind; one that is damaged ends where it is damaged.
    ///
    /// - Parameter comparing: whether each replica is also asked for the newest record that is
    ///   known already. Without that, one that was set back or that has another record there looks
    ///   as if it had nothing new.
    /// - Throws: `LogFault.forked` where two replicas have different decided records of one number.
    package func read(
        from start: LogTip<State>, in replicas: [LogReplica], comparing: Bool = true
    ) throws(KuraError) -> Reading {
        var reading = Reading(tip: start, reaches: [])
        for replica in replicas {
            reading.reaches.append(
                try extend(&reading, in: replica, after: start.position, comparing: comparing))
        }
        // One that was asked early may have what follows the record that another one had.
        var longest: UInt64 = 0
        while replicas.count > 1, reading.tip.position.number > longest {
            longest = reading.tip.position.number
            for (index, replica) in replicas.enumerated()
            where reading.reaches[index].isBehind(longest) {
                let reach = try extend(
                    &reading, in: replica, after: start.position, comparing: false)
                if reach.number > longest { reading.reaches[index] = reach }
            }
        }
        return reading
    }

    /// Reads on in one replica from the newest record that any had.
    private func extend(
        _ reading: inout Reading, in replica: LogReplica, after start: LogPosition,
        comparing: Bool
    ) throws(KuraError) -> Reach {
        var reach = Reach(replica: replica.id, place: replica.place, number: 0, end: .missing)
        if comparing, reading.tip.position.number > 0 {
            try compare(&reach, reading, in: replica, after: start)
            if case .silent = reach.end { return reach }
        }
        while true {
            let stretch = replica.stretch(after: reading.tip.position)
            for decided in stretch.records {
                if let objection = seal.objection(to: decided, after: reading.tip) {
                    reach.end = .damaged(error(objection, of: decided, in: replica))
                    return reach
                }
                try reading.append(decided, from: replica)
                reach.number = decided.number
                reach.end = .missing
            }
            switch stretch.end {
            case .range: continue
            case .missing: break
            case .other(let decided):
                try requireNoFork(reading, decided, in: replica, after: start)
                reach.end = .damaged(error(.chain, of: decided, in: replica))
            case .damaged(let error): reach.end = .damaged(error)
            case .silent(let error): reach.end = .silent(error)
            }
            return reach
        }
    }

    /// Compares the newest record that a replica has of those that are known.
    private func compare(
        _ reach: inout Reach, _ reading: Reading, in replica: LogReplica, after start: LogPosition
    ) throws(KuraError) {
        // A replica that is behind has the first ones: the last of them is between the two.
        var low = max(start.number, 1)
        var high = reading.tip.position.number
        var number = high
        while true {
            switch replica.record(number) {
            case .there(let decided):
                let known = reading.digests[number] ?? start.digest
                if decided.record.digest != known {
                    try requireNoFork(reading, decided, in: replica, after: start)
                    reach.end = .damaged(error(.chain, of: decided, in: replica))
                    return
                }
                reach.number = number
                low = number + 1
            case .missing: high = number - 1
            case .damaged(let error):
                reach.end = .damaged(error)
                return
            case .silent(let error):
                reach.end = .silent(error)
                return
            }
            guard low <= high else { return }
            number = low + (high - low) / 2
        }
    }

    private func error(
        _ objection: LogSeal.Objection, of decided: DecidedRecord, in replica: LogReplica
    ) -> KuraError {
        KuraError(
            .damaged,
            "record \(decided.number) in \(replica.place) is not to be believed: "
                + "\(objection.rawValue) is wrong")
    }
}
