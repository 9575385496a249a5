/// Frames of a pack that are good in no copy.
enum LostFrames {
    /// No copy has a good trailer, so no frame can be found.
    case all
    /// Their numbers.
    case some(Set<Int>)

    func contains(_ frame: Int) -> Bool {
        switch self {
        case .all: true
        case .some(let frames): frames.contains(frame)
        }
    }
}
