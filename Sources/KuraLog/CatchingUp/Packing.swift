internal import KuraFormat
package import KuraIO
internal import KuraReplicas

/// Puts whole ranges of a replica's records into segments, and removes what is superfluous then.
///
/// Each replica is packed by itself; several packers do no harm. If power fails before the segment
/// is durable nothing has changed; after it, records stand twice until the next packer comes. A
/// name in `log/` that comes back, or that a late put fills again, means nothing beside a segment.
package struct Packing<State: LogFold>: Sendable {
    let seal: LogSeal

    package init(_ seal: LogSeal) { self.seal = seal }

    package struct Report: Equatable, Sendable {
        /// Segments that were put, or that were there beside records in `log/`.
        package var segments = 0
        /// Records, votes, blanks and claims that were removed.
        package var removed = 0

        package init(segments: Int = 0, removed: Int = 0) {
            self.segments = segments
            self.removed = removed
        }
    }

    /// - Parameter tip: a state with its position, both known to be right. Only ranges that lead to
    ///   it are packed.
    /// - Throws: where the replica is damaged or does not answer.
    package func pack(
        _ replica: LogReplica, upTo tip: LogTip<State>
    ) throws(KuraError) -> Report {
        var report = Report()
        let numbers = try withKuraErrors { try replica.logNumbers() }
        var segments = Set(try withKuraErrors { try replica.segmentNumbers() })
        for first in Set(numbers.map { Segment.first(of: $0) }).sorted() {
            let range = LogNames.range(of: first)
            let there = numbers.filter { range.contains($0) }
            guard range.upperBound <= tip.position.number,
                there.count == range.count || segments.contains(first)
            else { continue }
            guard try makeSegment(of: first, in: replica, upTo: tip) else { continue }
            segments.insert(first)
            try withKuraErrors { try replica.delete(there.map { replica.names.log($0) }) }
            report.segments += 1
            report.removed += there.count
        }
        report.removed += try removeVotes(of: segments, in: replica)
        return report
    }

    /// Makes sure that a range of records is in a segment that leads to what is known.
    /// - Returns: false for a replica that is behind: it catches up first.
    private func makeSegment(
        of first: UInt64, in replica: LogReplica, upTo tip: LogTip<State>
    ) throws(KuraError) -> Bool {
        guard let one = replica.record(first).value else { throw broken(first, in: replica) }
        let start = LogPosition(
            number: first - 1, digest: one.record.record.previous ?? LogPosition.start.digest)
        let stretch = replica.stretch(after: start)
        guard stretch.records.count == Limits.segmentRecordsMax, let end = stretch.position else {
            throw broken(first, in: replica)
        }
        switch replica.way(from: end, to: tip.position) {
        case .whole: break
        case .missing: return false
        case .broken: throw broken(first, in: replica)
        }
        if stretch.isPacked { return true }
        for decided in stretch.records {
            guard seal.isDecided(decided, tip.state) else { throw broken(first, in: replica) }
        }
        try replica.putSegment(stretch.records)
        return true
    }

    private func broken(_ first: UInt64, in replica: LogReplica) -> KuraError {
        KuraError(
            .damaged,
            "the records from \(first) on in \(replica.place) cannot be packed: "
                + "some of them are damaged")
    }

    /// Removes votes, blanks and claims of numbers that are in a segment: until then they keep a
    /// writer that slept from deciding a number again.
    private func removeVotes(
        of segments: Set<UInt64>, in replica: LogReplica
    ) throws(KuraError) -> Int {
        try withKuraErrors {
            let votes = try replica.votes(of: { segments.contains(Segment.first(of: $0)) })
            try replica.delete(votes)
            return votes.count
        }
    }
}
