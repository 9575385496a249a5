internal import KuraFormat

/// Where the frames of a pack are: what reading a chunk needs of its trailer.
final class FrameTable: Sendable {
    struct Frame: Sendable {
        var offset: UInt64
        var entry: FrameEntry
    }

    let frames: [Frame]

    init(_ trailer: PackTrailer) {
        var offset = UInt64(PackHeader.byteCount)
        frames = trailer.frames.map { entry in
            defer { offset += UInt64(entry.storedByteCount) }
            return Frame(offset: offset, entry: entry)
        }
    }
}

extension FrameEntry {
    /// Plain bytes that have to be decoded for the first `end` of them: whole blocks of zstd, which
    /// have 128 KiB (RFC 8878, 3.1.1.2.4).
    func decodedBytes(upTo end: Int) -> Int {
        guard codec == .zstd else { return end }
        let block = 128 << 10
        return min((end + block - 1) / block * block, Int(plainByteCount))
    }
}
