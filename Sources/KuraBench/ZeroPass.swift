internal import KuraCodec
internal import KuraFormat
internal import KuraIO

/// Looks for blocks of zeros in memory that holds nothing else: a block with data ends its scan at
/// once, so only zeros show what a scan costs.
package struct ZeroPass {
    package private(set) var times = PrimitiveTimes()
    /// Bytes of blocks that were read to their end. Used, so that no scan can be left out.
    package private(set) var zeroBytes = 0

    /// - Parameters:
    ///   - primitive: what the time counts for.
    ///   - bufferBytes: whole blocks; far more than the cache, or little enough to stay in it.
    ///   - rounds: how often the buffer is scanned.
    package init(_ primitive: Primitive, bufferBytes: Int, rounds: Int) {
        let block = Limits.blockBytes
        let buffer = AlignedBuffer(byteCount: bufferBytes / block * block)
        buffer.bytes.initializeMemory(as: UInt8.self, repeating: 0)
        for _ in 0..<rounds {
            zeroBytes += times.time(primitive, byteCount: buffer.byteCount) {
                var count = 0
                for offset in stride(from: 0, to: buffer.byteCount, by: block)
                where ZeroScan.isZero(buffer.base + offset, count: block) { count += block }
                return count
            }
        }
    }
}
