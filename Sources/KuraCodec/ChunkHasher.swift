internal import CCrypto
public import KuraFormat

/// SHA-256 by libcrypto, for chunks, frames and files.
///
/// Calls the plain functions: the one-shot SHA256() of OpenSSL 3 looks its algorithm up by name on
/// every call. Thread-safe; no allocation.
public enum ChunkHasher {
    public static func digest(_ bytes: UnsafeRawBufferPointer) -> Digest {
        var context = SHA256_CTX()
        SHA256_Init(&context)
        SHA256_Update(&context, bytes.baseAddress, bytes.count)
        return finish(&context)
    }

    /// SHA-256 over several pieces, one behind the other.
    public static func digest(pieces: [UnsafeRawBufferPointer]) -> Digest {
        var context = SHA256_CTX()
        SHA256_Init(&context)
        for piece in pieces { SHA256_Update(&context, piece.baseAddress, piece.count) }
        return finish(&context)
    }

    public static func digest(_ bytes: [UInt8]) -> Digest {
        bytes.withUnsafeBytes { digest($0) }
    }

    private static func finish(_ context: inout SHA256_CTX) -> Digest {
        withUnsafeTemporaryAllocation(byteCount: Digest.byteCount, alignment: 8) { buffer in
            SHA256_Final(buffer.baseAddress!.assumingMemoryBound(to: UInt8.self), &context)
            return Digest(loadingFrom: buffer.baseAddress!)
        }
    }
}

/// SHA-256 of bytes that come piece by piece.
public struct StreamingHasher {
    private var context = SHA256_CTX()

    public init() { SHA256_Init(&context) }

    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        SHA256_Update(&context, bytes.baseAddress, bytes.count)
    }

    public mutating func update(_ digest: Digest) {
        withUnsafeTemporaryAllocation(byteCount: Digest.byteCount, alignment: 8) { buffer in
            digest.store(to: buffer.baseAddress!)
            update(UnsafeRawBufferPointer(buffer))
        }
    }

    public mutating func finish() -> Digest {
        withUnsafeTemporaryAllocation(byteCount: Digest.byteCount, alignment: 8) { buffer in
            SHA256_Final(buffer.baseAddress!.assumingMemoryBound(to: UInt8.self), &context)
            return Digest(loadingFrom: buffer.baseAddress!)
        }
    }
}
