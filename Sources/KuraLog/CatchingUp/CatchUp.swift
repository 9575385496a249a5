internal import KuraFormat
package import KuraIO
internal import KuraReplicas

/// Gives a replica what it does not have yet: objects before records, records before the mark.
///
/// Any program may do it at any time; it needs no lock. It never adds a record that is not decided,
/// and removes nothing but lower marks.
package struct CatchUp<State: LogFold>: Sendable {
    let seal: LogSeal
    let objects: any LogObjects<State>
    let now: @Sendable () -> Int64

    package init(
        _ seal: LogSeal, _ objects: any LogObjects<State>, now: @escaping @Sendable () -> Int64
    ) {
        self.seal = seal
        self.objects = objects
        self.now = now
    }

    /// Makes a replica whole to a position.
    ///
    /// If power fails before the mark, the replica has more than its mark says, which is harmless.
    /// - Parameters:
    ///   - tip: a state with its position, both known to be right.
    ///   - others: replicas to copy from.
    /// - Returns: whether it is whole now; false where no replica in reach has what it needs.
    package func bring(
        _ replica: LogReplica, to tip: LogTip<State>, from others: [LogReplica]
    ) throws(KuraError) -> Bool {
        try withKuraErrors { try replica.prepare() }
        let mark = try replica.mark(seal, tip.state)
        if mark.number >= tip.position.number { return true }
        guard try objects.copy(neededBy: tip.state, to: replica, from: others) else {
            return false
        }
        guard try copyRecords(to: replica, from: others, upTo: tip, after: mark) else {
            return false
        }
        try replica.putMark(tip.position, seal, at: now())
        // What was put counts only in the replica that was meant; the mark has its name.
        guard replica.identity().value == replica.id else { return false }
        try removeMarks(below: tip.position.number, in: replica)
        return true
    }

    private func removeMarks(below number: UInt64, in replica: LogReplica) throws(KuraError) {
        try withKuraErrors {
            let lower = try replica.markNumbers().filter { $0 < number }
            try replica.delete(lower.map { replica.names.mark(replica.id, $0) })
        }
    }

    // MARK: Records

    /// Gives a replica every record to a position, without its objects. Its mark stays where it is.
    /// - Returns: whether it has them now, under the id that it was opened with.
    package func copyRecords(
        to replica: LogReplica, from others: [LogReplica], upTo tip: LogTip<State>
    ) throws(KuraError) -> Bool {
        try withKuraErrors { try replica.prepare() }
        let mark = try replica.mark(seal, tip.state)
        guard mark.number < tip.position.number else { return true }
        guard try copyRecords(to: replica, from: others, upTo: tip, after: mark) else {
            return false
        }
        return replica.identity().value == replica.id
    }

    private func copyRecords(
        to replica: LogReplica, from others: [LogReplica], upTo tip: LogTip<State>,
        after mark: LogPosition
    ) throws(KuraError) -> Bool {
        for source in others + [replica] {
            guard let digests = source.digests(after: mark, to: tip.position) else {
                continue
            }
            if try copy(from: source, to: replica, after: mark, digests, tip) { return true }
        }
        return try copyOneByOne(from: others + [replica], to: replica, after: mark, tip)
    }

    /// Copies each record from any replica that has it: where each was away at another time, none
    /// has all of them.
    private func copyOneByOne(
        from sources: [LogReplica], to replica: LogReplica, after start: LogPosition,
        _ tip: LogTip<State>
    ) throws(KuraError) -> Bool {
        func record(_ number: UInt64, _ digest: Digest) -> DecidedRecord? {
            sources.lazy.compactMap { $0.record(number).value }.first {
                $0.record.digest == digest && seal.isDecided($0, tip.state)
            }
        }
        // From the newest back, because each names the digest of the one before it.
        var digests = [tip.position.digest]
        for number in stride(from: tip.position.number, to: start.number, by: -1) {
            guard let found = record(number, digests[digests.count - 1]) else { return false }
            guard let previous = found.record.record.previous else { break }
            digests.append(previous)
        }
        if start.number > 0, digests.removeLast() != start.digest { return false }
        for (index, digest) in digests.reversed().enumerated() {
            let number = start.number + 1 + UInt64(index)
            if replica.record(number).value?.record.digest == digest { continue }
            guard let found = record(number, digest) else { return false }
            try put(found, in: replica, tip.state)
        }
        return true
    }

    /// Copies records whose digests are known to be right, range by range.
    private func copy(
        from source: LogReplica, to replica: LogReplica, after start: LogPosition,
        _ digests: [Digest], _ tip: LogTip<State>
    ) throws(KuraError) -> Bool {
        var position = start
        var rest = digests[...]
        while !rest.isEmpty {
            let stretch = source.stretch(after: position)
            let records = Array(stretch.records.prefix(rest.count))
            guard !records.isEmpty,
                records.map(\.record.digest) == Array(rest.prefix(records.count)),
                // A wrong decision would be refused where it is copied to.
                records.allSatisfy({ seal.isDecided($0, tip.state) })
            else { return false }
            let range = LogNames.range(of: position.number + 1)
            if stretch.isPacked, records.count == range.count {
                try replica.putSegment(records)
            } else {
                for decided in records { try put(decided, in: replica, tip.state) }
            }
            rest = rest.dropFirst(records.count)
            position = records[records.count - 1].record.position
        }
        return true
    }

    /// Puts a record that is known to be decided. One that is damaged gives way to it.
    private func put(
        _ decided: DecidedRecord, in replica: LogReplica, _ state: State
    ) throws(KuraError) {
        let number = decided.number
        let name = replica.names.log(number)
        switch replica.put(name, decided.encoded()) {
        case .took: return
        case .silent(let error): throw KuraError(io: error)
        case .stands, .removed: break
        }
        switch replica.record(number) {
        case .there(let other) where other.record.digest == decided.record.digest:
            guard !seal.isDecided(other, state) else { return }
        case .there(let other) where seal.isBelieved(other, state):
            throw LogFault.forked(
                number: number, .init(decided.record.digest, at: nil),
                .init(other.record.digest, at: replica.place)
            ).error
        case .silent(let error): throw KuraError(io: error)
        case .there, .damaged, .missing: break
        }
        try replica.replace(name, decided.encoded())
    }
}
