internal import KuraCodec
internal import KuraFormat

/// Compares every stored byte of a pack in memory with its name, without decompressing.
enum PackCheck {
    /// - Parameter name: hexadecimal digits of the digest that names the pack.
    static func check(
        _ bytes: UnsafeRawBufferPointer, named name: String, of vault: UniqueID
    ) throws {
        let trailer = try PackTrailer(decoding: trailer(bytes, name))
        guard trailer.header.vault == vault else {
            throw FormatError.invalidField(.pack, field: "vault")
        }
        guard trailer.fileByteCount == UInt64(bytes.count) else {
            throw FormatError.truncated(
                .pack, needed: trailer.fileByteCount, available: UInt64(bytes.count))
        }
        guard bytes.prefix(PackHeader.byteCount).elementsEqual(trailer.header.encoded()) else {
            throw FormatError.checksumMismatch(.pack)
        }
        // Several frames are hashed at once: copying and healing spend most of their time here.
        var hasher = BatchHasher()
        var start = PackHeader.byteCount
        for frame in trailer.frames {
            let end = start + Int(frame.storedByteCount)
            hasher.append(UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
            start = end
        }
        hasher.run()
        guard hasher.digests == trailer.frames.map(\.storedDigest) else {
            throw FormatError.checksumMismatch(.frame)
        }
    }

    /// The trailer, compared with the pack's name.
    private static func trailer(
        _ bytes: UnsafeRawBufferPointer, _ name: String
    ) throws -> UnsafeRawBufferPointer {
        guard bytes.count >= Footer.byteCount else {
            throw FormatError.truncated(
                .packTrailer, needed: UInt64(Footer.byteCount), available: UInt64(bytes.count))
        }
        let end = bytes.count - Footer.byteCount
        let footer = try Footer(
            decoding: UnsafeRawBufferPointer(rebasing: bytes[end...]), of: .packTrailer)
        guard footer.trailerDigest.hex == name, footer.trailerByteCount <= UInt64(end) else {
            throw FormatError.checksumMismatch(.packTrailer)
        }
        let trailer = UnsafeRawBufferPointer(
            rebasing: bytes[(end - Int(footer.trailerByteCount))..<end])
        guard ChunkHasher.digest(trailer) == footer.trailerDigest else {
            throw FormatError.checksumMismatch(.packTrailer)
        }
        return trailer
    }
}
