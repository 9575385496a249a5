import HostileBytes
import KuraIO
import SystemPackage
import TestSupport
import Testing

@Suite("Hostile bytes") struct CorpusTests {
    private static let corpus: FilePath = {
        var path = FilePath(#filePath)
        for _ in 0..<2 { path.removeLastComponent() }
        return path.appending("Fuzzing").appending("Corpus")
    }()

    private static let names = HostileDecoder.all.map(\.name)

    private func decoder(_ name: String) throws -> HostileDecoder {
        try #require(HostileDecoder.all.first { $0.name == name })
    }

    private func inputs(_ name: String) throws -> [(name: String, bytes: [UInt8])] {
        let directory = Self.corpus.appending(name)
        return try LocalFileSystem().list(directory).map { file in
            (file, try LocalFileSystem().contents(directory.appending(file), max: 1 << 20))
        }
    }

    @Test("Every decoder has a corpus, and takes what is sound in it", arguments: names)
    func sound(name: String) throws {
        let decoder = try decoder(name)
        let sound = try inputs(name).filter { !$0.name.hasPrefix("found-") }
        #expect(!sound.isEmpty)
        for input in sound {
            #expect(try decoder.check(input.bytes) > 0, "\(name)/\(input.name)")
        }
    }

    @Test("Nothing that fuzzing ever tried brings any decoder down", arguments: names)
    func hostile(name: String) throws {
        let decoder = try decoder(name)
        for corpus in Self.names {
            for input in try inputs(corpus) { try decoder.check(input.bytes) }
        }
    }

    @Test("Neither do bytes that are mutated without a plan", arguments: names)
    func mutated(name: String) throws {
        let decoder = try decoder(name)
        let inputs = try inputs(name).map(\.bytes)
        try forAll(cases: 20) { seed, random in
            for _ in 0..<50 {
                var bytes = inputs.randomElement(using: &random)!
                for _ in 0..<Int.random(in: 1...4, using: &random) { bytes.mutate(&random) }
                #expect(throws: Never.self, "seed \(seed)") { try decoder.check(bytes) }
            }
        }
    }
}

extension [UInt8] {
    /// One change such as fuzzers make: a bit, a byte, a stretch of ones, doubled or gone.
    fileprivate mutating func mutate(_ random: inout SeededGenerator) {
        guard let place = indices.randomElement(using: &random) else { return append(0) }
        let end = Swift.min(count, place + Int.random(in: 1...16, using: &random))
        switch Int.random(in: 0..<6, using: &random) {
        case 0: self[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 1: self[place] = .random(in: 0...255, using: &random)
        case 2: for index in place..<end { self[index] = 0xff }
        case 3: for index in place..<end { self[index] = 0 }
        case 4: insert(contentsOf: self[place..<end], at: place)
        default: removeSubrange(place..<end)
        }
    }
}
