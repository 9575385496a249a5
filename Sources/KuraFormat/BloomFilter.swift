/// A blocked Bloom filter over chunk names: a negative answer is certain and costs one cache line.
///
/// Names are uniform already, so they are not hashed again. Word 1 of the name chooses a block of
/// 512 bits (multiply-shift), seven 9-bit pieces of word 2 choose bits in it. At 12 bits a name
/// about 0.6 % of absent names pass. After Putze, Sanders and Singler, "Cache-, Hash- and
/// Space-Efficient Bloom Filters" (2007).
public struct BloomFilter: Sendable {
    public static let bitsPerName = 12
    public static let blockByteCount = 64
    static let wordsPerBlock = 8
    static let probes = 7

    private var memory: Memory

    /// Words on the boundaries of cache lines, so that a block is one of them.
    private final class Memory: @unchecked Sendable {
        // Written only while one filter refers to it.
        let words: UnsafeMutableBufferPointer<UInt64>

        /// Large filters begin on a large page, which the kernel may then use for them.
        private static let largePageByteCount = 2 << 20

        init(blockCount: Int) {
            let byteCount = blockCount * blockByteCount
            let raw = UnsafeMutableRawBufferPointer.allocate(
                byteCount: byteCount,
                alignment: byteCount >= Self.largePageByteCount
                    ? Self.largePageByteCount : blockByteCount)
            words = raw.bindMemory(to: UInt64.self)
        }

        deinit { words.deallocate() }
    }

    public var blockCount: Int { memory.words.count / Self.wordsPerBlock }

    /// An empty filter sized for `count` names.
    public init(capacity count: Int) {
        memory = Memory(blockCount: Self.blockCount(for: count))
        memory.words.initialize(repeating: 0)
    }

    /// A filter of at least one block whose stored form `fill` puts into the memory that it gets,
    /// all of it.
    public init<Failure: Error>(
        blockCount: Int, filling fill: (UnsafeMutableRawBufferPointer) throws(Failure) -> Void
    ) throws(Failure) {
        precondition(blockCount > 0)
        memory = Memory(blockCount: blockCount)
        try fill(UnsafeMutableRawBufferPointer(memory.words))
        #if _endian(big)
            for index in memory.words.indices {
                memory.words[index] = UInt64(littleEndian: memory.words[index])
            }
        #endif
    }

    public static func blockCount(for count: Int) -> Int {
        max(1, (count * bitsPerName + 511) / 512)
    }

    public mutating func insert(_ id: ChunkID) {
        if !isKnownUniquelyReferenced(&memory) {
            let copy = Memory(blockCount: blockCount)
            _ = copy.words.initialize(from: memory.words)
            memory = copy
        }
        let block = memory.words.baseAddress! + Self.place(of: id, blockCount: blockCount)
        var bits = id.word2
        for _ in 0..<Self.probes {
            let bit = Int(truncatingIfNeeded: bits & 511)
            block[bit &>> 6] |= 1 &<< UInt64(bit & 63)
            bits &>>= 9
        }
    }

    /// False: the name was never inserted. True: it probably was.
    @inline(__always)
    public func mayContain(_ id: ChunkID) -> Bool { mayContain(id, Probe(id)) }

    /// The same, with the name's probe at hand: for callers that ask several filters.
    ///
    /// Compares whole blocks, so that there is one branch to predict, and the processor goes on to
    /// the next filter while memory is slow.
    @inline(__always)
    public func mayContain(_ id: ChunkID, _ probe: Probe) -> Bool {
        let words = memory.words
        let block = UnsafeRawPointer(
            words.baseAddress! + Self.place(of: id, blockCount: words.count / Self.wordsPerBlock))
        let found = block.load(as: SIMD8<UInt64>.self)
        return (probe.bits & ~found) == SIMD8<UInt64>.zero
    }

    /// The bits of one name: they are the same in every filter, only the block differs.
    public struct Probe {
        fileprivate let bits: SIMD8<UInt64>

        @inline(__always)
        public init(_ id: ChunkID) {
            // At a larger alignment than any type's, memory would come from the heap.
            bits = withUnsafeTemporaryAllocation(
                byteCount: BloomFilter.blockByteCount, alignment: MemoryLayout<UInt64>.alignment
            ) { block in
                block.initializeMemory(as: UInt64.self, repeating: 0)
                var bits = id.word2
                for _ in 0..<BloomFilter.probes {
                    let bit = Int(truncatingIfNeeded: bits & 511)
                    let offset = (bit &>> 6) &* 8
                    let word = block.load(fromByteOffset: offset, as: UInt64.self)
                    block.storeBytes(
                        of: word | 1 &<< UInt64(bit & 63), toByteOffset: offset, as: UInt64.self)
                    bits &>>= 9
                }
                return block.loadUnaligned(as: SIMD8<UInt64>.self)
            }
        }
    }

    /// Calls `body` with the stored form: its words, little-endian.
    public func withUnsafeStoredBytes<T, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> T
    ) throws(Failure) -> T {
        #if _endian(big)
            let stored = Memory(blockCount: blockCount)
            for index in memory.words.indices {
                stored.words.initializeElement(at: index, to: memory.words[index].littleEndian)
            }
        #else
            let stored = memory
        #endif
        defer { withExtendedLifetime(stored) {} }
        return try body(UnsafeRawBufferPointer(stored.words))
    }

    /// Place of the first word of a name's block.
    @inline(__always)
    private static func place(of id: ChunkID, blockCount: Int) -> Int {
        let block = id.word1.multipliedFullWidth(by: UInt64(truncatingIfNeeded: blockCount)).high
        return Int(truncatingIfNeeded: block) &* wordsPerBlock
    }
}

extension BloomFilter: Equatable {
    public static func == (left: BloomFilter, right: BloomFilter) -> Bool {
        left.withUnsafeStoredBytes { left in
            right.withUnsafeStoredBytes { left.elementsEqual($0) }
        }
    }
}
