import KuraCodec
import KuraFormat

/// The chunkers word for word as they are defined: every position of a run is judged by itself, and
/// every gear hash is made anew from its 64 bytes. What `Chunker` is compared with.
struct PlainChunker {
    let kind: ChunkerKind
    let mean: Int
    private let table: [UInt64]

    init(_ kind: ChunkerKind, mean: Int) {
        self.kind = kind
        self.mean = mean
        table = (0...255).map { value in
            let name = Array("gear-tail-v1".utf8) + [UInt8(value)]
            return SHA256.digest(name).word0.byteSwapped
        }
    }

    /// Ends of all chunks of a run that starts at `diskOffset`.
    func cuts(_ run: [UInt8], diskOffset: UInt64) -> [Int] {
        var cuts: [Int] = []
        run.withUnsafeBufferPointer { run in
            var start = 0
            for position in 0..<run.count + 1 where position > start {
                let place = diskOffset + UInt64(position)
                if position == run.count || isCut(run.baseAddress!, start, position, place) {
                    cuts.append(position)
                    start = position
                }
            }
        }
        return cuts
    }

    private func isCut(
        _ run: UnsafePointer<UInt8>, _ start: Int, _ position: Int, _ place: UInt64
    ) -> Bool {
        if kind == .fixed { return place % UInt64(mean) == 0 }
        let length = position - start
        if length < mean / 4 { return false }
        if length == mean * 8 { return true }
        let zeroBits = mean.trailingZeroBitCount + (length < mean ? 1 : -1)
        if hash(run + position - 64).leadingZeroBitCount >= zeroBits { return true }
        return place % 4096 == 0 && (1...64).allSatisfy { run[position - $0] == 0 }
    }

    /// The sum of the words of 64 bytes, each shifted left by its distance from the last byte.
    func hash(_ window: UnsafePointer<UInt8>) -> UInt64 {
        table.withUnsafeBufferPointer { table in
            var sum: UInt64 = 0
            var index = 0
            while index < 64 {
                sum &+= table[Int(window[index])] << UInt64(63 - index)
                index += 1
            }
            return sum
        }
    }
}

extension Chunker {
    /// Ends of all chunks of a run, with all of the run known from the start.
    func cuts(_ run: [UInt8], diskOffset: UInt64) -> [Int] {
        run.withUnsafeBufferPointer { run in
            var cuts: [Int] = []
            var start = 0
            while start < run.count {
                guard
                    let end = cut(
                        run.baseAddress!, from: start, to: run.count, runEnds: true,
                        diskOffset: diskOffset), end > start
                else { return cuts }
                cuts.append(end)
                start = end
            }
            return cuts
        }
    }

    /// Ends of all chunks of a run that becomes known piece by piece, as a window is filled: what
    /// is left of a window is the start of the next one.
    func cuts(_ run: [UInt8], diskOffset: UInt64, pieces: () -> Int) -> [Int] {
        var cuts: [Int] = []
        var window: [UInt8] = []
        var known = 0
        while known < run.count {
            let piece = Swift.min(pieces(), run.count - known)
            window += run[known..<(known + piece)]
            known += piece
            let place = diskOffset + UInt64(known - window.count)
            var start = 0
            while start < window.count,
                let end = window.withUnsafeBufferPointer({ bytes in
                    cut(
                        bytes.baseAddress!, from: start, to: bytes.count,
                        runEnds: known == run.count, diskOffset: place)
                })
            {
                cuts.append(known - window.count + end)
                start = end
            }
            window.removeFirst(start)
        }
        return cuts
    }
}
