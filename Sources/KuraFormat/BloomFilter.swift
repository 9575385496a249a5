/// A blocked Bloom filter over chunk names: a negative answer is certain and costs one cache line.
///
/// Names are uniform already, so they are not hashed again. Word 1 of the name chooses a block of
/// 512 bits (multiply-shift), seven 9-bit pieces of word 2 choose bits in it. At 12 bits a name
/// about 0.6 % of absent names pass. After Putze, Sanders and Singler, "Cache-, Hash- and
/// Space-Efficient Bloom Filters" (2007).
public struct BloomFilter: Equatable, Sendable {
    public static let bitsPerName = 12
    public static let blockByteCount = 64
    static let probes = 7

    /// Eight words a block.
    public private(set) var words: [UInt64]

    public var blockCount: Int { words.count / 8 }

    /// An empty filter sized for `count` names.
    public init(capacity count: Int) {
        words = [UInt64](repeating: 0, count: 8 * Self.blockCount(for: count))
    }

    public init(words: [UInt64]) {
        precondition(!words.isEmpty && words.count % 8 == 0)
        self.words = words
    }

    public static func blockCount(for count: Int) -> Int {
        max(1, (count * bitsPerName + 511) / 512)
    }

    public mutating func insert(_ id: ChunkID) {
        let block = Self.block(of: id, count: blockCount)
        var bits = id.word2
        for _ in 0..<Self.probes {
            let bit = Int(bits & 511)
            words[block * 8 + bit >> 6] |= 1 << UInt64(bit & 63)
            bits >>= 9
        }
    }

    /// False: the name was never inserted. True: it probably was.
    public func mayContain(_ id: ChunkID) -> Bool {
        words.withUnsafeBufferPointer { words in
            let block = Self.block(of: id, count: words.count / 8)
            var bits = id.word2
            for _ in 0..<Self.probes {
                let bit = Int(truncatingIfNeeded: bits & 511)
                if words[block &* 8 &+ bit &>> 6] & (1 &<< UInt64(bit & 63)) == 0 { return false }
                bits &>>= 9
            }
            return true
        }
    }

    @inline(__always)
    private static func block(of id: ChunkID, count: Int) -> Int {
        Int(truncatingIfNeeded: id.word1.multipliedFullWidth(by: UInt64(count)).high)
    }
}
