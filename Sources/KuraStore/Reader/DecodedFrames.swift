internal import KuraCodec
internal import KuraFormat
internal import KuraIO
internal import Synchronization

/// Decoded frames in memory, up to a number of plain bytes. Those that are used at the moment stay
/// until they are no longer used, also beyond that number.
final class DecodedFrames: Sendable {
    private let byteCountMax: Int
    private let state = Mutex(State())

    private struct State {
        var frames = RecentlyUsed<FrameName, DecodedFrame>()
        var byteCount = 0
    }

    init(byteCountMax: Int) { self.byteCountMax = byteCountMax }

    /// The frame of this name; new and empty where it is not here.
    /// - Parameter byteCount: its plain bytes.
    func frame(_ name: FrameName, byteCount: Int) -> DecodedFrame {
        state.withLock { state in
            if let known = state.frames[name] { return known }
            let frame = DecodedFrame(byteCount: byteCount)
            state.byteCount += byteCount
            while state.byteCount > byteCountMax, let oldest = state.frames.removeOldest() {
                state.byteCount -= oldest.byteCount
            }
            state.frames.insert(frame, for: name)
            return frame
        }
    }
}

/// A frame that is decoded once, by the first thread that needs it, while the others wait.
final class DecodedFrame: Sendable {
    let byteCount: Int
    private let content = Mutex<Content?>(nil)

    private struct Content {
        var buffer: AlignedBuffer
        /// Plain offsets of the chunks that were compared with their names.
        var checked = Set<Int>()
    }

    init(byteCount: Int) { self.byteCount = byteCount }

    /// Copies a part of a chunk, if the frame has the chunk at this offset.
    /// - Parameters:
    ///   - part: in bytes from the chunk's start.
    ///   - decode: fills the buffer with the frame's plain bytes; with `true`, after it compared
    ///     the stored bytes with their digest. Called where the frame is not in memory, and once
    ///     more with `true` where the chunk is wrong.
    /// - Returns: whether the chunk is there; else nothing was copied.
    func copy(
        _ chunk: ExtentMap.Chunk, at plainOffset: Int, part: Range<Int>,
        to target: UnsafeMutableRawBufferPointer,
        decode: (UnsafeMutableRawBufferPointer, _ checked: Bool) throws(KuraError) -> Void
    ) throws(KuraError) -> Bool {
        let end = plainOffset + chunk.byteCount
        guard end <= byteCount else { return false }
        return try withContent(decode) { content throws(KuraError) in
            let bytes = UnsafeRawBufferPointer(
                rebasing: UnsafeRawBufferPointer(content.buffer.bytes)[plainOffset..<end])
            if !content.checked.contains(plainOffset) {
                if ChunkHasher.digest(bytes) != chunk.id {
                    // Another replica may have a good copy.
                    content.checked = []
                    try decode(content.buffer.bytes, true)
                    guard ChunkHasher.digest(bytes) == chunk.id else { return false }
                }
                content.checked.insert(plainOffset)
            }
            target.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[part]))
            return true
        }
    }

    private func withContent<T>(
        _ decode: (UnsafeMutableRawBufferPointer, Bool) throws(KuraError) -> Void,
        _ body: (inout Content) throws(KuraError) -> T
    ) throws(KuraError) -> T {
        let result = content.withLock { content -> Result<T, KuraError> in
            do throws(KuraError) {
                if content == nil {
                    let buffer = AlignedBuffer(byteCount: max(byteCount, 1))
                    try decode(
                        UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[..<byteCount]), false)
                    content = Content(buffer: buffer)
                }
                return .success(try body(&content!))
            } catch {
                // What a failed call left in the buffer is undefined.
                content = nil
                return .failure(error)
            }
        }
        return try result.get()
    }
}
