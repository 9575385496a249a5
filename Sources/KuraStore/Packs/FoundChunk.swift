package import KuraFormat

/// Location of a chunk, with the name of the pack instead of its number in a run.
package struct FoundChunk: Equatable {
    package var pack: PackID
    /// Number of the frame in the pack.
    var frame: Int
    /// Offset of the chunk in the frame's plain bytes.
    var plainOffset: Int
}
