import KuraFormat
import KuraLog

/// Signs with a keyed hash of this process, so that tests need no curve. The public key is the
/// secret.
struct TestKey: LogSigner {
    let publicKey: PublicKeyBytes
    let id: KeyID

    init(_ number: UInt8) {
        let bytes = [UInt8](repeating: number, count: PublicKeyBytes.byteCount)
        guard let key = PublicKeyBytes(bytes) else { preconditionFailure("32 bytes") }
        publicKey = key
        id = KeyID(of: key)
    }

    func sign(_ bytes: [UInt8]) -> [UInt8] { TestVerifier.hash(bytes, publicKey) }
}

struct TestVerifier: LogVerifier {
    func isValid(_ signature: [UInt8], for bytes: [UInt8], by key: PublicKeyBytes) -> Bool {
        signature == Self.hash(bytes, key)
    }

    static func hash(_ bytes: [UInt8], _ key: PublicKeyBytes) -> [UInt8] {
        var hasher = Hasher()
        hasher.combine(key)
        bytes.withUnsafeBytes { hasher.combine(bytes: $0) }
        let value = UInt64(bitPattern: Int64(hasher.finalize()))
        return (0..<Signature.byteCount).map { UInt8(truncatingIfNeeded: value >> (8 * ($0 % 8))) }
    }
}
