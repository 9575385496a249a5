/// A disk that can be read: an image file, a block device, a stream, bytes in memory.
///
/// Called once for a window or an extent, never for a chunk. A source whose size is known takes
/// calls from any thread, at any offset. A stream is read by one caller at a time, from its start
/// to its end without a gap.
public protocol DiskSource: AnyObject, Sendable {
    /// What messages and recovery points call it.
    var name: String { get }
    /// Size in bytes when it was opened; nil for a stream, whose end tells it.
    var knownByteCount: UInt64? { get }
    /// The next stretch within `range` that may hold data; nil when the rest of the range reads as
    /// zeros. A source that cannot tell gives the whole range.
    func nextData(in range: Range<UInt64>) throws(KuraError) -> Range<UInt64>?
    /// Fills `target` from `offset`; fewer bytes come back only at the end of the disk.
    func read(
        at offset: UInt64, into target: UnsafeMutableRawBufferPointer
    ) throws(KuraError) -> Int
    /// The first bytes of the disk, or all where there are fewer; they can be read again. Before
    /// anything of a stream is read, and at most a few KiB.
    func firstBytes(_ count: Int) throws(KuraError) -> [UInt8]
    /// Whether a virtual machine has it open and may write to it now, as far as can be told.
    func isWrittenByMachine() -> Bool
    /// Whether it may have been written to since it was opened.
    func hasChanged() throws(KuraError) -> Bool
    /// Ends a wait for bytes with this, which stands for all that ended it before: with the job
    /// that reads. Before anything is read.
    func end(with cancellation: Cancellation)
}

extension DiskSource {
    public func isWrittenByMachine() -> Bool { false }
    public func end(with cancellation: Cancellation) {}

    public func firstBytes(_ count: Int) throws(KuraError) -> [UInt8] { try bytes(at: 0, count) }

    /// Bytes from an offset, or fewer where the disk ends before.
    package func bytes(at offset: UInt64, _ count: Int) throws(KuraError) -> [UInt8] {
        guard count > 0 else { return [] }
        // Aligned, as sources are read that go around the page cache.
        let buffer = AlignedBuffer(byteCount: count)
        let found = try read(
            at: offset, into: UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[..<count]))
        return Array(buffer.bytes[..<found])
    }
}
