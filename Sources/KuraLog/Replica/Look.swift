internal import KuraFormat
internal import KuraIO

/// What a replica says about a number after something was put for it.
enum Look: Sendable {
    /// No segment has the number, and the replica is the one that was opened.
    case clear
    /// As the segment has it.
    case decided(DecidedRecord)
    /// The store holds another replica now.
    case replaced
    case damaged(KuraError)
    case silent(IOError)
}

extension LogReplica {
    /// Looks what a put for a number, or what was read for it, is worth: votes are removed only
    /// when the segment is there, so a name that was free means something only without one. The id
    /// comes last: what was put counts only in the replica that was meant.
    func look(_ number: UInt64) -> Look {
        switch segment(of: number) {
        case .there(let segment): return .decided(segment[number])
        case .missing: break
        case .damaged(let error): return .damaged(error)
        case .silent(let error): return .silent(error)
        }
        switch identity() {
        case .there(let found): return found == id ? .clear : .replaced
        case .missing: return .replaced
        case .damaged(let error): return .damaged(error)
        case .silent(let error): return .silent(error)
        }
    }
}
