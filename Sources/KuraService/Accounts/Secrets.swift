internal import CCrypto
internal import KuraFormat

/// Secret words: made, kept as hashes, compared in a time that tells nothing of them.
enum Secrets {
    /// 256 random bits, as 64 hexadecimal digits.
    static func random() -> String {
        var generator = SystemRandomNumberGenerator()
        return (0..<4).map { _ in
            let digits = String(generator.next() as UInt64, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }

    /// By which a random secret is kept: it is too long to be guessed, so one hash is enough.
    static func hash(_ secret: String) -> String { SHA256.digest(Array(secret.utf8)).hex }

    /// Whether both are the same, in a time that depends on their lengths alone.
    static func areEqual(_ left: String, _ right: String) -> Bool {
        let (left, right) = (Array(left.utf8), Array(right.utf8))
        guard left.count == right.count else { return false }
        return CRYPTO_memcmp(left, right, left.count) == 0
    }
}

/// A password, as it is kept: scrypt with 32 MiB, and a salt of its own.
struct PasswordHash: Equatable {
    private static let cost: UInt64 = 15
    private static let blockSize: UInt64 = 8
    private static let memoryMax: UInt64 = 64 << 20
    private static let byteCount = 32

    /// "scrypt$15$8$SALT$HASH".
    let text: String

    /// One that was kept.
    init(kept text: String) { self.text = text }

    /// Nil where libcrypto has no memory for it.
    init?(_ password: String) {
        let salt = Secrets.random()
        guard let hash = Self.derived(password, salt) else { return nil }
        text = "scrypt$\(Self.cost)$\(Self.blockSize)$\(salt)$\(hash)"
    }

    func matches(_ password: String) -> Bool {
        let parts = text.split(separator: "$")
        guard parts.count == 5, parts[0] == "scrypt", parts[1] == "\(Self.cost)",
            parts[2] == "\(Self.blockSize)",
            let hash = Self.derived(password, String(parts[3]))
        else { return false }
        return Secrets.areEqual(hash, String(parts[4]))
    }

    /// What an account that there is not is compared with, so that it takes as long.
    static let ofNobody = PasswordHash(Secrets.random())

    private static func derived(_ password: String, _ salt: String) -> String? {
        let salt = Array(salt.utf8)
        var key = [UInt8](repeating: 0, count: byteCount)
        let done = password.utf8.withContiguousStorageIfAvailable { bytes in
            bytes.withMemoryRebound(to: CChar.self) { bytes in
                EVP_PBE_scrypt(
                    bytes.baseAddress, bytes.count, salt, salt.count, 1 << cost, blockSize, 1,
                    memoryMax, &key, key.count)
            }
        }
        guard done == 1 else { return nil }
        let digits = Array("0123456789abcdef")
        return String(key.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }
}
