import KuraFormat
import TestSupport
import Testing

@Suite("Digest") struct DigestTests {
    @Test("survives hexadecimal digits and back") func hex() throws {
        try forAll(cases: 200) { _, random in
            let digest = random.digest()
            #expect(digest.hex.utf8.count == 64)
            #expect(Digest(hex: digest.hex) == digest)
        }
    }

    @Test("survives bytes and back") func bytes() throws {
        try forAll(cases: 200) { _, random in
            let digest = random.digest()
            var bytes = [UInt8](repeating: 0, count: Digest.byteCount)
            bytes.withUnsafeMutableBytes { digest.store(to: $0.baseAddress!) }
            #expect(bytes.withUnsafeBytes { Digest(loadingFrom: $0.baseAddress!) } == digest)
        }
    }

    @Test("has the digits of its bytes in their order") func order() {
        let digest = [UInt8](0..<32).withUnsafeBytes { Digest(loadingFrom: $0.baseAddress!) }
        #expect(digest.hex == "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")
        #expect(digest.word1 == 0x0809_0a0b_0c0d_0e0f)
    }

    @Test("compares like its digits") func comparison() throws {
        try forAll(cases: 200) { _, random in
            // Few different words, so that later words decide often enough.
            let words = (0..<8).map { _ in UInt64.random(in: 0...1, using: &random) << 63 }
            let left = Digest(words: (words[0], words[1], words[2], words[3]))
            let right = Digest(words: (words[4], words[5], words[6], words[7]))
            #expect((left < right) == (left.hex < right.hex))
            #expect((left == right) == (left.hex == right.hex))
        }
    }

    @Test(
        "refuses what is not 64 lower-case hexadecimal digits",
        arguments: [
            "", String(repeating: "a", count: 63), String(repeating: "a", count: 65),
            String(repeating: "A", count: 64), String(repeating: "g", count: 64),
            String(repeating: "é", count: 32), " " + String(repeating: "a", count: 63),
        ])
    func refusal(_ text: String) {
        #expect(Digest(hex: text) == nil)
    }
}

@Suite("Unique identifier") struct UniqueIDTests {
    @Test("survives hexadecimal digits and back") func hex() throws {
        try forAll(cases: 200) { _, random in
            let id = random.uniqueID()
            #expect(id.hex.utf8.count == 32)
            #expect(UniqueID(hex: id.hex) == id)
        }
    }

    @Test("is stored in the order of its digits") func bytes() throws {
        try forAll(cases: 200) { _, random in
            let id = random.uniqueID()
            var writer = ByteWriter()
            writer.uniqueID(id)
            let digits = try SpecVector.decode(id.hex)
            #expect(writer.bytes == digits)
            let read = try writer.bytes.decoded { raw throws(FormatError) in
                var reader = ByteReader(raw, of: .vault)
                return try reader.uniqueID()
            }
            #expect(read == id)
        }
    }

    @Test("refuses what is not 32 lower-case hexadecimal digits") func refusal() {
        let short = String(repeating: "0", count: 31)
        for text in ["", "0", short, short + "00", short + "F"] {
            #expect(UniqueID(hex: text) == nil)
        }
    }

    @Test("is another each time") func random() {
        #expect(UniqueID.random() != UniqueID.random())
    }
}
