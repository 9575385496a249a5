package import KuraFormat
package import KuraIO
internal import KuraReplicas

extension LogReplica {
    /// Says that the replica is whole to a position: it has the records to it, and every object
    /// that the state needs. The mark of the record before it goes.
    ///
    /// If power fails the old mark may be there still or again; the highest counts.
    func putMark(_ position: LogPosition, _ seal: LogSeal, at time: Int64) throws(KuraError) {
        let name = names.mark(id, position.number)
        switch put(name, seal.mark(position, of: id, at: time)) {
        // Another program found the same.
        case .took, .stands, .removed: break
        case .silent(let error): throw KuraError(io: error)
        }
        guard position.number > 1 else { return }
        do throws(IOError) {
            try delete([names.mark(id, position.number - 1)])
        } catch {
            // A lower mark says nothing wrong; catching up removes it.
        }
    }

    /// The highest mark of this replica; before the first record where it has none.
    ///
    /// A point is followed in a replica by the state at its mark, not at its newest record.
    package func mark<State: LogFold>(
        _ seal: LogSeal, _ state: State
    ) throws(KuraError) -> LogPosition {
        let numbers = try withKuraErrors { try markNumbers() }
        for number in numbers.reversed() {
            switch mark(number) {
            case .there(let mark) where seal.isValid(mark, of: id, as: number, state):
                return mark.position
            case .there, .damaged: continue
            // A higher one has come, and this one went.
            case .missing: return try self.mark(seal, state)
            case .silent(let error): throw KuraError(io: error)
            }
        }
        return .start
    }
}
