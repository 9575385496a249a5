internal import KuraFormat
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

    /// Stretches between runs.
    private var holes: [Range<Int>] {
        var holes: [Range<Int>] = []
        var end = 0
        for run in runs {
            if run.lowerBound > end { holes.append(end..<run.lowerBound) }
            end = run.upperBound
        }
        if end < byteCount { holes.append(end..<byteCount) }
        return holes
    }

    func write(to file: TargetFile) throws(IOError) {
        if file.needsZeros {
            for hole in holes {
                let start = range.lowerBound + UInt64(hole.lowerBound)
                try file.zero(start..<(start + UInt64(hole.count)))
            }
        }
        for run in runs {
            try file.write(
                at: range.lowerBound + UInt64(run.lowerBound),
                UnsafeRawBufferPointer(rebasing: bytes[run]))
        }
        if !runs.isEmpty { file.startWriteback(range) }
    }

    /// Writes all of the extent, holes as zeros.
    func write(to stream: OutputStream) throws(IOError) {
        for hole in holes {
            (bytes.baseAddress! + hole.lowerBound).initializeMemory(
                as: UInt8.self, repeating: 0, count: hole.count)
        }
        try stream.write(UnsafeRawBufferPointer(bytes))
    }
}
