internal import KuraFormat

/// A chunk, where it is in its frame, and where it belongs in memory.
///
/// `@unchecked Sendable`: no two pieces have a byte of `target` in common.
struct ChunkPiece: @unchecked Sendable {
    var id: ChunkID
    var plainOffset: Int
    var byteCount: Int
    /// Room for it in the buffer of its extent.
    var target: UnsafeMutableRawPointer
    /// Number of the extent.
    var extent: Int
}

/// A frame, and what the extents in the window need of it.
struct FrameTask: Sendable {
    var frame: FrameName
    /// In the order of `plainOffset`.
    var pieces: [ChunkPiece]
}
