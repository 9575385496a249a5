package import KuraFormat

/// Where a chunk is, with the run's pack number resolved.
package struct FoundChunk: Equatable {
    package var pack: PackID
    var frame: Int
    var plainOffset: Int
}
