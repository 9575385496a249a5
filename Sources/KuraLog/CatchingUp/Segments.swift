internal import KuraFormat
internal import KuraIO
internal import KuraReplicas

extension LogReplica {
    /// Puts records of a whole range, which are known to be decided, as a segment. One that is
    /// damaged gives way to it.
    /// - Throws: `damaged` where a sound segment of other records stands there.
    func putSegment(_ records: [DecidedRecord]) throws(KuraError) {
        let name = names.segment(of: records[0].number)
        let bytes: [UInt8]
        do throws(FormatError) {
            bytes = try Segment(records).encoded()
        } catch {
            throw KuraError(error)
        }
        switch put(name, bytes) {
        case .took: return
        case .silent(let error): throw KuraError(io: error)
        case .stands, .removed: break
        }
        switch segment(of: records[0].number) {
        case .there(let other):
            guard other.records.map(\.record.digest) == records.map(\.record.digest) else {
                throw KuraError(
                    .damaged, "\(store.address(of: name)) has other records than those decided")
            }
        case .silent(let error): throw KuraError(io: error)
        case .missing, .damaged: try replace(name, bytes)
        }
    }

    /// How the records of a replica lead from one position to another.
    enum Way {
        /// Digests of the records on it.
        case whole([Digest])
        /// It ends before: the replica is behind.
        case missing
        /// Something on it is damaged, leads elsewhere, or cannot be read.
        case broken
    }

    /// The digests of the records after one position to another, as this replica has them.
    /// - Returns: nil where it does not lead from the one to the other.
    func digests(after start: LogPosition, to end: LogPosition) -> [Digest]? {
        if case .whole(let digests) = way(from: start, to: end) { return digests }
        return nil
    }

    func way(from start: LogPosition, to end: LogPosition) -> Way {
        var digests: [Digest] = []
        var position = start
        while position.number < end.number {
            let stretch = stretch(after: position)
            for decided in stretch.records.prefix(Int(end.number - position.number)) {
                digests.append(decided.record.digest)
                position = decided.record.position
            }
            if case .range = stretch.end { continue }
            if case .missing = stretch.end, position.number < end.number { return .missing }
            break
        }
        return position == end ? .whole(digests) : .broken
    }
}
