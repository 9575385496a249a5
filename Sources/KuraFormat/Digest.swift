/// A SHA-256 value: 32 bytes, kept as four words so that it needs no allocation.
///
/// The words are the bytes read big-endian, so `<` is the byte order of the stored form.
@frozen
public struct Digest: Hashable, Comparable, Sendable, BitwiseCopyable {
    public let word0, word1, word2, word3: UInt64

    /// Length of the stored form, in bytes.
    public static let byteCount = 32

    @inlinable
    public init(words: (UInt64, UInt64, UInt64, UInt64)) {
        (word0, word1, word2, word3) = words
    }

    /// Reads 32 bytes at `pointer`, of any alignment.
    @inlinable
    public init(loadingFrom pointer: UnsafeRawPointer) {
        word0 = UInt64(bigEndian: pointer.loadUnaligned(as: UInt64.self))
        word1 = UInt64(bigEndian: pointer.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        word2 = UInt64(bigEndian: pointer.loadUnaligned(fromByteOffset: 16, as: UInt64.self))
        word3 = UInt64(bigEndian: pointer.loadUnaligned(fromByteOffset: 24, as: UInt64.self))
    }

    /// Writes 32 bytes at `pointer`, of any alignment.
    @inlinable
    public func store(to pointer: UnsafeMutableRawPointer) {
        pointer.storeBytes(of: word0.bigEndian, as: UInt64.self)
        pointer.storeBytes(of: word1.bigEndian, toByteOffset: 8, as: UInt64.self)
        pointer.storeBytes(of: word2.bigEndian, toByteOffset: 16, as: UInt64.self)
        pointer.storeBytes(of: word3.bigEndian, toByteOffset: 24, as: UInt64.self)
    }

    /// The stored form.
    public var bytes: [UInt8] {
        [UInt8](unsafeUninitializedCapacity: Self.byteCount) { target, count in
            store(to: target.baseAddress!)
            count = Self.byteCount
        }
    }

    @inlinable
    public static func == (left: Digest, right: Digest) -> Bool {
        left.word0 == right.word0 && left.word1 == right.word1
            && left.word2 == right.word2 && left.word3 == right.word3
    }

    @inlinable
    public static func < (left: Digest, right: Digest) -> Bool {
        if left.word0 != right.word0 { return left.word0 < right.word0 }
        if left.word1 != right.word1 { return left.word1 < right.word1 }
        if left.word2 != right.word2 { return left.word2 < right.word2 }
        return left.word3 < right.word3
    }

    /// The first word is already uniform, so it alone feeds the hasher.
    @inlinable
    public func hash(into hasher: inout Hasher) {
        hasher.combine(word0)
    }
}

extension Digest: CustomStringConvertible {
    /// 64 lower-case hexadecimal digits: the name of a file in a vault.
    public var hex: String { Hex.encode([word0, word1, word2, word3]) }

    public var description: String { hex }

    /// The first 8 hexadecimal digits, for people.
    public var short: String { String(hex.prefix(8)) }

    /// Parses exactly 64 lower-case hexadecimal digits.
    public init?(hex: some StringProtocol) {
        guard let words = Hex.decode(String(hex), words: 4) else { return nil }
        self.init(words: (words[0], words[1], words[2], words[3]))
    }
}

/// Name of a chunk: the SHA-256 of its plain bytes.
public typealias ChunkID = Digest
/// Name of a manifest node: the SHA-256 of its encoded bytes.
public typealias NodeID = Digest
/// Name of a pack: the SHA-256 of its trailer.
public typealias PackID = Digest
/// Name of an index run: the SHA-256 of its trailer.
public typealias RunID = Digest
/// Name of a recovery point: the seal of its record.
public typealias RecoveryPointID = Digest
/// Name of a line of the repair ledger: its seal.
public typealias RepairID = Digest

/// A random 128-bit identifier of something that has no content to be named by.
///
/// `<` is the byte order of the stored form.
public struct UniqueID: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let high, low: UInt64

    public static let byteCount = 16

    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    public static func < (left: UniqueID, right: UniqueID) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }

    /// A new identifier from the system's random source.
    public static func random() -> UniqueID {
        UniqueID(high: .random(in: 1...UInt64.max), low: .random(in: 0...UInt64.max))
    }

    /// 32 lower-case hexadecimal digits.
    public var hex: String { Hex.encode([high, low]) }

    public var description: String { hex }

    /// Parses exactly 32 lower-case hexadecimal digits.
    public init?(hex: some StringProtocol) {
        guard let words = Hex.decode(String(hex), words: 2) else { return nil }
        self.init(high: words[0], low: words[1])
    }
}

enum Hex {
    private static let digits = Array("0123456789abcdef".utf8)

    static func encode(_ words: [UInt64]) -> String {
        String(unsafeUninitializedCapacity: words.count * 16) { text in
            for (number, word) in words.enumerated() {
                for position in 0..<16 {
                    let shift = UInt64(60 - 4 * position)
                    text[number * 16 + position] = digits[Int((word >> shift) & 15)]
                }
            }
            return words.count * 16
        }
    }

    /// Listings of large vaults come through here by the hundred thousand, so it looks at bytes.
    static func decode(_ text: String, words count: Int) -> [UInt64]? {
        guard text.utf8.count == count * 16 else { return nil }
        var text = text
        return text.withUTF8 { bytes in
            var words = [UInt64](repeating: 0, count: count)
            for position in bytes.indices {
                let digit: UInt8
                switch bytes[position] {
                case let byte where byte >= 48 && byte <= 57: digit = byte - 48
                case let byte where byte >= 97 && byte <= 102: digit = byte - 87
                default: return nil
                }
                words[position / 16] = words[position / 16] << 4 | UInt64(digit)
            }
            return words
        }
    }
}
