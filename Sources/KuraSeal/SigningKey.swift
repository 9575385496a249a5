internal import CCrypto
public import KuraFormat

/// An Ed25519 key (RFC 8032) that signs. Its secret is a seed of 32 bytes.
///
/// The seed lies in libcrypto alone, which clears it when the key goes. May be used by several
/// threads at once.
public final class SigningKey: Sendable {
    /// Never changed after `init`.
    nonisolated(unsafe) private let key: OpaquePointer
    public let publicKey: PublicKey

    /// Length of a seed, in bytes.
    public static let seedByteCount = 32

    /// - Parameter seed: 32 secret bytes. The caller clears its own copy.
    public init(seed: UnsafeRawBufferPointer) throws(SealError) {
        guard seed.count == Self.seedByteCount else { throw .keyLength(seed.count) }
        let start = seed.baseAddress?.assumingMemoryBound(to: UInt8.self)
        guard let key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nil, start, seed.count)
        else { throw .unavailable }
        var bytes = [UInt8](repeating: 0, count: PublicKeyBytes.byteCount)
        var count = bytes.count
        guard EVP_PKEY_get_raw_public_key(key, &bytes, &count) == 1, count == bytes.count,
            let stored = PublicKeyBytes(bytes)
        else {
            EVP_PKEY_free(key)
            throw .unavailable
        }
        self.key = key
        publicKey = PublicKey(known: stored)
    }

    public convenience init(seed: [UInt8]) throws(SealError) {
        guard seed.count == Self.seedByteCount else { throw .keyLength(seed.count) }
        var copy = Secret()
        defer { copy.clear() }
        try self.init(seed: copy.fill { $0.copyBytes(from: seed) })
    }

    deinit { EVP_PKEY_free(key) }

    /// A new key from the system's random source.
    public static func random() throws(SealError) -> SigningKey {
        var seed = Secret()
        defer { seed.clear() }
        var generator = SystemRandomNumberGenerator()
        return try SigningKey(
            seed: seed.fill { raw in
                for offset in stride(from: 0, to: raw.count, by: 8) {
                    raw.storeBytes(of: generator.next(), toByteOffset: offset, as: UInt64.self)
                }
            })
    }

    /// How records name the key.
    public var id: KeyID { publicKey.id }

    /// 64 bytes. The same bytes have the same signature each time.
    public func sign(_ message: [UInt8]) -> [UInt8] {
        var signature = [UInt8](repeating: 0, count: Signature.byteCount)
        var count = signature.count
        let context = EVP_MD_CTX_new()
        defer { EVP_MD_CTX_free(context) }
        let isSigned =
            EVP_DigestSignInit(context, nil, nil, nil, key) == 1
            && EVP_DigestSign(context, &signature, &count, message, message.count) == 1
        // A key that was made can sign: it fails for want of memory alone.
        precondition(isSigned && count == signature.count, "libcrypto could not sign")
        return signature
    }

    /// The 32 bytes of the seed, cleared after `body`: for the key file and the recovery sheet.
    public func withSeed<T, E>(
        _ body: (UnsafeRawBufferPointer) throws(E) -> T
    ) throws(E) -> T {
        var seed = Secret()
        defer { seed.clear() }
        let raw = seed.fill { raw in
            var count = raw.count
            let start = raw.baseAddress?.assumingMemoryBound(to: UInt8.self)
            let isThere = EVP_PKEY_get_raw_private_key(key, start, &count) == 1
            precondition(isThere && count == raw.count, "libcrypto did not give the seed")
        }
        return try body(raw)
    }
}

/// 32 bytes outside of any array, so that no copy of them stays anywhere.
private struct Secret: ~Copyable {
    private let bytes = UnsafeMutableRawBufferPointer.allocate(
        byteCount: SigningKey.seedByteCount, alignment: 8)

    mutating func fill(
        _ write: (UnsafeMutableRawBufferPointer) -> Void
    ) -> UnsafeRawBufferPointer {
        write(bytes)
        return UnsafeRawBufferPointer(bytes)
    }

    mutating func clear() {
        OPENSSL_cleanse(bytes.baseAddress, bytes.count)
        bytes.deallocate()
    }
}
