/// Zeros for sinks that have no other way to write a hole.
public enum Zeros {
    private static let buffer = {
        let buffer = AlignedBuffer(byteCount: 1 << 20)
        buffer.bytes.initializeMemory(as: UInt8.self, repeating: 0)
        return buffer
    }()

    /// Calls `body` with the offset of each piece of a range, in ascending order, and zeros for it.
    public static func forEachPiece(
        of range: Range<UInt64>,
        _ body: (UInt64, UnsafeRawBufferPointer) throws(KuraError) -> Void
    ) throws(KuraError) {
        var offset = range.lowerBound
        while offset < range.upperBound {
            let count = min(UInt64(buffer.byteCount), range.upperBound - offset)
            try body(offset, UnsafeRawBufferPointer(rebasing: buffer.bytes[..<Int(count)]))
            offset += count
        }
    }
}
