import KuraFormat
import TestSupport
import Testing

@Suite("Manifest node") struct ManifestNodeTests {
    private static func decode(
        _ bytes: [UInt8], level: Int
    ) throws(FormatError) -> ManifestNode {
        try bytes.decoded { raw throws(FormatError) in
            try ManifestNode(decoding: raw, level: level)
        }
    }

    private static func length(_ bytes: [UInt8]) throws(FormatError) -> Int {
        try bytes.decoded { raw throws(FormatError) in try ManifestNode.encodedByteCount(raw) }
    }

    @Test("round-trips as a leaf") func leaf() throws {
        try forAll(cases: 100) { _, random in
            let node = Self.randomLeaf(&random)
            let decoded = try Self.decode(node.encoded(), level: 0)
            #expect(decoded == node)
        }
    }

    @Test("round-trips as an inner node") func inner() throws {
        try forAll(cases: 100) { _, random in
            var children: [NodeID?] = []
            for _ in 0..<Limits.nodeFanOut {
                children.append(Int.random(in: 0...2, using: &random) == 0 ? random.digest() : nil)
            }
            children[.random(in: 0..<Limits.nodeFanOut, using: &random)] = random.digest()
            let level = Int.random(in: 1...Limits.nodeLevelMax, using: &random)
            let node = ManifestNode.inner(level: level, children: children)
            let decoded = try Self.decode(node.encoded(), level: level)
            #expect(decoded == node)
        }
    }

    @Test("rejects every wrong length") func lengths() throws {
        for (node, level) in [(Example.leaf, 0), (Example.inner, 3)] {
            try expectLengthsRejected(node.encoded()) { bytes throws(FormatError) in
                _ = try Self.decode(bytes, level: level)
            }
        }
    }

    @Test("ignores no bit") func canonical() throws {
        for (node, level) in [(Example.leaf, 0), (Example.inner, 3)] {
            try expectNothingIgnored(node.encoded()) { bytes throws(FormatError) in
                try Self.decode(bytes, level: level).encoded()
            }
        }
    }

    @Test("says its length where other bytes follow it") func encodedByteCount() throws {
        for node in [Example.leaf, Example.inner] {
            let bytes = node.encoded()
            #expect(try Self.length(bytes) == bytes.count)
            #expect(try Self.length(bytes + [1, 2, 3]) == bytes.count)
            #expect(throws: FormatError.self) { try Self.length(Array(bytes.dropLast())) }
        }
    }

