/// Sizes that this writer chooses. They are no part of the format: a reader accepts every size
/// within `Limits`.
package enum Tuning {
    /// Frames are closed when the next chunk would take them beyond this many plain bytes.
    /// Measured: 2 MiB save 0.9 % of the bytes, but a restore from an old history decodes a sixth
    /// more.
    package static let dataFrameBytes = 1 << 20
    /// Likewise, for new chunks of extents that had data before, and for rewritten chunks. Such
    /// extents change often, so later restores need only a part of each frame, but decode it
    /// whole. Measured: with frames of 128 KiB a restore from an old history decodes a third more.
    package static let smallFrameBytes = 64 << 10
    /// Nodes are read one by one, so their frames are small.
    package static let manifestFrameBytes = 64 << 10
    /// Level of zstd where the request names none.
    package static let compressionLevel = 2
    /// Packs are sealed when the next frame would not fit.
    package static let dataPackBytes = 32 << 20
    package static let manifestPackBytes = 8 << 20
    /// Pack buffers of each kind: one is filled while the others are written.
    package static let packBuffers = 3
    /// Bytes that a worker reads at once: they stay in the cache until they are cut, hashed and
    /// copied.
    package static let windowBytes = 512 << 10
    /// A backup compares most extents by MAC, and one in this many by SHA-256: other extents each
    /// time, so that within this many backups every extent is compared by SHA-256 once.
    package static let proofRounds = 32
    /// A backup looks for sparse frames in one extent of this many, because that costs a look-up of
    /// the index for every chunk.
    package static let rewriteRounds = 8
    /// A backup may store chunks of sparse frames again, at most this part of the plain bytes that
    /// were new in the backup before: one in four.
    package static let rewriteShare: UInt64 = 4
    /// New chunks after which an index run is written, so that memory stays bounded: the claims of
    /// 2^19 chunks are about 32 MiB, their entries 20 MiB.
    package static let runEntriesMax = 1 << 19
    /// Tables of the frames of packs that a reader of packs keeps in memory: 56 bytes a frame, so
    /// those of 20,000 packs with frames of 1 MiB, or of 2,000 with small ones.
    package static let frameTableBytes = 64 << 20
    /// Blocks of the index that a worker keeps in memory, 4 KiB each. A power of two.
    package static let cachedBlocks = 2048
    /// Extents that a restore has in memory at most, 32 MiB each: being put together or written.
    package static let restoreExtents = 7
    /// A restore or verification decodes small frames of this many bytes together and then hashes
    /// all their chunks: all lanes of the hasher work, and the bytes are still in the cache. It
    /// needs memory for these bytes and one frame.
    package static let decodeBatchBytes = 512 << 10
    /// Threads of a restore that decode, at most.
    package static let restoreWorkersMax = 6
    package static let restoreWriters = 2
    /// Plain bytes of decoded frames that a reader of one disk keeps.
    package static let readerCacheBytes = 64 << 20
    /// Extents whose chunk lists a reader of one disk keeps: about 100 KiB each.
    package static let readerExtents = 64
    /// Blocks of the index that a thread of such a reader keeps, 4 KiB each. A power of two.
    package static let readerBlocks = 256
}
