internal import KuraFormat

/// Where a chunk is, with the run's pack number resolved.
struct FoundChunk {
    var pack: PackID
    var frame: Int
    var plainOffset: Int
}
