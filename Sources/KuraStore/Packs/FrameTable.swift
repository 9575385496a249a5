package import KuraFormat

/// Offsets and entries of the frames of a pack: the part of its trailer that reading a chunk needs.
package final class FrameTable: Sendable {
    struct Frame: Sendable {
        /// Bytes from the start of the pack.
        var offset: UInt64
        var entry: FrameEntry
    }

    let frames: [Frame]

    /// Memory that it takes, in bytes.
    package var byteCount: Int { frames.count * MemoryLayout<Frame>.stride }

    package init(_ trailer: PackTrailer) {
        var offset = UInt64(PackHeader.byteCount)
        frames = trailer.frames.map { entry in
            defer { offset += UInt64(entry.storedByteCount) }
            return Frame(offset: offset, entry: entry)
        }
    }
}

extension FrameEntry {
    /// Plain bytes that are decoded to get the first `end` of them: whole blocks of zstd, which
    /// have 128 KiB at most (RFC 8878, 3.1.1.2.4).
    func decodedBytes(upTo end: Int) -> Int {
        guard codec == .zstd else { return end }
        let block = 128 << 10
        return min((end + block - 1) / block * block, Int(plainByteCount))
    }
}