    @Test("rejects another level than its place in the tree asks for") func level() {
        #expect(throws: FormatError.invalidField(.node, field: "level")) {
            try Self.decode(Example.inner.encoded(), level: 2)
        }
        #expect(throws: FormatError.invalidField(.node, field: "level")) {
            try Self.decode(Example.leaf.encoded(), level: 1)
        }
    }

    @Test("is refused when its version is unknown") func version() {
        var bytes = Example.leaf.encoded()
        bytes[8] = 3
        #expect(throws: FormatError.unsupportedVersion(.node, version: 3)) {
            try Self.decode(bytes, level: 0)
        }
    }

    @Test("rejects a count of zero") func empty() {
        for (node, level) in [(Example.leaf, 0), (Example.inner, 3)] {
            var bytes = node.encoded()
            bytes.store(UInt16(0), at: 10)
            #expect(throws: FormatError.invalidField(.node, field: "count")) {
                try Self.decode(bytes, level: level)
            }
        }
    }

    @Test("rejects a leaf whose chunks start outside of its stretch") func offsets() {
        // The first offset; then a gap, in blocks, in front of the second chunk.
        expectInvalid("offset") { $0.store(UInt32(Limits.leafSpanBytes), at: 12) }
        expectInvalid("offset") { $0.store(UInt32.max, at: 12) }
        expectInvalid("offset") { $0.store(UInt32(127) << 21 | 5000, at: 52) }
        expectInvalid("offset") { $0.store(UInt32(2047) << 21 | 5000, at: 52) }
    }

    @Test("rejects a leaf with a gap in front of its first chunk") func firstGap() {
        expectInvalid("offset") { $0.store(UInt32(1) << 21 | 3996, at: 16) }
    }

    @Test("rejects an inner node of the version of leaves with codes") func innerVersion() {
        var bytes = Example.inner.encoded()
        bytes[8] = ManifestNode.versionWithCodes
        #expect(throws: FormatError.unsupportedVersion(.node, version: 2)) {
            try Self.decode(bytes, level: 3)
        }
    }

    @Test("rejects a leaf whose version says that its entries are longer than they are")
    func leafVersion() {
        var bytes = Example.leaf.encoded()
        bytes[8] = ManifestNode.versionWithCodes
        #expect(throws: FormatError.self) { try Self.decode(bytes, level: 0) }
        #expect(throws: FormatError.self) { try Self.length(bytes) }
    }

    @Test("rejects chunk lengths out of range") func chunkLengths() {
        let lengths: [UInt32] = [0, UInt32(Limits.chunkBytesMax) + 1, 1 << 21 - 1]
        for byteCount in lengths {
            expectInvalid("chunk length") { $0.store(byteCount, at: 16) }
        }
    }

    @Test("rejects a bitmap that has not as many bits as there are children") func bitmap() {
        var bytes = Example.inner.encoded()
        bytes.store(UInt64(0b11), at: 16)
        #expect(throws: FormatError.invalidField(.node, field: "bitmap")) {
            try Self.decode(bytes, level: 3)
        }
    }

    @Test("rejects a node that is longer than any may be") func limit() {
        let count = (Limits.nodeBytesMax - 16) / 36 + 1
        let entry = LeafEntry(offset: 0, byteCount: 1, id: Example.digest("a"))
        let bytes = ManifestNode.leaf(
            (0..<count).map { index in
                LeafEntry(offset: UInt32(index), byteCount: 1, id: entry.id)
            }
        ).encoded()
        #expect(throws: FormatError.self) { try Self.decode(bytes, level: 0) }
        #expect(throws: FormatError.invalidField(.node, field: "count")) {
            try Self.length(bytes)
        }
    }

    @Test("has spans that grow by 64 from 512 KiB to the largest disk") func spans() {
        let spans = (0...Limits.nodeLevelMax).map { ManifestNode.spanBytes(level: $0) }
        #expect(spans.first == 512 << 10)
        #expect(spans.last == Limits.diskBytesMax)
        for level in 1..<spans.count { #expect(spans[level] == 64 * spans[level - 1]) }
    }

    @Test("has its root on the lowest level that spans the disk", arguments: 1..<6)
    func rootLevel(_ level: Int) {
        let span = ManifestNode.spanBytes(level: level)
        #expect(ManifestNode.rootLevel(diskBytes: span - 1) == level)
        #expect(ManifestNode.rootLevel(diskBytes: span) == level)
        #expect(ManifestNode.rootLevel(diskBytes: span + 1) == level + 1)
    }

    @Test("has its root on level 1 for an empty disk, on 6 for the largest") func rootExtremes() {
        #expect(ManifestNode.rootLevel(diskBytes: 0) == 1)
        #expect(ManifestNode.rootLevel(diskBytes: Limits.diskBytesMax) == Limits.nodeLevelMax)
    }

    private func expectInvalid(_ field: String, _ change: (inout [UInt8]) -> Void) {
        var bytes = Example.leaf.encoded()
        change(&bytes)
        #expect(throws: FormatError.invalidField(.node, field: field)) {
            try Self.decode(bytes, level: 0)
        }
    }

    private static func randomLeaf(_ random: inout SeededGenerator) -> ManifestNode {
        let hasCodes = Bool.random(using: &random)
        var entries: [LeafEntry] = []
        var end = UInt32.random(in: 0..<UInt32(Limits.leafSpanBytes), using: &random)
        repeat {
            let byteCount = UInt32.random(in: 1...100_000, using: &random)
            let mac = hasCodes ? ChunkMAC(random.next(), random.next()) : nil
            entries.append(
                LeafEntry(offset: end, byteCount: byteCount, id: random.digest(), mac: mac))
            end += byteCount + 4096 * .random(in: 0...5, using: &random)
        } while end < Limits.leafSpanBytes
        return .leaf(entries)
    }
}
