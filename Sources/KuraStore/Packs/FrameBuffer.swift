internal import KuraIO

/// Memory for one frame at a time. It grows to the largest frame so far. Used by one thread.
package final class FrameBuffer {
    private var buffer: AlignedBuffer?

    package init() {}

    /// The first `count` bytes. Their content is undefined, and the bytes of an earlier call are no
    /// longer valid.
    package func bytes(_ count: Int) -> UnsafeMutableRawBufferPointer {
        let buffer =
            buffer.flatMap { $0.byteCount < count ? nil : $0 }
            ?? AlignedBuffer(byteCount: Self.capacity(count))
        self.buffer = buffer
        return UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[..<count])
    }

    /// The next power of two, so that it seldom grows; 128 KiB are enough for any manifest frame.
    private static func capacity(_ count: Int) -> Int {
        max(128 << 10, 1 << (Int.bitWidth - (count - 1).leadingZeroBitCount))
    }
}
