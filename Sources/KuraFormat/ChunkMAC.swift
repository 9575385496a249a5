/// The secret of a vault that keys the authentication codes of its chunks: 32 random bytes.
///
/// It is in the vault record and nowhere else, and never shown; with it, a person who
/// chooses what is on a disk could make two chunks with one MAC.
public struct MACKey: Equatable, Sendable, CustomStringConvertible {
    /// The raw bytes, as a value that needs no allocation.
    public let bytes: Digest

    public static let byteCount = Digest.byteCount

    public init(_ bytes: Digest) { self.bytes = bytes }

    /// Not the key, so that no message or log can show it.
    public var description: String { "(secret)" }

    /// A new key from the system's random source.
    public static func random() -> MACKey {
        func word() -> UInt64 { .random(in: 0...UInt64.max) }
        return MACKey(Digest(words: (word(), word(), word(), word())))
    }
}

/// A keyed 128-bit code of a chunk's plain bytes: tells in a fraction of SHA-256's time that a
/// chunk of the parent recovery point is still there. It never names a chunk.
///
/// It is Poly1305 (RFC 8439, section 2.5) under the vault's `MACKey`. The one key serves for every
/// chunk, so this is no signature but a secret universal hash: two different chunks of at most
/// `Limits.chunkBytesMax` bytes that were chosen without knowing the key have one code with a
/// probability of at most 2^-87 (8 x 65 537 / 2^106).
@frozen
public struct ChunkMAC: Equatable, Sendable, BitwiseCopyable {
    public let word0, word1: UInt64

    /// Length of the stored form, in bytes.
    public static let byteCount = 16

    @inlinable
    public init(_ word0: UInt64, _ word1: UInt64) {
        self.word0 = word0
        self.word1 = word1
    }

    /// Reads 16 bytes at `pointer`, of any alignment.
    @inlinable
    public init(loadingFrom pointer: UnsafeRawPointer) {
        word0 = UInt64(bigEndian: pointer.loadUnaligned(as: UInt64.self))
        word1 = UInt64(bigEndian: pointer.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
    }
}
