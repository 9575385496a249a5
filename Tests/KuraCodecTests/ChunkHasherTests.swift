import KuraCodec
import KuraFormat
import TestSupport
import Testing

/// The fast hashing against the plain one of KuraFormat, which has its own vectors.
@Suite("Chunk hasher") struct ChunkHasherTests {
    @Test("agrees with the plain SHA-256 for every length up to 300")
    func everyLength() {
        var generator = SeededGenerator(seed: 1)
        let bytes = generator.bytes(300)
        for count in 0...300 {
            let part = Array(bytes[..<count])
            #expect(ChunkHasher.digest(part) == SHA256.digest(part))
        }
    }

    @Test("agrees with the plain SHA-256 for longer ones")
    func longer() throws {
        try forAll(cases: 30) { _, generator in
            let bytes = generator.bytes(.random(in: 301...9000, using: &generator))
            try #require(ChunkHasher.digest(bytes) == SHA256.digest(bytes))
        }
    }

    @Test("gives the same for pieces as for the whole")
    func pieces() throws {
        try forAll(cases: 50) { _, generator in
            let bytes = generator.bytes(.random(in: 0...2000, using: &generator))
            let digest = bytes.withUnsafeBytes { raw in
                ChunkHasher.digest(pieces: Self.split(raw, &generator))
            }
            try #require(digest == ChunkHasher.digest(bytes))
        }
    }

    @Test("gives the same for a stream as for the whole")
    func stream() throws {
        try forAll(cases: 50) { _, generator in
            let bytes = generator.bytes(.random(in: 0...2000, using: &generator))
            var hasher = StreamingHasher()
            bytes.withUnsafeBytes { raw in
                for piece in Self.split(raw, &generator) { hasher.update(piece) }
            }
            try #require(hasher.finish() == ChunkHasher.digest(bytes))
        }
    }

    @Test("streams a digest as its 32 stored bytes")
    func streamOfDigests() {
        let digest = ChunkHasher.digest([1, 2, 3])
        var hasher = StreamingHasher()
        hasher.update(digest)
        var stored = [UInt8](repeating: 0, count: Digest.byteCount)
        stored.withUnsafeMutableBytes { digest.store(to: $0.baseAddress!) }
        #expect(hasher.finish() == ChunkHasher.digest(stored))
    }

    @Test("gives no digest twice for bytes that differ in one bit")
    func bits() {
        var bytes = [UInt8](repeating: 0, count: 65)
        var seen: Set<Digest> = [ChunkHasher.digest(bytes)]
        for bit in 0..<(bytes.count * 8) {
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(seen.insert(ChunkHasher.digest(bytes)).inserted)
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
        }
    }

    /// Pieces of random lengths, empty ones among them.
    private static func split(
        _ bytes: UnsafeRawBufferPointer, _ generator: inout SeededGenerator
    ) -> [UnsafeRawBufferPointer] {
        var pieces: [UnsafeRawBufferPointer] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let piece = rest.prefix(.random(in: 0...200, using: &generator))
            pieces.append(UnsafeRawBufferPointer(rebasing: piece))
            rest = rest.dropFirst(piece.count)
        }
        return pieces
    }
}
