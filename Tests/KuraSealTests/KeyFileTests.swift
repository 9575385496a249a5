import KuraFormat
import KuraSeal
import TestSupport
import Testing

@Suite("Key files") struct KeyFileTests {
    @Test("give the key again")
    func roundTrip() throws {
        let key = try SigningKey.random()
        let bytes = KeyFile.encode(key)
        #expect(bytes.count <= KeyFile.byteCountMax)
        let read = try KeyFile.decode(bytes)
        #expect(read.publicKey == key.publicKey)
        #expect(read.sign([1]) == key.sign([1]))
    }

    @Test("with any byte changed, taken out or cut off are refused")
    func tampered() throws {
        let bytes = KeyFile.encode(try SigningKey.random())
        for position in bytes.indices {
            var changed = bytes
            changed[position] ^= 1
            #expect(throws: SealError.self) { _ = try KeyFile.decode(changed) }
            var shorter = bytes
            shorter.remove(at: position)
            #expect(throws: SealError.self) { _ = try KeyFile.decode(shorter) }
            #expect(throws: SealError.self) { _ = try KeyFile.decode(Array(bytes[..<position])) }
        }
        #expect(throws: SealError.self) { _ = try KeyFile.decode(bytes + [10]) }
    }

    @Test("of random bytes are refused and do not trap")
    func random() throws {
        try forAll(cases: 200) { _, generator in
            let count = Int.random(in: 0...(KeyFile.byteCountMax + 1), using: &generator)
            let bytes = generator.bytes(count).map { UInt8($0 % 64) + 10 }
            #expect(throws: SealError.self) { _ = try KeyFile.decode(bytes) }
        }
    }

    @Test("name what is wrong")
    func named() throws {
        let text = String(decoding: KeyFile.encode(try SigningKey.random()), as: UTF8.self)
        var lines = text.split(separator: "\n").map(String.init)
        func fault(_ lines: [String]) -> SealError? {
            do {
                _ = try KeyFile.decode(Array((lines.joined(separator: "\n") + "\n").utf8))
                return nil
            } catch {
                return error
            }
        }
        try #require(fault(lines) == nil)
        var newer = lines
        newer[0] = "signing key of kura, version 2"
        #expect(fault(newer) == .keyFile(.version(2)))
        #expect(fault(Array(lines[..<2])) == .keyFile(.line("seed")))
        let other = try SigningKey.random().publicKey.stored.bytes
        lines[1] = "public " + other.withUnsafeBytes { Digest(loadingFrom: $0.baseAddress!).hex }
        #expect(fault(lines) == .keyFile(.checksum))
        let before = lines[..<3].joined(separator: "\n") + "\n"
        lines[3] = "check \(SHA256.digest(Array(before.utf8)).hex)"
        #expect(fault(lines) == .keyFile(.otherPublicKey))
    }
}

@Suite("Fingerprints") struct FingerprintTests {
    @Test("are read as people type them")
    func typed() throws {
        let fingerprint = Fingerprint(of: try SigningKey.random().publicKey)
        let text = fingerprint.description
        #expect(text.count == 34)
        #expect(try Fingerprint(typed: text) == fingerprint)
        #expect(try Fingerprint(typed: text.lowercased()) == fingerprint)
        #expect(try Fingerprint(typed: text.filter { $0 != "-" }) == fingerprint)
        let confused = text.map { $0 == "0" ? "O" : $0 == "1" ? "l" : $0 }
        #expect(try Fingerprint(typed: " \(String(confused)) ") == fingerprint)
    }

    @Test("are refused when they are mistyped, too short or too long")
    func mistyped() throws {
        let fingerprint = Fingerprint(of: try SigningKey.random().publicKey)
        let text = fingerprint.description
        for position in text.indices where text[position] != "-" {
            var changed = text
            let other = text[position] == "7" ? "8" : "7"
            changed.replaceSubrange(position...position, with: other)
            // One in 4096 mistyped ones has a check that fits; it is another fingerprint, then.
            let read = Result { try Fingerprint(typed: changed) }
            if case .success(let read) = read { #expect(read != fingerprint) }
        }
        for typed in ["", "7", String(text.dropLast()), text + "7", "ü" + text.dropFirst()] {
            #expect(throws: SealError.fingerprint) { _ = try Fingerprint(typed: typed) }
        }
    }

    @Test("begin with the name of the key in records")
    func id() throws {
        let key = try SigningKey.random().publicKey
        #expect(Fingerprint(of: key).id == KeyID(of: key.stored))
        #expect(Fingerprint(of: key.id) == Fingerprint(of: key))
    }
}
