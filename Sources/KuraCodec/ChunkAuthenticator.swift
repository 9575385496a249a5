internal import CCrypto
public import KuraFormat

/// Computes `ChunkMAC`s by libcrypto's Poly1305. Owns one context, so one thread uses it.
public final class ChunkAuthenticator {
    private let context: OpaquePointer
    private let key: MACKey

    /// Nil where libcrypto has no Poly1305, as in a build restricted to approved algorithms: a
    /// vault is read and written without codes, then.
    public init?(_ key: MACKey) {
        guard let algorithm = EVP_MAC_fetch(nil, "POLY1305", nil) else { return nil }
        defer { EVP_MAC_free(algorithm) }
        guard let context = EVP_MAC_CTX_new(algorithm) else { return nil }
        self.context = context
        self.key = key
    }

    deinit { EVP_MAC_CTX_free(context) }

    /// The code of a chunk's plain bytes. No allocation; about a third of the time of SHA-256 in
    /// lanes.
    public func code(of bytes: UnsafeRawBufferPointer) -> ChunkMAC {
        withUnsafeTemporaryAllocation(
            byteCount: MACKey.byteCount + ChunkMAC.byteCount, alignment: 8
        ) { buffer in
            let keyBytes = buffer.baseAddress!
            let result = keyBytes + MACKey.byteCount
            key.bytes.store(to: keyBytes)
            var count = 0
            let isDone =
                EVP_MAC_init(
                    context, keyBytes.assumingMemoryBound(to: UInt8.self), MACKey.byteCount, nil)
                == 1
                && EVP_MAC_update(
                    context, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self),
                    bytes.count) == 1
                && EVP_MAC_final(
                    context, result.assumingMemoryBound(to: UInt8.self), &count,
                    ChunkMAC.byteCount) == 1
            // Fails for a wrong key length only, which cannot be.
            precondition(isDone && count == ChunkMAC.byteCount, "Poly1305 failed")
            return ChunkMAC(loadingFrom: result)
        }
    }
}
