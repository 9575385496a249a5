internal import KuraCodec
internal import KuraFormat
internal import KuraReplicas

/// Reads the footer and trailer that packs and index runs end with.
enum TrailerReader {
    /// - Parameters:
    ///   - size: length of the file, in bytes.
    ///   - max: longest trailer that is accepted, in bytes.
    /// - Returns: the trailer's bytes, whose SHA-256 is `digest`.
    static func read(
        _ reader: any ObjectReader, size: UInt64, structure: Structure, max: Int, digest: Digest
    ) throws -> [UInt8] {
        let footer = try footer(
            reader, size: size, structure: structure, max: max, digest: digest)
        let end = size - UInt64(Footer.byteCount)
        // No longer than the file: `footer` has compared the two.
        var trailer = [UInt8](repeating: 0, count: Int(footer.trailerByteCount))
        let count = try trailer.withUnsafeMutableBytes {
            try reader.read(at: end - footer.trailerByteCount, into: $0)
        }
        guard count == trailer.count, ChunkHasher.digest(trailer) == digest else {
            throw FormatError.checksumMismatch(structure)
        }
        return trailer
    }

    /// Reads the footer alone. A trailer of the length that it gives fits into the file before it.
    static func footer(
        _ reader: any ObjectReader, size: UInt64, structure: Structure, max: Int, digest: Digest
    ) throws -> Footer {
        guard size >= UInt64(Footer.byteCount) else {
            throw FormatError.truncated(
                structure, needed: UInt64(Footer.byteCount), available: size)
        }
        var tail = [UInt8](repeating: 0, count: Footer.byteCount)
        let footerOffset = size - UInt64(Footer.byteCount)
        _ = try tail.withUnsafeMutableBytes {
            try reader.read(at: footerOffset, into: $0)
        }
        let footer = try tail.withUnsafeBytes { try Footer(decoding: $0, of: structure) }
        guard footer.trailerDigest == digest else { throw FormatError.checksumMismatch(structure) }
        guard footer.trailerByteCount <= UInt64(max) else {
            throw FormatError.invalidField(structure, field: "trailer length")
        }
        guard footer.trailerByteCount <= footerOffset else {
            throw FormatError.truncated(
                structure, needed: footer.trailerByteCount, available: footerOffset)
        }
        return footer
    }
}
