import KuraCodec
import KuraFormat
import TestSupport
import Testing

@Suite("Codes of chunks") struct ChunkAuthenticatorTests {
    private static let key = MACKey(Digest(words: (1, 2, 3, 0xFEDC_BA98_7654_3210)))

    @Test("The specification's vector has the code that it says")
    func specificationVector() throws {
        let vector = try Specification.vector("chunk-mac")
        let key = MACKey(try #require(Digest(hex: vector.one("key"))))
        let expected = try #require(UniqueID(hex: vector.one("code")))
        let authenticator = try #require(ChunkAuthenticator(key))
        try Array(vector.one("message").utf8).withUnsafeBytes { message in
            #expect(authenticator.code(of: message) == ChunkMAC(expected.high, expected.low))
            #expect(
                PlainPoly1305.code(of: message, key: key) == ChunkMAC(expected.high, expected.low))
        }
    }

    @Test("Every length from 0 to 1000 has the code of the plain twin")
    func everyLength() throws {
        let authenticator = try #require(ChunkAuthenticator(Self.key))
        var random = SeededGenerator(seed: 4)
        random.bytes(1000).withUnsafeBytes { raw in
            for length in 0...1000 {
                let message = UnsafeRawBufferPointer(rebasing: raw[..<length])
                #expect(
                    authenticator.code(of: message)
                        == PlainPoly1305.code(of: message, key: Self.key), "length \(length)")
            }
        }
    }

    @Test("Random keys, lengths and alignments have the code of the plain twin")
    func randomMessages() throws {
        try forAll(cases: 30) { seed, random in
            let key = MACKey(
                Digest(words: (random.next(), random.next(), random.next(), random.next())))
            let authenticator = try #require(ChunkAuthenticator(key))
            let bytes = random.bytes(20_000)
            bytes.withUnsafeBytes { raw in
                let start = Int.random(in: 0..<100, using: &random)
                let end = Int.random(in: start...raw.count, using: &random)
                let message = UnsafeRawBufferPointer(rebasing: raw[start..<end])
                #expect(
                    authenticator.code(of: message)
                        == PlainPoly1305.code(of: message, key: key), "seed \(seed)")
            }
        }
    }

    @Test("Bytes that are all ones, where carries run furthest, have the code of the plain twin")
    func carries() throws {
        let key = MACKey(Digest(words: (.max, .max, .max, .max)))
        let authenticator = try #require(ChunkAuthenticator(key))
        [UInt8](repeating: 0xFF, count: 4096).withUnsafeBytes { message in
            #expect(
                authenticator.code(of: message) == PlainPoly1305.code(of: message, key: key))
        }
    }

    @Test("Another key gives another code")
    func keys() throws {
        let one = try #require(ChunkAuthenticator(Self.key))
        let other = try #require(ChunkAuthenticator(MACKey(Digest(words: (1, 2, 3, 4)))))
        [UInt8](repeating: 7, count: 100).withUnsafeBytes { message in
            #expect(one.code(of: message) != other.code(of: message))
            #expect(one.code(of: message) == one.code(of: message))
        }
    }
}
