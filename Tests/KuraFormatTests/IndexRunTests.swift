import KuraFormat
import TestSupport
import Testing

@Suite("Index run") struct IndexRunTests {
    private static func entries(_ count: Int) -> [IndexEntry] {
        var random = SeededGenerator(seed: 2)
        return (0..<count).map { index in
            IndexEntry(
                id: random.digest(), location: ChunkLocation(pack: 0, frame: 0, plainOffset: index))
        }.sorted { $0.id < $1.id }
    }

    private static let packs = [
        PackSummary(
            id: Example.digest("pack"), kind: .data, chunkCount: 2, fileByteCount: 300,
            plainByteCount: 400)
    ]

    private static let example = IndexRunFile.make(
        entries(102), packs: packs, superseded: [Example.digest("run")], vault: Example.vault)

    private static func decode(_ bytes: [UInt8]) throws(FormatError) -> IndexRunTrailer {
        try bytes.decoded { raw throws(FormatError) in try IndexRunTrailer(decoding: raw) }
    }

    @Test("rejects every flipped byte of its file") func damage() throws {
        let (bytes, id, _) = Self.example
        try expectChangesRejected(bytes, everyBit: false) { bytes throws(FormatError) in
            try IndexRunFile.check(bytes, id: id)
        }
    }

    @Test("rejects every truncation of its file") func truncation() throws {
        let (bytes, id, _) = Self.example
        try expectLengthsRejected(bytes) { bytes throws(FormatError) in
            try IndexRunFile.check(bytes, id: id)
        }
    }

    @Test("has a trailer that round-trips", arguments: [1, 100, 101, 102, 1000])
    func roundTrip(_ count: Int) throws {
        let (bytes, _, trailer) = IndexRunFile.make(
            Self.entries(count), packs: Self.packs, superseded: [], vault: Example.vault)
        let encoded = trailer.encoded()
        #expect(encoded.count == trailer.encodedByteCount)
        #expect(try Self.decode(encoded) == trailer)
        #expect(trailer.fileByteCount == UInt64(bytes.count))
    }

    @Test("has a trailer that rejects packs larger than any pack") func packSizes() throws {
        var trailer = Self.example.trailer
        trailer.packs[0].plainByteCount = 1 << 38
        trailer.packs[0].chunkCount = UInt32(Limits.packChunksMax)
        #expect(try Self.decode(trailer.encoded()) == trailer)
        for change in [
            { $0.plainByteCount += 1 }, { $0.chunkCount += 1 },
        ] as [(inout PackSummary) -> Void] {
            var hostile = trailer
            change(&hostile.packs[0])
            #expect(throws: FormatError.invalidField(.indexRun, field: "pack size")) {
                try Self.decode(hostile.encoded())
            }
        }
    }

    @Test("has a trailer that rejects every wrong length") func lengths() throws {
        try expectLengthsRejected(Self.example.trailer.encoded()) { bytes throws(FormatError) in
            _ = try Self.decode(bytes)
        }
    }

    @Test("tells a trailer that is too short from one that is too long") func lengthErrors() {
        let bytes = Self.example.trailer.encoded()
        let count = UInt64(bytes.count)
        #expect(throws: FormatError.truncated(.indexRun, needed: count, available: count - 1)) {
            try Self.decode(Array(bytes.dropLast()))
        }
        #expect(throws: FormatError.trailingBytes(.indexRun, count: 1)) {
            try Self.decode(bytes + [0])
        }
    }

    @Test("has a trailer that ignores no bit") func canonical() throws {
        try expectNothingIgnored(Self.example.trailer.encoded()) { bytes throws(FormatError) in
            try Self.decode(bytes).encoded()
        }
    }

    @Test("rejects counts, packs and fences that make no sense") func fields() {
        expectInvalid("entry count") { $0.entryCount = 0 }
        expectInvalid("entry count") { $0.entryCount = .max }
        expectInvalid("filter blocks") { $0.filter = BloomFilter(capacity: 1000) }
        expectInvalid("fences") { $0.fences.reverse() }
        expectInvalid("pack length") {
            $0.packs[0].fileByteCount = UInt64(Limits.packBytesMax) + 1
        }
    }

    @Test("takes equal fences") func equalFences() throws {
        var trailer = Self.example.trailer
        trailer.fences = [5, 5]
        #expect(try Self.decode(trailer.encoded()) == trailer)
    }

    @Test("is refused when its version is unknown") func version() {
        var bytes = Self.example.trailer.encoded()
        bytes.store(UInt16(3), at: 8)
        #expect(throws: FormatError.unsupportedVersion(.indexRun, version: 3)) {
            try Self.decode(bytes)
        }
    }

    @Test("finds the block of a name by its fences") func fences() {
        var trailer = Self.example.trailer
        trailer.fences = [10, 20, 20, 30]
        let blocks = [9, 10, 19, 20, 25, 30, .max].map { (word: UInt64) in
            trailer.block(for: Digest(words: (word, 0, 0, 0)))
        }
        #expect(blocks == [nil, 0, 0, 2, 2, 3, 3])
    }

    @Test("counts the blocks that its entries need") func blockCount() {
        let counts = [1, 101, 102, 202, 203].map { IndexRunTrailer.blockCount(entries: $0) }
        #expect(counts == [1, 1, 2, 2, 3])
    }

    private func expectInvalid(_ field: String, _ change: (inout IndexRunTrailer) -> Void) {
        var trailer = Self.example.trailer
        change(&trailer)
        #expect(throws: FormatError.invalidField(.indexRun, field: field)) {
            try Self.decode(trailer.encoded())
        }
    }
}

