package import KuraCodec
package import KuraFormat
internal import KuraReplicas

/// Reads and decodes frames; one thread uses it at a time.
package final class FrameDecoder {
    private let decompressor = Decompressor()
    private let stored = FrameBuffer()
    /// The pack that was read last. It stays open, because frames of one pack are mostly read
    /// together.
    var file: PackFile?

    package init() {}

    /// Reads a frame of the open pack and decodes it: see `PackReader.read`.
    func read(
        _ frame: FrameTable.Frame, checked: Bool, into target: UnsafeMutableRawBufferPointer
    ) throws {
        guard let file else { preconditionFailure("a pack is open") }
        // The stored bytes of a raw frame are its plain bytes, so they are read into the target.
        let isRaw = frame.entry.codec == .raw && target.count == Int(frame.entry.storedByteCount)
        let bytes = try Self.read(
            file.reader, frame,
            into: isRaw ? target : stored.bytes(Int(frame.entry.storedByteCount)))
        if checked { try Self.check(bytes, frame.entry) }
        if !isRaw { try decode(bytes, frame.entry, into: target) }
    }

    /// Reads a frame's stored bytes into `target`, which has as many.
    static func read(
        _ reader: any ObjectReader, _ frame: FrameTable.Frame,
        into target: UnsafeMutableRawBufferPointer
    ) throws -> UnsafeRawBufferPointer {
        let found = try reader.read(at: frame.offset, into: target)
        guard found == target.count else {
            throw FormatError.truncated(
                .frame, needed: UInt64(target.count), available: UInt64(found))
        }
        return UnsafeRawBufferPointer(target)
    }

    static func check(_ stored: UnsafeRawBufferPointer, _ entry: FrameEntry) throws(FormatError) {
        guard ChunkHasher.digest(stored) == entry.storedDigest else {
            throw .checksumMismatch(.frame)
        }
    }

    /// Decodes a frame's stored bytes into `target`: all of its plain bytes, or the first of them
    /// where the target is shorter.
    package func decode(
        _ stored: UnsafeRawBufferPointer, _ entry: FrameEntry,
        into target: UnsafeMutableRawBufferPointer
    ) throws(ZstandardError) {
        switch entry.codec {
        case .raw:
            target.copyMemory(from: UnsafeRawBufferPointer(rebasing: stored[..<target.count]))
        case .zstd where target.count < Int(entry.plainByteCount):
            try decompressor.decompressPrefix(stored, into: target)
        case .zstd: try decompressor.decompress(stored, into: target)
        }
    }
}
