/// Where a disk is written to: a new file, which may replace an old one; a block device; a stream.
///
/// The writer gives every byte of the disk exactly once, by `write` or by `zero`, in long stretches
/// and never chunk by chunk; then it calls `finish`, or `abandon` when something went wrong.
public protocol DiskSink: AnyObject, Sendable {
    /// What messages call it.
    var name: String { get }
    /// Size of the disk in bytes.
    var byteCount: UInt64 { get }
    var access: DiskAccess { get }
    /// Whether everything reads as zeros before it is written, so that `zero` may be left out.
    var startsAsZeros: Bool { get }
    func write(at offset: UInt64, _ bytes: UnsafeRawBufferPointer) throws(KuraError)
    /// Makes a range read as zeros, without storing them where the sink can.
    func zero(_ range: Range<UInt64>) throws(KuraError)
    /// Tells that nothing more will be written to a range: `finish` has less to wait for when the
    /// sink begins to make it durable.
    func startWriteback(_ range: Range<UInt64>)
    /// Returns when the disk is complete and as durable as the sink can make it. Once only.
    func finish() throws(KuraError)
    /// Gives up a disk that is not complete. What was made for it goes, and a file that was to be
    /// replaced is as it was. A block device holds a mixture.
    func abandon()
}

/// In which order a sink takes a disk.
public enum DiskAccess: Sendable {
    /// Any offset, from several threads at once.
    case random
    /// From the start to the end without a gap, one call at a time.
    case sequential
}
