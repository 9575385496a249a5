import KuraFormat

/// Sizes that this writer chooses. They are no part of the format: a reader takes any within
/// `Limits`.
enum Tuning {
    /// Frames are closed when the next chunk would take them beyond this many plain bytes. Measured:
    /// 512 KiB needs 1 % more stored bytes, 1 MiB 0.5 % fewer but reading one chunk decodes more.
    static let dataFrameBytes = 768 << 10
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
    /// Runs below this size are merged when there are `smallRunsMax` of them.
    static let smallRunEntries = 1 << 17
    static let smallRunsMax = 8
    /// Extents that a restore has in memory, 32 MiB each: being put together or being written.
    static let restoreExtents = 7
    /// Threads of a restore that decode, at most.
    static let restoreWorkersMax = 6
    static let restoreWriters = 2
}
