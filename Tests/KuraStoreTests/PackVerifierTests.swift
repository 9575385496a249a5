import KuraFormat
import KuraStore
import TestSupport
import Testing

@Suite("Verification of one pack") struct PackVerifierTests {
    /// A pack of many small frames, with its bytes.
    private func smallFrames(_ store: TestStore) throws -> (trailer: PackTrailer, bytes: [UInt8]) {
        var random = SeededGenerator(seed: 1)
        try store.backup(random.bytes(1 << 20), threads: 1)
        // What replaces data goes into small frames.
        try store.backup(random.bytes(1 << 20), threads: 1)
        for file in try store.files("packs", replica: 0) {
            let bytes = try readFile(file)
            let trailer = try store.packTrailer(bytes)
            if trailer.header.kind == .data, trailer.frames.count > 12 { return (trailer, bytes) }
        }
        throw MissingPack()
    }

    private struct MissingPack: Error {}

    /// The pack under the name of its new trailer, in the first replica.
    private func publish(
        _ trailer: PackTrailer, _ bytes: [UInt8], _ store: TestStore
    ) throws -> PackSummary {
        let encoded = trailer.encoded()
        let id = SHA256.digest(encoded)
        let footer = Footer(trailerByteCount: UInt64(encoded.count), trailerDigest: id)
        let frames = bytes.prefix(PackHeader.byteCount + Int(trailer.storedByteCount))
        try writeFile(
            Array(frames) + encoded + footer.encoded(), to: store.path(of: id, replica: 0))
        return PackSummary(id: id, trailer)
    }

    @Test(
        "A chunk that is not what its name says is found in its frame, also where frames are small")
    func wrongChunk() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            let (good, bytes) = try smallFrames(store)
            #expect(good.frames.allSatisfy { $0.plainByteCount <= Tuning.smallFrameBytes })
            let verifier = PackVerifier(store.vault, decoding: true)
            let replicas = [store.region.replicas[0]]
            let sound = verifier.verify(try publish(good, bytes, store), in: replicas)
            #expect(sound.failures.isEmpty)
            #expect(sound.chunks == UInt64(good.chunks.count))
            var first = 0
            for (number, frame) in good.frames.enumerated() {
                let last = first + Int(frame.chunkCount)
                defer { first = last }
                for chunk in Set([first, last - 1]) {
                    var trailer = good
                    trailer.chunks[chunk].id = ChunkID(words: (1, 2, 3, UInt64(chunk)))
                    let result = verifier.verify(try publish(trailer, bytes, store), in: replicas)
                    let damage = try #require(result.failures.first?.1 as? PackDamage)
                    #expect(damage.frame == number)
                    #expect("\(damage.reason)".contains("is not what its name says"))
                }
            }
        }
    }
}
