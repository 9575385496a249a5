internal import KuraFormat
internal import KuraIO

/// Records of one range of numbers, one after the other, as one replica has them.
struct Stretch: Sendable {
    /// Where a stretch ends.
    enum End: Sendable {
        /// With the range; the next number may be there.
        case range
        /// The next number is not there.
        case missing
        /// This stands in its place, and does not follow.
        case other(DecidedRecord)
        case damaged(KuraError)
        case silent(IOError)
    }

    /// Each names the one before it.
    var records: [DecidedRecord] = []
    var end: End = .missing
    /// Whether they come from a segment, which has the whole range.
    var isPacked = false

    var position: LogPosition? { records.last?.record.position }
}

extension LogReplica {
    /// Reads on after a position, to the end of the range that the next number is in.
    ///
    /// `log/` comes first and then the segment of the range, which holds where it is there: so one
    /// look at it is enough for all of them.
    func stretch(after position: LogPosition) -> Stretch {
        let range = LogNames.range(of: position.number + 1)
        var stretch = Stretch()
        stretch.end = .range
        var tip = position
        while tip.number < range.upperBound {
            let answer = log(tip.number + 1)
            guard let decided = answer.value else {
                stretch.end = Self.end(answer)
                break
            }
            guard belongs(decided), decided.record.record.previous == tip.previous else {
                stretch.end = .other(decided)
                break
            }
            stretch.records.append(decided)
            tip = decided.record.position
        }
        switch segment(of: position.number + 1) {
        case .missing: return stretch
        case .there(let segment): return self.stretch(after: position, of: segment)
        case .damaged(let error): return Stretch(end: .damaged(error), isPacked: true)
        case .silent(let error): return Stretch(end: .silent(error))
        }
    }

    private func stretch(after position: LogPosition, of segment: Segment) -> Stretch {
        let next = segment[position.number + 1]
        guard belongs(next), next.record.record.previous == position.previous else {
            return Stretch(end: .other(next), isPacked: true)
        }
        let rest = segment.records[Int(position.number + 1 - segment.first)...]
        return Stretch(records: Array(rest), end: .range, isPacked: true)
    }

    private func belongs(_ decided: DecidedRecord) -> Bool {
        decided.record.vault == names.vault
    }

    private static func end(_ answer: Answer<DecidedRecord>) -> Stretch.End {
        switch answer {
        case .there(let decided): .other(decided)
        case .missing: .missing
        case .damaged(let error): .damaged(error)
        case .silent(let error): .silent(error)
        }
    }
}
