internal import KuraFormat
internal import KuraIO

extension LogReader {
    /// Throws where a record that does not follow what was read was decided all the same: then the
    /// log is forked, at this number or before it. Without a good signature of its decision it is
    /// only damaged.
    func requireNoFork(
        _ reading: Reading, _ decided: DecidedRecord, in replica: LogReplica,
        after start: LogPosition
    ) throws(KuraError) {
        guard seal.isBelieved(decided, reading.tip.state) else { return }
        // The first number at which the two differ, among those that were read here.
        var number = min(decided.number, reading.tip.position.number)
        var found: (UInt64, DecidedRecord)?
        while number > start.number, let digest = reading.digests[number] {
            guard let other = replica.record(number).value, other.record.digest != digest,
                seal.isBelieved(other, reading.tip.state)
            else { break }
            found = (number, other)
            number -= 1
        }
        if let (number, other) = found, let digest = reading.digests[number] {
            throw LogFault.forked(
                number: number, .init(digest, at: reading.places[number]),
                .init(other.record.digest, at: replica.place)
            ).error
        }
        guard number == start.number, number > 0,
            let other = replica.record(number).value, other.record.digest != start.digest,
            seal.isBelieved(other, reading.tip.state)
        else { return }
        throw LogFault.forked(
            number: number, .init(start.digest, at: nil),
            .init(other.record.digest, at: replica.place)
        ).error
    }
}
