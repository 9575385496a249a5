/// The bytes of an Ed25519 public key (RFC 8032, 5.1.5).
public struct PublicKeyBytes: Hashable, Sendable {
    public static let byteCount = 32

    /// `byteCount` bytes.
    public let bytes: [UInt8]

    /// Nil unless there are exactly `byteCount` bytes.
    public init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        self.bytes = Array(bytes)
    }
}

/// Name of a key that signs: the first 16 bytes of the SHA-256 of its public key.
public struct KeyID: Hashable, Sendable, CustomStringConvertible {
    public static let byteCount = UniqueID.byteCount

    let raw: UniqueID

    init(raw: UniqueID) { self.raw = raw }

    public init(of key: PublicKeyBytes) {
        raw = UniqueID(firstHalfOf: SHA256.digest(key.bytes))
    }

    /// 32 lower-case hexadecimal digits.
    public var hex: String { raw.hex }

    public var description: String { hex }

    /// Parses exactly 32 lower-case hexadecimal digits.
    public init?(hex: some StringProtocol) {
        guard let raw = UniqueID(hex: hex) else { return nil }
        self.raw = raw
    }
}

extension UniqueID {
    /// The first 16 bytes of a digest.
    public init(firstHalfOf digest: Digest) {
        self.init(high: digest.word0, low: digest.word1)
    }

    /// All zeros: what stands where there is no identifier yet.
    static let zero = UniqueID(high: 0, low: 0)
}

extension Digest {
    /// All zeros: what stands where there is no digest yet.
    static let zero = Digest(words: (0, 0, 0, 0))
}