@Suite("Bloom filter") struct BloomFilterTests {
    @Test("holds every name that was inserted") func noFalseNegatives() throws {
        try forAll(cases: 20) { _, random in
            var ids: [ChunkID] = []
            for _ in 0..<Int.random(in: 1...500, using: &random) { ids.append(random.digest()) }
            var filter = BloomFilter(capacity: ids.count)
            for id in ids { filter.insert(id) }
            #expect(ids.allSatisfy { filter.mayContain($0) })
        }
    }

    @Test("lets fewer than 2 % of absent names pass") func falsePositives() {
        var random = SeededGenerator(seed: 3)
        var filter = BloomFilter(capacity: 20_000)
        for _ in 0..<20_000 { filter.insert(random.digest()) }
        var passed = 0
        for _ in 0..<50_000 where filter.mayContain(random.digest()) { passed += 1 }
        #expect(passed < 1000)
    }

    @Test("tests the seven bits that the specification names") func bits() throws {
        try forAll(cases: 20) { seed, random in
            var filter = BloomFilter(capacity: 300)
            for _ in 0..<300 { filter.insert(random.digest()) }
            let words = filter.withUnsafeStoredBytes { bytes in
                (0..<(bytes.count / 8)).map {
                    UInt64(littleEndian: bytes.load(fromByteOffset: 8 * $0, as: UInt64.self))
                }
            }
            for _ in 0..<2000 {
                let id: ChunkID = random.digest()
                let block = Int(id.word1.multipliedFullWidth(by: UInt64(filter.blockCount)).high)
                let expected = (0..<7).allSatisfy { probe in
                    let bit = Int(id.word2 >> UInt64(9 * probe) & 511)
                    return words[8 * block + bit / 64] >> UInt64(bit % 64) & 1 == 1
                }
                #expect(filter.mayContain(id) == expected, "seed \(seed)")
            }
        }
    }

    @Test("is not changed by what is inserted into a copy") func copies() {
        let empty = BloomFilter(capacity: 10)
        var filled = empty
        filled.insert(Example.digest("name"))
        #expect(!empty.mayContain(Example.digest("name")))
        #expect(filled.mayContain(Example.digest("name")))
    }

    @Test("holds nothing while it is empty") func empty() {
        #expect(!BloomFilter(capacity: 10).mayContain(Example.digest("name")))
    }

    @Test("has 12 bits a name, and at least one block") func size() {
        let counts = [0, 1, 42, 43, 1000].map { BloomFilter.blockCount(for: $0) }
        #expect(counts == [1, 1, 1, 2, 24])
    }
}
