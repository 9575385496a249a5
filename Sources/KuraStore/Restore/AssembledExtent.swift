internal import KuraIO

/// An extent whose chunks are put together in memory, to be written to the sink.
///
/// Data runs start and end on blocks of the disk, and the buffer is aligned to blocks, too, so that
/// a run can be written around the page cache.
struct AssembledExtent: Sendable {
    let number: Int
    /// In bytes from the start of the disk.
    let range: Range<UInt64>
    /// What chunks cover, in bytes from the extent's start, in ascending order. The rest is holes,
    /// for which the content of the buffer is undefined.
    let runs: [Range<Int>]
    let buffer: AlignedBuffer

    var byteCount: Int { Int(range.upperBound - range.lowerBound) }

    var dataBytes: UInt64 { runs.reduce(0) { $0 + UInt64($1.count) } }

    var bytes: UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[..<byteCount])
    }

    /// Where a sink takes bytes in order, a hole shorter than this is cleared in memory and written
    /// together with the data around it: a call of its own would cost more.
    private static let joinedHoleBytes = 64 << 10

    /// Writes all of the extent to the sink, in ascending order.
    func write(to sink: any DiskSink) throws(KuraError) {
        let leavesHoles = sink.startsAsZeros
        var end = 0
        for run in sink.access == .sequential ? joiningShortHoles() : runs {
            if !leavesHoles { try zero(end..<run.lowerBound, in: sink) }
            try sink.write(
                at: range.lowerBound + UInt64(run.lowerBound),
                UnsafeRawBufferPointer(rebasing: bytes[run]))
            end = run.upperBound
        }
        if !leavesHoles { try zero(end..<byteCount, in: sink) }
        if !runs.isEmpty { sink.startWriteback(range) }
    }

    private func zero(_ hole: Range<Int>, in sink: any DiskSink) throws(KuraError) {
        guard !hole.isEmpty else { return }
        let start = range.lowerBound + UInt64(hole.lowerBound)
        try sink.zero(start..<(start + UInt64(hole.count)))
    }

    /// The runs, joined across short holes, which are cleared in the buffer.
    private func joiningShortHoles() -> [Range<Int>] {
        var joined: [Range<Int>] = []
        for run in runs {
            guard let last = joined.last, run.lowerBound - last.upperBound < Self.joinedHoleBytes
            else {
                joined.append(run)
                continue
            }
            (bytes.baseAddress! + last.upperBound).initializeMemory(
                as: UInt8.self, repeating: 0, count: run.lowerBound - last.upperBound)
            joined[joined.count - 1] = last.lowerBound..<run.upperBound
        }
        return joined
    }
}
