import KuraFormat
import TestSupport
import Testing

@Suite("Pack") struct PackTests {
    private static let example = PackFile.make(
        [[Array("one".utf8), Array("two".utf8)], [Array("three".utf8)]], vault: Example.vault)

    private static let trailer = PackTrailer(
        header: PackHeader(kind: .manifest, vault: Example.vault, nonce: 0),
        frames: [
            FrameEntry(
                storedByteCount: 5, plainByteCount: 30, chunkCount: 2, codec: .zstd,
                storedDigest: Example.digest("frame 0")),
            FrameEntry(
                storedByteCount: 9, plainByteCount: 9, chunkCount: 1, codec: .raw,
                storedDigest: Example.digest("frame 1")),
        ],
        chunks: [
            ChunkEntry(id: Example.digest("a"), byteCount: 10),
            ChunkEntry(id: Example.digest("b"), byteCount: 20),
            ChunkEntry(id: Example.digest("c"), byteCount: 9),
        ])

    private static func decode(_ bytes: [UInt8]) throws(FormatError) -> PackTrailer {
        try bytes.decoded { raw throws(FormatError) in try PackTrailer(decoding: raw) }
    }

    @Test("rejects every truncation of its file and every flipped bit") func damage() throws {
        let (bytes, id) = Self.example
        let check = { (bytes: [UInt8]) throws(FormatError) in try PackFile.check(bytes, id: id) }
        try expectLengthsRejected(bytes, check)
        try expectChangesRejected(bytes, check)
    }

    @Test("has a trailer that round-trips") func roundTrip() throws {
        try forAll(cases: 100) { _, random in
            let trailer = Self.random(&random)
            let bytes = trailer.encoded()
            #expect(bytes.count == trailer.encodedByteCount)
            let decoded = try Self.decode(bytes)
            #expect(decoded == trailer)
        }
    }

    @Test("has a trailer that rejects every wrong length") func lengths() throws {
        try expectLengthsRejected(Self.trailer.encoded()) { bytes throws(FormatError) in
            _ = try Self.decode(bytes)
        }
    }

    @Test("has a trailer that ignores no bit") func canonical() throws {
        try expectNothingIgnored(Self.trailer.encoded()) { bytes throws(FormatError) in
            try Self.decode(bytes).encoded()
        }
    }

    @Test("knows the length of its file from its trailer") func length() throws {
        let (bytes, _) = Self.example
        let trailerBytes = bytes.count - 32 - 11 - Footer.byteCount
        let trailer = try Self.decode(
            Array(bytes.dropLast(Footer.byteCount).suffix(trailerBytes)))
        #expect(trailer.fileByteCount == UInt64(bytes.count))
        #expect(trailer.storedByteCount == 11)
        #expect(trailer.plainByteCount == 11)
    }

    @Test("rejects frames and chunks that do not add up") func sums() {
        expectInvalid("chunk length") { $0.chunks[1].byteCount = 21 }
        expectInvalid("frame's chunk count") { $0.frames[1].chunkCount = 2 }
        expectInvalid("chunk length") { $0.frames[0].chunkCount = 1 }
        expectInvalid("chunk count") { $0.chunks.append($0.chunks[0]) }
        expectInvalid("frame's chunk count") { $0.chunks.removeLast() }
    }

    @Test("rejects lengths beyond the limits") func limits() {
        expectInvalid("stored length") { $0.frames[0].storedByteCount = 0 }
        expectInvalid("stored length") {
            $0.frames[0].storedByteCount = UInt32(Limits.frameStoredBytesMax) + 1
        }
        expectInvalid("plain length") { $0.frames[0].plainByteCount = 0 }
        expectInvalid("plain length") {
            $0.frames[0].plainByteCount = UInt32(Limits.framePlainBytesMax) + 1
        }
        expectInvalid("plain length") { $0.frames[1].plainByteCount = 10 }
        expectInvalid("frame's chunk count") { $0.frames[0].chunkCount = 0 }
        expectInvalid("chunk length") { $0.chunks[0].byteCount = 0 }
        expectInvalid("chunk length") {
            $0.chunks[0].byteCount = UInt32(Limits.chunkBytesMax) + 1
        }
    }

    @Test("rejects a pack that is longer than any may be") func fileLength() {
        var frame = Self.trailer.frames[0]
        frame.storedByteCount = UInt32(Limits.frameStoredBytesMax)
        let chunks = Self.trailer.chunks[0..<2]
        expectInvalid("pack length") { trailer in
            trailer.frames = Array(repeating: frame, count: 32)
            trailer.chunks = Array((0..<32).map { _ in chunks }.joined())
        }
    }

    @Test("is refused when its version is unknown") func version() {
        var bytes = Self.trailer.encoded()
        bytes.store(UInt16(3), at: 8)
        #expect(throws: FormatError.unsupportedVersion(.pack, version: 3)) {
            try Self.decode(bytes)
        }
    }

    private func expectInvalid(_ field: String, _ change: (inout PackTrailer) -> Void) {
        var trailer = Self.trailer
        change(&trailer)
        #expect(throws: FormatError.invalidField(.packTrailer, field: field)) {
            try Self.decode(trailer.encoded())
        }
    }

    private static func random(_ random: inout SeededGenerator) -> PackTrailer {
        let kind = PackKind.allCases.randomElement(using: &random)!
        var trailer = PackTrailer(
            header: PackHeader(kind: kind, vault: random.uniqueID(), nonce: 0))
        for _ in 0..<Int.random(in: 0...6, using: &random) {
            var plain: UInt32 = 0
            let count = UInt32.random(in: 1...4, using: &random)
            for _ in 0..<count {
                let byteCount = UInt32.random(in: 1...UInt32(Limits.chunkBytesMax), using: &random)
                trailer.chunks.append(ChunkEntry(id: random.digest(), byteCount: byteCount))
                plain += byteCount
            }
            let raw = Bool.random(using: &random)
            trailer.frames.append(
                FrameEntry(
                    storedByteCount: raw ? plain : .random(in: 1...plain, using: &random),
                    plainByteCount: plain, chunkCount: count, codec: raw ? .raw : .zstd,
                    storedDigest: random.digest()))
        }
        return trailer
    }
}

@Suite("Footer") struct FooterTests {
    private let footer = Footer(trailerByteCount: 77, trailerDigest: Example.digest("trailer"))

    private static func decode(_ bytes: [UInt8]) throws(FormatError) -> Footer {
        try bytes.decoded { raw throws(FormatError) in try Footer(decoding: raw, of: .pack) }
    }

    @Test("round-trips in 48 bytes") func roundTrip() throws {
        #expect(footer.encoded().count == 48)
        #expect(try Self.decode(footer.encoded()) == footer)
    }

    @Test("rejects every wrong length") func lengths() throws {
        try expectLengthsRejected(footer.encoded()) { bytes throws(FormatError) in
            _ = try Self.decode(bytes)
        }
    }

    @Test("ignores no bit") func canonical() throws {
        try expectNothingIgnored(footer.encoded()) { bytes throws(FormatError) in
            try Self.decode(bytes).encoded()
        }
    }
}
