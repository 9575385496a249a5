/// What the chunks of a pack are. Data and manifest nodes live in separate packs, so that walking
/// manifests never drags data along.
public enum PackKind: UInt8, Sendable, CaseIterable {
    case data = 1
    case manifest = 2
}

/// How a frame's stored bytes become its plain bytes.
public enum FrameCodec: UInt32, Sendable {
    /// Stored as it is, because zstd would not have made it smaller.
    case raw = 0
    /// One zstd frame (RFC 8878) that declares its content size.
    case zstd = 1
}

/// The first 32 bytes of a pack.
public struct PackHeader: Equatable, Sendable {
    public static let byteCount = 32
    static let magic = Array("KURAPACK".utf8)
    static let nonceByteCount = 5
    /// Values that a nonce may have.
    public static let nonces: Range<UInt64> = 1..<(1 << 40)

    public var kind: PackKind
    public var vault: UniqueID
    /// A random value that keeps names from recurring: the same chunks packed again, after the
    /// first pack was collected, make a pack of another name. 0 in packs of version 1, which have
    /// none.
    public var nonce: UInt64

    public init(kind: PackKind, vault: UniqueID, nonce: UInt64) {
        precondition(nonce == 0 || Self.nonces ~= nonce)
        self.kind = kind
        self.vault = vault
        self.nonce = nonce
    }

    public func encoded() -> [UInt8] {
        var writer = ByteWriter(reserving: Self.byteCount)
        writer.append(Self.magic)
        writer.integer(UInt16(nonce == 0 ? 1 : 2))
        writer.integer(kind.rawValue)
        writer.nonce(nonce, byteCount: Self.nonceByteCount)
        writer.uniqueID(vault)
        return writer.bytes
    }

    init(reading reader: inout ByteReader) throws(FormatError) {
        guard try reader.bytes(8).elementsEqual(Self.magic) else { throw .badMagic(.pack) }
        let version = try reader.uint16()
        guard 1...2 ~= version else { throw .unsupportedVersion(.pack, version: version) }
        guard let kind = PackKind(rawValue: try reader.uint8()) else {
            throw .invalidField(.pack, field: "kind")
        }
        self.kind = kind
        nonce = try reader.nonce(byteCount: Self.nonceByteCount, in: version)
        vault = try reader.uniqueID()
    }
}

/// One frame as its pack's trailer lists it. 48 bytes.
public struct FrameEntry: Equatable, Sendable {
    public static let byteCount = 48

    /// Bytes in the pack, 1...`Limits.frameStoredBytesMax`.
    public var storedByteCount: UInt32
    /// Bytes of its chunks together, 1...`Limits.framePlainBytesMax`.
    public var plainByteCount: UInt32
    /// Chunks in it, at least 1.
    public var chunkCount: UInt32
    public var codec: FrameCodec
    /// SHA-256 of the stored bytes: a pack is verified without decompressing it.
    public var storedDigest: Digest

    public init(
        storedByteCount: UInt32, plainByteCount: UInt32, chunkCount: UInt32, codec: FrameCodec,
        storedDigest: Digest
    ) {
        self.storedByteCount = storedByteCount
        self.plainByteCount = plainByteCount
        self.chunkCount = chunkCount
        self.codec = codec
        self.storedDigest = storedDigest
    }
}

/// One chunk as its pack's trailer lists it. 36 bytes.
public struct ChunkEntry: Equatable, Sendable {
    public static let byteCount = 36

    public var id: ChunkID
    /// Plain bytes, 1...`Limits.chunkBytesMax`.
    public var byteCount: UInt32

    public init(id: ChunkID, byteCount: UInt32) {
        self.id = id
        self.byteCount = byteCount
    }
}

/// The tables at the end of a pack: its frames in file order, and their chunks in plain order.
///
/// The first frame starts right behind the header and each next one where the one before ends, so
/// no offset is stored. An index can be rebuilt from trailers alone.
public struct PackTrailer: Equatable, Sendable {
    public var header: PackHeader
    public var frames: [FrameEntry]
    public var chunks: [ChunkEntry]

    public init(header: PackHeader, frames: [FrameEntry] = [], chunks: [ChunkEntry] = []) {
        self.header = header
        self.frames = frames
        self.chunks = chunks
    }

    public var encodedByteCount: Int {
        PackHeader.byteCount + 8 + frames.count * FrameEntry.byteCount
            + chunks.count * ChunkEntry.byteCount
    }

    /// Stored bytes of all frames.
    public var storedByteCount: UInt64 { frames.reduce(0) { $0 + UInt64($1.storedByteCount) } }

