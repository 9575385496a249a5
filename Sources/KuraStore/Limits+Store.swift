import KuraFormat

/// Sizes that this writer chooses. They are no part of the format: a reader takes any within
/// `Limits`.
enum Tuning {
    /// Frames are closed when the next chunk would take them beyond this many plain bytes. Measured:
    /// 1 MiB saves 1 % of stored bytes and doubles what reading one chunk decodes.
    static let dataFrameBytes = 512 << 10
    /// Nodes are read one by one, so their frames are small.
    static let manifestFrameBytes = 64 << 10
    /// Packs are sealed when the next frame would not fit.
    static let dataPackBytes = 32 << 20
    static let manifestPackBytes = 8 << 20
    /// Pack buffers of each kind: one is filled while the others are written.
    static let packBuffers = 3
    /// Bytes that a worker reads at once.
    static let windowBytes = 1 << 20
    /// New chunks after which an index run is written, so that memory stays bounded: the claims of
    /// 2^19 chunks are about 32 MiB, their entries 20 MiB.
    static let runEntriesMax = 1 << 19
    /// Blocks of the index that a worker keeps, 4 KiB each. A power of two.
    static let cachedBlocks = 2048
    /// Decoded frames that a restore worker keeps.
    static let cachedFrames = 8
    /// Runs below this size are merged when there are `smallRunsMax` of them.
    static let smallRunEntries = 1 << 17
    static let smallRunsMax = 8
}
