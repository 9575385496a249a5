import SystemPackage

/// A flush that is taken away, and the operation that must then lose something: otherwise the sweep
/// would not notice if the code forgot it.
enum Canary: String, CaseIterable, Sendable {
    case bytesOfFiles = "bytes of every file"
    case namesOfPacks = "names of packs"
    case namesOfRuns = "names of index runs"
    case namesOfPoints = "names of recovery points"
    case namesOfTombstones = "names of tombstones"
    case namesInThePair = "names of packs in the paired region"

    var scenario: Scenario {
        switch self {
        case .bytesOfFiles, .namesOfPacks, .namesOfRuns, .namesOfPoints: .backup
        case .namesOfTombstones: .prune
        case .namesInThePair: .replicate
        }
    }

    /// Whether the flush of this file or directory does nothing.
    func ignores(_ path: FilePath) -> Bool {
        let text = path.string
        return switch self {
        case .bytesOfFiles: text.contains("/tmp/")
        case .namesOfPacks: text.contains("/packs/")
        case .namesOfRuns: text.hasSuffix("/index")
        case .namesOfPoints: text.hasSuffix("/points")
        case .namesOfTombstones: text.hasSuffix("/dropped")
        case .namesInThePair: text.hasPrefix("/west") && text.contains("/packs/")
        }
    }
}
