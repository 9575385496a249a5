import KuraFormat
import TestSupport
import Testing

@Suite("Log record") struct LogRecordTests {
    private func recode(_ bytes: [UInt8]) throws(FormatError) -> [UInt8] {
        let decoded = try LogRecord.decode(bytes)
        return decoded.record.content(signer: decoded.signer) + decoded.signature
    }

    @Test("round-trips, and is named by the digest of all its bytes") func roundTrip() throws {
        try forAll(cases: 200) { seed, random in
            let record = try random.logRecord()
            let signer = KeyID(of: random.publicKey())
            let content = record.content(signer: signer)
            let encoded = try LogRecord.encoded(content: content, signature: random.signature())
            #expect(encoded.record == record, "seed \(seed)")
            #expect(encoded.signer == signer)
            #expect(encoded.digest == SHA256.digest(encoded.bytes))
            #expect(encoded.signedBytes == Array("kura/record/2".utf8) + content)
            let again = try recode(encoded.bytes)
            #expect(again == encoded.bytes, "seed \(seed)")
        }
    }

    @Test("keeps one body of each type, and those of types that are unknown") func everyType()
        throws
    {
        let encoded = try Example.encoded(Example.record)
        #expect(encoded.record == Example.record)
        #expect(encoded.vault == Example.vault)
        let mustBeUnderstood = encoded.record.bodies.filter(\.mustBeUnderstood)
        #expect(mustBeUnderstood == [Example.bodies[Example.bodies.count - 2]])
    }

    @Test("of number 1 makes the vault's id") func first() throws {
        let encoded = try Example.encoded(Example.firstRecord)
        #expect(encoded.record.vault == nil && encoded.record.previous == nil)
        #expect(encoded.vault.hex == String(encoded.digest.hex.prefix(32)))
    }

    @Test("rejects every truncation, and bytes behind it") func lengths() throws {
        for record in [Example.firstRecord, Example.record] {
            try expectLengthsRejected(try Example.encoded(record).bytes) {
                bytes throws(FormatError) in _ = try LogRecord.decode(bytes)
            }
        }
    }

    @Test("ignores no bit, and has one encoding") func canonical() throws {
        for record in [Example.firstRecord, Example.record] {
            try expectNothingIgnored(
                try Example.encoded(record).bytes, everyBit: record.number == 1
            ) { bytes throws(FormatError) in try self.recode(bytes)
            }
        }
    }

    @Test("takes flipped bytes without a trap, and has another digest then") func flipped() throws {
        let bytes = try Example.encoded(Example.record).bytes
        let digest = SHA256.digest(bytes)
        try forAll(cases: 200) { seed, random in
            var changed = bytes
            for _ in 0...Int.random(in: 0..<4, using: &random) {
                changed[Int.random(in: changed.indices, using: &random)] = UInt8(
                    random.next() & 255)
            }
            guard changed != bytes else { return }
            do throws(FormatError) {
                let other = try LogRecord.decode(changed).digest
                #expect(other != digest, "seed \(seed)")
            } catch {
                // Refused, which is as good.
            }
        }
    }

    @Test("links the first record to none, and every other one to the one before") func links() {
        expectInvalid("vault") { $0.vault = nil }
        expectInvalid("previous") { $0.previous = nil }
        expectInvalid("vault") { $0.number = 1 }
        expectInvalid("number") { $0.number = 0 }
        expectInvalid("number") { $0.number = Limits.sequenceMax + 1 }
        expectInvalid("bodies of record 1", of: Example.firstRecord) { $0.bodies.removeFirst() }
        expectInvalid("root signature", of: Example.firstRecord) { record in
            record.bodies.append(
                .key(
                    KeyBody(
                        key: Example.publicKey("x"), rights: [], rootSignature: Example.signature,
                        name: "")))
        }
    }

    @Test("rejects what is too much or too little") func counts() {
        expectInvalid("actor") { $0.actor = "" }
        expectInvalid("operation") { $0.operation = "" }
        expectInvalid("bodies") { $0.bodies = [] }
        expectInvalid("bodies") { record in
            record.bodies = Array(repeating: Example.bodies[0], count: Limits.logBodiesMax + 1)
        }
        expectInvalid("length") { record in
            let packs = Self.manyPacks
            record.bodies = Array(repeating: .condemn(CondemnBody(packs: packs)), count: 2)
        }
    }

    @Test("holds as much as the limits allow") func largest() throws {
        var record = Example.record
        let packs = Self.manyPacks
        record.bodies = Array(repeating: Example.bodies[0], count: Limits.logBodiesMax - 1)
        record.bodies.append(.condemn(CondemnBody(packs: packs)))
        record.note = String(repeating: "n", count: Limits.journalTextBytesMax)
        #expect(try Example.encoded(record).record == record)
    }

    @Test("of a vault whose private parts are encrypted is too new") func keyEpoch() throws {
        var bytes = try Example.encoded(Example.record).bytes
        bytes[120] = 1
        #expect(throws: FormatError.unsupportedFeature("sealed-v1")) {
            try LogRecord.decode(bytes)
        }
    }

    @Test("of another version is too new, and damaged where that is 0") func versions() throws {
        var bytes = try Example.encoded(Example.record).bytes
        bytes[8] = 2
        #expect(throws: FormatError.unsupportedVersion(.logRecord, version: 2)) {
            try LogRecord.decode(bytes)
        }
        bytes[8] = 0
        #expect(throws: FormatError.invalidField(.logRecord, field: "version")) {
            try LogRecord.decode(bytes)
        }
    }

    private static let manyPacks = (0..<UInt64(Limits.logListMax)).map { number in
        Digest(words: (number, 0, 0, 1))
    }

    private func expectInvalid(
        _ field: String, of record: LogRecord = Example.record,
        _ change: (inout LogRecord) -> Void
    ) {
        var record = record
        change(&record)
        #expect(throws: FormatError.invalidField(.logRecord, field: field)) {
            try Example.encoded(record)
        }
    }
}
