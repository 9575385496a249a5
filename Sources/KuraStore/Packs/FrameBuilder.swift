internal import KuraCodec
internal import KuraFormat
internal import KuraIO

/// Collects the new chunks of one worker and turns them into frames of a pack.
///
/// Owns its buffers and zstd contexts, so one thread uses it. No allocation per chunk.
package final class FrameBuilder {
    private let pack: PackWriter
    private let target: Int
    private let plain: AlignedBuffer
    private let stored: AlignedBuffer
    private let check: AlignedBuffer
    private let compressor: Compressor
    private let decompressor = Decompressor()
    private var used = 0
    private var chunks: [ChunkEntry] = []

    /// Frames are stored raw unless zstd saves at least one 32nd: below that, reading them back
    /// costs more than the bytes are worth.
    private static let savingShift = 5

    /// Whether a frame is stored as zstd made it, rather than raw.
    package static func isWorthwhile(stored: Int, plain: Int) -> Bool {
        stored <= plain - plain >> savingShift
    }

    /// - Parameter target: plain bytes after which a frame is closed.
    init(for pack: PackWriter, target: Int, level: Int) {
        self.pack = pack
        self.target = target
        plain = AlignedBuffer(byteCount: target + Limits.chunkBytesMax)
        stored = AlignedBuffer(byteCount: Compressor.bound(target + Limits.chunkBytesMax))
        check = AlignedBuffer(byteCount: target + Limits.chunkBytesMax)
        compressor = Compressor(level: level)
        chunks.reserveCapacity(1024)
    }

    /// Copies one chunk into the open frame; first closes that frame where the chunk would make it
    /// longer than the target.
    func append(
        _ bytes: UnsafeRawBufferPointer, id: ChunkID, trace: inout StageTimes
    ) throws(KuraError) {
        if used > 0, used + bytes.count > target { try flush(trace: &trace) }
        (plain.base + used).copyMemory(from: bytes.baseAddress!, byteCount: bytes.count)
        used += bytes.count
        chunks.append(ChunkEntry(id: id, byteCount: UInt32(bytes.count)))
    }

    /// Closes the open frame, if it has a chunk: compresses it and appends it to the pack.
    func flush(trace: inout StageTimes) throws(KuraError) {
        guard used > 0 else { return }
        let source = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(plain.bytes)[..<used])
        var codec = FrameCodec.zstd
        var bytes = source
        do {
            let count = try trace.time(.compress) {
                try compressor.compress(source, into: stored.bytes)
            }
            if Self.isWorthwhile(stored: count, plain: used) {
                bytes = UnsafeRawBufferPointer(
                    rebasing: UnsafeRawBufferPointer(stored.bytes)[..<count])
            } else {
                codec = .raw
            }
            // Compressors have had bugs that lost data, so a frame is decoded and compared before
            // it is stored.
            if codec == .zstd {
                try trace.time(.check) {
                    let again = UnsafeMutableRawBufferPointer(rebasing: check.bytes[..<used])
                    try decompressor.decompress(bytes, into: again)
                    guard Memory.equal(UnsafeRawBufferPointer(again), source) else {
                        throw KuraError(
                            .io, "zstd did not give back what it was given; nothing was stored",
                            remedy: .advice("check this machine's memory, and its libzstd"))
                    }
                }
            }
        } catch {
            throw KuraError(error)
        }
        let digest = trace.time(.hash) { ChunkHasher.digest(bytes) }
        let entry = FrameEntry(
            storedByteCount: UInt32(bytes.count), plainByteCount: UInt32(used),
            chunkCount: UInt32(chunks.count), codec: codec, storedDigest: digest)
        try trace.timeThrowing(.pack) { () throws(KuraError) in
            try pack.append(entry, of: chunks, bytes)
        }
        used = 0
        chunks.removeAll(keepingCapacity: true)
    }
}
