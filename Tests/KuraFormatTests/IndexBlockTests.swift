import KuraFormat
import TestSupport
import Testing

@Suite("Index block") struct IndexBlockTests {
    /// Entries in ascending order. Their names are even in the last word, so odd ones are absent.
    private static func entries(_ count: Int, _ random: inout SeededGenerator) -> [IndexEntry] {
        var entries: [IndexEntry] = []
        for index in 0..<count {
            // Few different first words, so that later words decide often enough.
            let id = Digest(
                words: (.random(in: 0...3, using: &random), random.next(), 0, UInt64(index) * 2))
            entries.append(IndexEntry(id: id, location: ChunkLocation(bits: random.next())))
        }
        return entries.sorted { $0.id < $1.id }
    }

    private static let example: [UInt8] = {
        var random = SeededGenerator(seed: 1)
        return IndexRunFile.block(entries(3, &random)[...], number: 6)
    }()

    @Test("gives its entries back") func roundTrip() throws {
        try forAll(cases: 30) { _, random in
            let count = Int.random(in: 1...IndexBlock.entriesMax, using: &random)
            let entries = Self.entries(count, &random)
            let block = IndexRunFile.block(entries[...], number: 9)
            let found = try IndexRunFile.checkBlock(block, number: 9)
            #expect(found == count)
            let read = block.withUnsafeBytes { raw in
                (0..<count).map { IndexBlock.entry(raw, $0) }
            }
            #expect(read == entries)
        }
    }

    @Test("finds every entry, and no other name") func find() throws {
        try forAll(cases: 30) { _, random in
            let count = Int.random(in: 1...IndexBlock.entriesMax, using: &random)
            let entries = Self.entries(count, &random)
            IndexRunFile.block(entries[...], number: 0).withUnsafeBytes { raw in
                for entry in entries {
                    #expect(IndexBlock.find(entry.id, in: raw, count: count) == entry.location)
                    let id = entry.id
                    let absent = Digest(words: (id.word0, id.word1, id.word2, id.word3 + 1))
                    #expect(IndexBlock.find(absent, in: raw, count: count) == nil)
                }
                for absent in [Digest(words: (0, 0, 0, 0)), Digest(words: (.max, 0, 0, 0))] {
                    #expect(IndexBlock.find(absent, in: raw, count: count) == nil)
                }
            }
        }
    }

    @Test("rejects every flipped bit") func damage() throws {
        try expectChangesRejected(Self.example, everyBit: false) { bytes throws(FormatError) in
            _ = try IndexRunFile.checkBlock(bytes, number: 6)
        }
    }

    @Test("rejects the number of another block") func number() {
        #expect(throws: FormatError.invalidField(.indexBlock, field: "block number")) {
            try IndexRunFile.checkBlock(Self.example, number: 7)
        }
    }

    @Test("rejects counts out of range", arguments: [0, 102, 0xffff])
    func count(_ count: UInt16) {
        expectInvalid("entry count") { $0.store(count, at: 4040) }
    }

    @Test("rejects entries that do not ascend") func order() {
        // The first name twice; then the first two in the wrong order.
        expectInvalid("entry order") { block in
            block.replaceSubrange(40..<72, with: Array(block[0..<32]))
        }
        expectInvalid("entry order") { block in
            block.replaceSubrange(0..<80, with: Array(block[40..<80]) + Array(block[0..<40]))
        }
    }

    @Test(
        "rejects bytes that are not zero where nothing is",
        arguments: [120, 4039, 4042, 4043, 4048, 4063])
    func reserved(_ offset: Int) {
        expectInvalid("reserved") { $0[offset] = 1 }
    }

    private func expectInvalid(_ field: String, _ change: (inout [UInt8]) -> Void) {
        var block = Self.example
        change(&block)
        #expect(throws: FormatError.invalidField(.indexBlock, field: field)) {
            try IndexRunFile.checkBlock(IndexRunFile.sealed(block), number: 6)
        }
    }
}

@Suite("Chunk location") struct ChunkLocationTests {
    @Test("keeps pack, frame and offset apart") func parts() throws {
        try forAll(cases: 200) { _, random in
            let pack = Int.random(in: 0..<Limits.runPacksMax, using: &random)
            let frame = Int.random(in: 0..<Limits.packFramesMax, using: &random)
            let plainOffset = Int.random(in: 0..<Limits.framePlainBytesMax, using: &random)
            let location = ChunkLocation(pack: pack, frame: frame, plainOffset: plainOffset)
            #expect(location.pack == pack)
            #expect(location.frame == frame)
            #expect(location.plainOffset == plainOffset)
        }
    }
}
