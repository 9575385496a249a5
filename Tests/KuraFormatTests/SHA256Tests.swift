import KuraFormat
import TestSupport
import Testing

@Suite("SHA-256") struct SHA256Tests {
    @Test(
        "gives the digests of FIPS 180-2, appendix B, and of the empty message",
        arguments: [
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
            ),
            (
                String(repeating: "a", count: 1_000_000),
                "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
            ),
        ])
    func known(message: String, digest: String) {
        #expect(SHA256.digest(Array(message.utf8)).hex == digest)
    }

    @Test("pads messages of every length right") func padding() {
        // The expected value was computed by another implementation.
        var all = SHA256()
        for count in 0..<200 {
            let digest = SHA256.digest((0..<count).map { UInt8($0 % 251) })
            var writer = ByteWriter()
            writer.digest(digest)
            writer.bytes.withUnsafeBytes { all.update($0) }
        }
        let expected = "ba7b0fcea7d10c06b855b43d2b4dce1e3e842fff6be0acefb0faf4f2dd05bb47"
        #expect(all.finish().hex == expected)
    }

    @Test("does not depend on the pieces that a message comes in") func pieces() throws {
        try forAll(cases: 100) { _, random in
            let message = random.bytes(Int.random(in: 0...400, using: &random))
            var hasher = SHA256()
            var rest = message[...]
            while !rest.isEmpty {
                let piece = rest.prefix(Int.random(in: 0...130, using: &random))
                piece.withUnsafeBytes { hasher.update($0) }
                rest = rest.dropFirst(piece.count)
            }
            #expect(hasher.finish() == SHA256.digest(message))
        }
    }
}
