import KuraCodec
import KuraFormat
import TestSupport
import Testing

@Suite("Batch hashing") struct BatchHasherTests {
    @Test("Every length from 0 to 1000 hashes as the plain twin does, alone and in company")
    func everyLength() {
        var random = SeededGenerator(seed: 1)
        let bytes = random.bytes(1000)
        var hasher = BatchHasher()
        bytes.withUnsafeBytes { raw in
            for length in 0...1000 {
                hasher.append(UnsafeRawBufferPointer(rebasing: raw[..<length]))
            }
            hasher.run()
            for length in 0...1000 {
                let message = UnsafeRawBufferPointer(rebasing: raw[..<length])
                #expect(hasher.digests[length] == SHA256.digest(message), "length \(length)")
            }
        }
    }

    @Test("Random lengths, alignments and numbers of messages hash as libcrypto does")
    func randomBatches() throws {
        try forAll(cases: 50) { seed, random in
            let bytes = random.bytes(200_000)
            bytes.withUnsafeBytes { raw in
                var hasher = BatchHasher()
                var messages: [UnsafeRawBufferPointer] = []
                for _ in 0..<Int.random(in: 1...13, using: &random) {
                    let start = Int.random(in: 0..<raw.count, using: &random)
                    let longest = Bool.random(using: &random) ? 300 : 70_000
                    let end = min(raw.count, start + Int.random(in: 0...longest, using: &random))
                    messages.append(UnsafeRawBufferPointer(rebasing: raw[start..<end]))
                }
                for message in messages { hasher.append(message) }
                hasher.run()
                #expect(hasher.digests == messages.map { ChunkHasher.digest($0) }, "seed \(seed)")
            }
        }
    }

    @Test("A hasher can be used again after it was emptied")
    func reuse() {
        var hasher = BatchHasher()
        for text in ["one", "two"] {
            hasher.removeAll()
            Array(text.utf8).withUnsafeBytes { raw in
                hasher.append(raw)
                hasher.run()
            }
            #expect(hasher.digests == [SHA256.digest(Array(text.utf8))])
        }
    }
}
