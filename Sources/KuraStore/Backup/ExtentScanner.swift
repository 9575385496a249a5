package import KuraCodec
package import KuraFormat
package import KuraIO

/// A chunk in the scanner's window.
package struct WindowChunk {
    /// Bytes from the window's start.
    package var start: Int
    package var byteCount: Int
    /// Its name, where it is a chunk of the parent recovery point: then the vault holds it.
    package var knownID: ChunkID?
    /// Its MAC, where that is known, too.
    package var mac: ChunkMAC?
}

/// Chunks of one window, and the offset of the window on the disk. Valid during the call only.
package struct WindowBatch {
    package var bytes: UnsafeRawBufferPointer
    /// Of the first of `bytes`.
    package var diskOffset: UInt64
    package var chunks: [WindowChunk]

    package func bytes(of chunk: WindowChunk) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: bytes[chunk.start..<(chunk.start + chunk.byteCount)])
    }
}

/// Reads an extent window by window, leaves holes out and cuts the rest into chunks.
///
/// The window is small enough to stay in the cache from reading to hashing. What is left of a
/// window after its last chunk moves to the front of the next. One thread uses a scanner; no
/// allocation after the first windows.
package final class ExtentScanner {
    private let chunker: Chunker
    private let window: AlignedBuffer
    /// Offset of the window's first byte on the disk.
    private var base: UInt64 = 0
    private var filled = 0
    /// The first byte that is in no chunk and no hole yet, from the window's start.
    private var chunkStart = 0
    private var chunks: [WindowChunk] = []
    private var runs: [WindowRun] = []
    private let hints: ParentHints

    /// A data run as far as the window shows it, in bytes from the window's start.
    private struct WindowRun {
        var start: Int
        var end: Int
        /// False where it may go on after the window.
        var isComplete: Bool
    }

    /// - Parameter authenticator: nil to recognise chunks by SHA-256 alone.
    package init(_ chunker: Chunker, _ authenticator: ChunkAuthenticator? = nil) {
        self.chunker = chunker
        hints = ParentHints(authenticator)
        window = AlignedBuffer(byteCount: Tuning.windowBytes + chunker.max + Limits.blockBytes)
        chunks.reserveCapacity(1024)
    }

    /// Scans one extent and calls `batch` for each window that has chunks.
    /// - Parameters:
    ///   - extent: starts on an extent boundary; ends on one, or at the end of the disk.
    ///   - parent: chunks of the same extent in the parent recovery point.
    ///   - isProof: whether those are recognised by SHA-256 even where they have MACs.
    package func scan(
        _ extent: Range<UInt64>, of source: any DiskSource, parent: [ExtentChunk] = [],
        isProof: Bool = true, trace: inout StageTimes,
        batch: (WindowBatch, inout StageTimes) throws(KuraError) -> Void
    ) throws(KuraError) {
        hints.begin(parent, extentStart: extent.lowerBound, isProof: isProof)
        var cursor = extent.lowerBound
        while var data = try nextBlocks(in: cursor..<extent.upperBound, of: source) {
            // A file system may report one data run in several stretches.
            while let more = try nextBlocks(in: data.upperBound..<extent.upperBound, of: source),
                more.lowerBound == data.upperBound
            {
                data = data.lowerBound..<more.upperBound
            }
            try scanData(data, of: source, trace: &trace, batch: batch)
            cursor = data.upperBound
        }
    }

    /// The next stretch that may hold data, extended to block boundaries, so that a hole of the
    /// file system and a stretch of zeros give the same chunks.
    private func nextBlocks(
        in range: Range<UInt64>, of source: any DiskSource
    ) throws(KuraError) -> Range<UInt64>? {
        guard let data = try source.nextData(in: range) else { return nil }
        let block = UInt64(Limits.blockBytes)
        let start = max(data.lowerBound / block * block, range.lowerBound)
        let end = min((data.upperBound + block - 1) / block * block, range.upperBound)
        return start..<end
    }

    private func scanData(
        _ range: Range<UInt64>, of source: any DiskSource, trace: inout StageTimes,
        batch: (WindowBatch, inout StageTimes) throws(KuraError) -> Void
    ) throws(KuraError) {
        base = range.lowerBound
        filled = 0
        chunkStart = 0
        var atEnd = false
        while !atEnd {
            let place = base + UInt64(filled)
            let count = Int(min(UInt64(Tuning.windowBytes), range.upperBound - place))
            let fresh = filled
            try trace.timeThrowing(.read) { () throws(KuraError) in
                try fill(count, at: place, from: source)
            }
            atEnd = place + UInt64(count) == range.upperBound
            trace.time(.chunk) { findRuns(from: fresh, atEnd: atEnd) }
            trace.time(.hash) { recogniseHints() }
            trace.time(.chunk) { for run in runs { cut(run) } }
            if !chunks.isEmpty {
                let bytes = UnsafeRawBufferPointer(rebasing: window.bytes[..<filled])
                try batch(
                    WindowBatch(bytes: bytes, diskOffset: base, chunks: chunks), &trace)
                chunks.removeAll(keepingCapacity: true)
            }
            moveRestToFront()
        }
    }

    private func fill(
        _ count: Int, at place: UInt64, from source: any DiskSource
    ) throws(KuraError) {
        let target = UnsafeMutableRawBufferPointer(
            rebasing: window.bytes[filled..<(filled + count)])
        let found = try source.read(at: place, into: target)
        // A disk that shrank is noticed at the end of the backup; until then it reads zeros.
        if found < count {
            (target.baseAddress! + found).initializeMemory(
                as: UInt8.self, repeating: 0, count: count - found)
        }
        filled += count
    }

    /// Finds the data runs of the window. Blocks of zeros end a run.
    private func findRuns(from fresh: Int, atEnd: Bool) {
        runs.removeAll(keepingCapacity: true)
        var start = chunkStart
        var scanned = fresh
        while scanned < filled {
            let count = min(Limits.blockBytes, filled - scanned)
            if ZeroScan.isZero(window.base + scanned, count: count) {
                if start < scanned {
                    runs.append(WindowRun(start: start, end: scanned, isComplete: true))
                }
                start = scanned + count
            }
            scanned += count
        }
        if start < filled {
            runs.append(WindowRun(start: start, end: filled, isComplete: atEnd))
        }
        chunkStart = filled
    }

    /// Compares the parent's chunks with the runs of the window.
    private func recogniseHints() {
        let bytes = UnsafeRawBufferPointer(window.bytes)
        hints.beginWindow(at: base)
        for run in runs { hints.add(from: run.start, to: run.end, of: bytes) }
        hints.recognise()
    }

    /// Cuts one run. What is left of an incomplete one waits for the next window.
    private func cut(_ run: WindowRun) {
        let bytes = UnsafePointer(window.base.assumingMemoryBound(to: UInt8.self))
        var start = run.start
        while start < run.end {
            if let hint = hints.match(at: start, runEnd: run.isComplete ? run.end : nil) {
                chunks.append(
                    WindowChunk(
                        start: start, byteCount: hint.byteCount, knownID: hint.id, mac: hint.mac))
                start += hint.byteCount
                continue
            }
            guard
                let end = chunker.cut(
                    bytes, from: start, to: run.end, runEnds: run.isComplete, diskOffset: base)
            else {
                chunkStart = start
                return
            }
            chunks.append(WindowChunk(start: start, byteCount: end - start))
            start = end
        }
    }

    private func moveRestToFront() {
        let rest = filled - chunkStart
        if rest > 0, chunkStart > 0 {
            window.base.copyMemory(from: window.base + chunkStart, byteCount: rest)
        }
        base += UInt64(chunkStart)
        filled = rest
        chunkStart = 0
    }
}
