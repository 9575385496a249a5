internal import KuraIO

/// An extent whose chunks have been put together, on its way to the target.
///
/// Data runs start and end on blocks of the disk, and so does the buffer, so that a run can be
/// written around the page cache.
struct AssembledExtent: Sendable {
    let number: Int
    /// Place on the disk.
    let range: Range<UInt64>
    /// What chunks cover, in bytes from the extent's start, in ascending order. The rest is holes,
    /// and what the buffer holds there means nothing.
    let runs: [Range<Int>]
    let buffer: AlignedBuffer

    var byteCount: Int { Int(range.upperBound - range.lowerBound) }

    var dataBytes: UInt64 { runs.reduce(0) { $0 + UInt64($1.count) } }

    var bytes: UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[..<byteCount])
    }

    /// A hole shorter than this is cleared in memory and written along with the data around it,
    /// where a sink takes bytes in order: a call of its own would cost more.
    private static let joinedHoleBytes = 64 << 10

    /// Writes all of the extent to its place, in ascending order.
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

    /// The runs, with the short holes between them cleared and taken in.
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
