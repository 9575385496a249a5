internal import CCrypto
public import KuraFormat

/// The public half of an Ed25519 key (RFC 8032): it tells whether a signature is right.
public struct PublicKey: Hashable, Sendable {
    /// As records have it: a point of the curve.
    public let stored: PublicKeyBytes

    /// Takes bytes that may be wrong: refuses what is no point of the curve, a second spelling of
    /// one, and the few points of small order, for which one signature fits many messages.
    public init(_ stored: PublicKeyBytes) throws(SealError) {
        guard CurvePoint.isUsable(stored.bytes) else { throw .unusableKey }
        self.stored = stored
    }

    public init(_ bytes: [UInt8]) throws(SealError) {
        guard let stored = PublicKeyBytes(bytes) else { throw .keyLength(bytes.count) }
        try self.init(stored)
    }

    /// Takes bytes that were looked at before.
    public init(known stored: PublicKeyBytes) {
        self.stored = stored
    }

    /// How records name the key.
    public var id: KeyID { KeyID(of: stored) }

    /// Whether `signature` was made by the holder of the key for these very bytes. A signature of
    /// another length is wrong, no error.
    public func isValid(_ signature: [UInt8], for message: [UInt8]) -> Bool {
        guard signature.count == Signature.byteCount,
            let key = EVP_PKEY_new_raw_public_key(
                EVP_PKEY_ED25519, nil, stored.bytes, PublicKeyBytes.byteCount)
        else { return false }
        defer { EVP_PKEY_free(key) }
        guard let context = EVP_MD_CTX_new() else { return false }
        defer { EVP_MD_CTX_free(context) }
        guard EVP_DigestVerifyInit(context, nil, nil, nil, key) == 1 else { return false }
        return EVP_DigestVerify(context, signature, signature.count, message, message.count) == 1
    }
}

/// The equation of the curve: -x² + y² = 1 + d x² y², modulo 2^255 - 19.
///
/// libcrypto takes any 32 bytes as a key, and finds out at each signature.
private enum CurvePoint {
    private static let prime =
        "57896044618658097711785492504343953926634992332820282019728792003956564819949"
    private static let d =
        "37095705934669439343138083508754565189542113879843219016388785533085940283555"
    /// y of the points of order 4 and 8, as stored. Those of order 1 and 2 have x = 0.
    private static let smallOrder: [[UInt8]] = [
        [UInt8](repeating: 0, count: 32),
        [
            0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef,
            0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88,
            0x6d, 0x53, 0xfc, 0x05,
        ],
        [
            0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10,
            0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77,
            0x92, 0xac, 0x03, 0x7a,
        ],
    ]

    /// - Parameter stored: 32 bytes: y, little-endian, with the sign of x in the highest bit.
    static func isUsable(_ stored: [UInt8]) -> Bool {
        var bytes = stored
        bytes[31] &= 0x7f
        guard !smallOrder.contains(bytes), let scratch = BN_CTX_new() else { return false }
        BN_CTX_start(scratch)
        defer {
            BN_CTX_end(scratch)
            BN_CTX_free(scratch)
        }
        var p = BN_CTX_get(scratch)
        var d = BN_CTX_get(scratch)
        guard let y = BN_CTX_get(scratch), let u = BN_CTX_get(scratch),
            let v = BN_CTX_get(scratch),
            BN_dec2bn(&p, prime) > 0, BN_dec2bn(&d, Self.d) > 0,
            BN_lebin2bn(bytes, Int32(bytes.count), y) != nil, BN_cmp(y, p) < 0
        else { return false }
        // x² = (y² - 1) / (d y² + 1). A quotient is a square exactly when the product is.
        guard BN_mod_sqr(u, y, p, scratch) == 1, BN_mod_mul(v, u, d, p, scratch) == 1,
            BN_sub_word(u, 1) == 1, BN_add_word(v, 1) == 1,
            BN_mod_mul(u, u, v, p, scratch) == 1
        else { return false }
        return BN_kronecker(u, p, scratch) == 1
    }
}
