/// Frames of a pack that are right in no copy.
enum LostFrames {
    /// Without a good trailer there is no frame.
    case all
    case some(Set<Int>)

    func contains(_ frame: Int) -> Bool {
        switch self {
        case .all: true
        case .some(let frames): frames.contains(frame)
        }
    }
}
