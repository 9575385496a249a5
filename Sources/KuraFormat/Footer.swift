/// The last 48 bytes of a pack or an index run: where the trailer is, and its SHA-256.
///
///     -48              -40              -8            0
///     | trailer length | trailer SHA-256 | end magic |
///
/// The trailer stands right before it. Its SHA-256 is the file's name.
public struct Footer: Equatable, Sendable {
    public static let byteCount = 48
    static let magic = Array("KURA-END".utf8)

    public var trailerByteCount: UInt64
    public var trailerDigest: Digest

    public init(trailerByteCount: UInt64, trailerDigest: Digest) {
        self.trailerByteCount = trailerByteCount
        self.trailerDigest = trailerDigest
    }

    public func encoded() -> [UInt8] {
        var writer = ByteWriter(reserving: Self.byteCount)
        writer.integer(trailerByteCount)
        writer.digest(trailerDigest)
        writer.append(Self.magic)
        return writer.bytes
    }

    /// - Parameter bytes: exactly the last `byteCount` bytes of the file.
    public init(
        decoding bytes: UnsafeRawBufferPointer, of structure: Structure
    ) throws(FormatError) {
        var reader = ByteReader(bytes, of: structure)
        trailerByteCount = try reader.uint64()
        trailerDigest = try reader.digest()
        guard try reader.bytes(8).elementsEqual(Self.magic) else { throw .badMagic(structure) }
        try reader.finish()
    }
}
