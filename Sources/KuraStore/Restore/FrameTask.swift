internal import KuraFormat

/// A chunk, where it is in its frame, and where it belongs in memory.
///
/// `@unchecked Sendable`: no two pieces have a byte of `target` in common.
struct ChunkPiece: @unchecked Sendable {
    var id: ChunkID
    var plainOffset: Int
    var byteCount: Int
    /// The chunk's first byte in the buffer of its extent.
    var target: UnsafeMutableRawPointer
    /// Number of the extent.
    var extent: Int
}

/// A frame, and the chunks of it that the extents in the window need.
struct FrameTask: Sendable {
    var frame: FrameName
    /// In the order in which the extents were added.
    var pieces: [ChunkPiece]
}
