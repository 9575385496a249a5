/// Every hard maximum of the format. A reader refuses what exceeds one before it allocates for it.
///
/// These are part of the format (FORMAT.md, "Limits"); changing one needs a new format version.
public enum Limits {
    /// The grid of holes: a 4 KiB block that is all zero is never part of a chunk.
    public static let blockBytes = 4096
    /// Longest chunk, in plain bytes.
    public static let chunkBytesMax = 1 << 20
    /// Longest frame, in plain bytes.
    public static let framePlainBytesMax = 4 << 20
    /// Longest frame, in stored bytes: a frame that would grow is stored raw.
    public static let frameStoredBytesMax = framePlainBytesMax
    /// Frames in one pack. The index keeps the frame's number in 16 bits.
    public static let packFramesMax = 1 << 16
    /// Chunks in one pack.
    public static let packChunksMax = 1 << 20
    /// Longest pack, in bytes, with its header, trailer and footer.
    public static let packBytesMax = 128 << 20
    /// Longest trailer of a pack: every frame and every chunk it may have.
    public static let packTrailerBytesMax = 48 << 20
    /// Packs that one index run may refer to. An entry keeps the pack's number in 24 bits.
    public static let runPacksMax = 1 << 24
    /// Longest trailer of an index run, in bytes.
    public static let runTrailerBytesMax = 8 << 30
    /// Bytes of a disk that one leaf of the manifest tree describes.
    public static let leafSpanBytes = 512 << 10
    /// Children of an inner node of the manifest tree.
    public static let nodeFanOut = 64
    /// Stretch of a disk that is chunked on its own: what one node above the leaves describes.
    public static let extentBytes = leafSpanBytes * nodeFanOut
    /// Levels of the manifest tree above the leaves. 512 KiB x 64^6 is 32 PiB.
    public static let nodeLevelMax = 6
    /// Largest disk, in bytes: what a tree of `nodeLevelMax` levels can describe.
    public static let diskBytesMax = UInt64(leafSpanBytes) << (6 * UInt64(nodeLevelMax))
    /// Longest encoded manifest node, in bytes: a leaf of chunks of one block each.
    public static let nodeBytesMax = 64 << 10
    /// Body of a sealed record, in bytes.
    public static let recordBodyBytesMax = 1 << 20
    /// Disks of one recovery point.
    public static let disksMax = 64
    /// Tags of one recovery point.
    public static let tagsMax = 16
    /// Index runs that one recovery point names.
    public static let pointRunsMax = 4096
    /// Names of vaults, items, disks and regions, in bytes of UTF-8.
    public static let nameBytesMax = 255
    /// Longest free text in a record (a path, a note), in bytes of UTF-8.
    public static let textBytesMax = 8192
    /// Subject of a journal entry, in bytes of UTF-8: a kind, a slash, and the name of an item.
    public static let journalSubjectBytesMax = 1024
    /// Each text of a journal entry, in bytes of UTF-8.
    public static let journalTextBytesMax = 32 << 10
    /// Highest number of recovery points of an item, of journal entries and of revisions: counting
    /// on from it does not overflow.
    public static let sequenceMax = UInt64(Int64.max)
    /// Replicas of one region.
    public static let replicasMax = 3
    /// Features that a vault may require or carry.
    public static let featuresMax = 64
    /// Packs that one condemnation names, and runs, and sessions: its body stays below
    /// `recordBodyBytesMax`.
    public static let condemnedMax = 8192
    /// Packs that the verification memory of one replica names.
    public static let verifiedPacksMax = 1 << 24

    // Format 2: the log.

    /// Longest record of the log, in bytes, with its signature.
    public static let logRecordBytesMax = 4 << 20
    /// Bodies of one record of the log; it has one at least.
    public static let logBodiesMax = 1024
    /// Elements of any list in a body: of packs, points, runs, numbers, subjects.
    public static let logListMax = 1 << 16
    /// Highest ballot in which a record is decided: a name has three digits for it.
    public static let ballotMax: UInt32 = 999
    /// Records of one segment.
    public static let segmentRecordsMax = 1024
    /// Disks of one recovery point in a log.
    public static let logDisksMax = 256
    /// Regions of a vault.
    public static let regionsMax = 16
    /// Keys that a checkpoint names, admitted or removed.
    public static let keysMax = 1024
    /// Pages that the root of a checkpoint names.
    public static let checkpointPagesMax = 1024
    /// Longest key of an entry of a page, in bytes.
    public static let pageKeyBytesMax = 1200
    /// Entries of one page of a checkpoint.
    public static let pageEntriesMax = 1 << 16
    /// Highest level of a page of a checkpoint.
    public static let pageLevelMax: UInt8 = 7
}