    /// Most plain bytes that the frames of a pack can have together.
    static let plainByteCountMax = UInt64(Limits.packFramesMax * Limits.framePlainBytesMax)

    /// Plain bytes of all frames.
    public var plainByteCount: UInt64 { frames.reduce(0) { $0 + UInt64($1.plainByteCount) } }

    /// Length that the whole pack file must have.
    public var fileByteCount: UInt64 {
        UInt64(PackHeader.byteCount + encodedByteCount + Footer.byteCount) + storedByteCount
    }

    public func encoded() -> [UInt8] {
        var writer = ByteWriter(reserving: encodedByteCount)
        writer.append(header.encoded())
        writer.integer(UInt32(frames.count))
        writer.integer(UInt32(chunks.count))
        for frame in frames {
            writer.integer(frame.storedByteCount)
            writer.integer(frame.plainByteCount)
            writer.integer(frame.chunkCount)
            writer.integer(frame.codec.rawValue)
            writer.digest(frame.storedDigest)
        }
        for chunk in chunks {
            writer.digest(chunk.id)
            writer.integer(chunk.byteCount)
        }
        return writer.bytes
    }

    /// Decodes a trailer whose SHA-256 the caller has compared with the file's name.
    /// Checks every count, length and sum. O(frames + chunks).
    public init(decoding bytes: UnsafeRawBufferPointer) throws(FormatError) {
        var reader = ByteReader(bytes, of: .packTrailer)
        header = try PackHeader(reading: &reader)
        let frameCount = Int(try reader.uint32())
        let chunkCount = Int(try reader.uint32())
        guard frameCount <= Limits.packFramesMax else {
            throw .invalidField(.packTrailer, field: "frame count")
        }
        guard chunkCount <= Limits.packChunksMax else {
            throw .invalidField(.packTrailer, field: "chunk count")
        }
        // The counts are believed only once the bytes for them are known to be there.
        let tables = frameCount * FrameEntry.byteCount + chunkCount * ChunkEntry.byteCount
        guard reader.remaining >= tables else {
            throw .truncated(
                .packTrailer, needed: UInt64(reader.offset + tables), available: UInt64(bytes.count)
            )
        }
        frames = []
        frames.reserveCapacity(frameCount)
        for _ in 0..<frameCount { frames.append(try Self.frame(&reader)) }
        chunks = []
        chunks.reserveCapacity(chunkCount)
        for _ in 0..<chunkCount {
            let entry = ChunkEntry(id: try reader.digest(), byteCount: try reader.uint32())
            guard 1...UInt32(Limits.chunkBytesMax) ~= entry.byteCount else {
                throw .invalidField(.packTrailer, field: "chunk length")
            }
            chunks.append(entry)
        }
        try reader.finish()
        try checkSums()
        guard fileByteCount <= UInt64(Limits.packBytesMax) else {
            throw .invalidField(.packTrailer, field: "pack length")
        }
    }

    private static func frame(_ reader: inout ByteReader) throws(FormatError) -> FrameEntry {
        let stored = try reader.uint32()
        let plain = try reader.uint32()
        let chunks = try reader.uint32()
        guard let codec = FrameCodec(rawValue: try reader.uint32()) else {
            throw .invalidField(.packTrailer, field: "codec")
        }
        guard 1...UInt32(Limits.frameStoredBytesMax) ~= stored else {
            throw .invalidField(.packTrailer, field: "stored length")
        }
        guard 1...UInt32(Limits.framePlainBytesMax) ~= plain, codec == .zstd || plain == stored
        else {
            throw .invalidField(.packTrailer, field: "plain length")
        }
        guard chunks >= 1 else { throw .invalidField(.packTrailer, field: "frame's chunk count") }
        return FrameEntry(
            storedByteCount: stored, plainByteCount: plain, chunkCount: chunks, codec: codec,
            storedDigest: try reader.digest())
    }

    /// Each frame's chunks must add up to its plain length, and together they are all the chunks.
    private func checkSums() throws(FormatError) {
        var next = 0
        for frame in frames {
            let end = next + Int(frame.chunkCount)
            guard end <= chunks.count else {
                throw .invalidField(.packTrailer, field: "frame's chunk count")
            }
            var plain: UInt64 = 0
            for index in next..<end { plain += UInt64(chunks[index].byteCount) }
            guard plain == UInt64(frame.plainByteCount) else {
                throw .invalidField(.packTrailer, field: "chunk length")
            }
            next = end
        }
        guard next == chunks.count else {
            throw .invalidField(.packTrailer, field: "chunk count")
        }
    }
}
