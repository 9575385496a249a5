package import KuraFormat
package import KuraIO

/// The newest decided record that a program has seen. It refuses a log that does not have it.
package struct LogMemory: Equatable, Sendable {
    package var position: LogPosition

    package init(_ position: LogPosition) { self.position = position }

    /// How a log agrees with what is remembered.
    package enum Agreement: Equatable, Sendable {
        case holds
        /// Too few replicas could be read to tell an older log from one that was set back: so many
        /// records are missing.
        case behind(by: UInt64)
    }
}

extension LogReader {
    /// Compares what was read with what is remembered.
    ///
    /// - Parameters:
    ///   - start: where reading began; records between it and the memory are read again.
    ///   - memory: if it is older than `start`, the records between are followed in a replica.
    /// - Throws: `LogFault.forked` where the log has another record of that number,
    ///   `LogFault.rolledBack` where a majority of the members was read and ends before it.
    package func compare(
        _ reading: Reading, from start: LogPosition, with memory: LogMemory,
        in replicas: [LogReplica]
    ) throws(KuraError) -> LogMemory.Agreement {
        let known = memory.position
        guard known.number > 0 else { return .holds }
        let tip = reading.tip
        if known.number > tip.position.number {
            let members = tip.state.members
            let answered = reading.reaches.filter { reach in
                if case .silent = reach.end { return false }
                return members.isEmpty || members.contains(reach.replica)
            }
            // Where not even record 1 is there, no record says who the members are.
            let count = members.isEmpty ? reading.reaches.count : members.count
            guard answered.count < count / 2 + 1 else {
                throw LogFault.rolledBack(
                    remembered: known, found: tip.position.number
                ).error
            }
            return .behind(by: known.number - tip.position.number)
        }
        if known.number > start.number {
            return try require(
                reading.digests[known.number], at: reading.places[known.number], is: known)
        }
        if known.number == start.number { return try require(start.digest, at: nil, is: known) }
        return try follow(known, to: start, in: replicas)
    }

    private func require(
        _ digest: Digest?, at place: String?, is known: LogPosition
    ) throws(KuraError) -> LogMemory.Agreement {
        guard let digest, digest != known.digest else { return .holds }
        throw LogFault.forked(
            number: known.number, .init(known.digest, at: nil), .init(digest, at: place)
        ).error
    }

    /// Follows the records from what is remembered to a newer position that is believed.
    private func follow(
        _ known: LogPosition, to start: LogPosition, in replicas: [LogReplica]
    ) throws(KuraError) -> LogMemory.Agreement {
        for replica in replicas {
            var position = known
            var isOver = false
            while !isOver, position.number < start.number {
                let stretch = replica.stretch(after: position)
                for decided in stretch.records where position.number < start.number {
                    position = decided.record.position
                }
                if case .range = stretch.end { continue }
                isOver = true
            }
            if position == start { return .holds }
        }
        // No replica leads from the one to the other. One that has the number has another record.
        for replica in replicas {
            guard let other = replica.record(known.number).value,
                other.record.digest != known.digest
            else { continue }
            return try require(other.record.digest, at: replica.place, is: known)
        }
        throw KuraError(
            .damaged,
            "the records from \(known.number) to \(start.number) cannot be read in any replica")
    }
}
