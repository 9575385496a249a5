import KuraFormat
import TestSupport
import Testing

@Suite("Replica identity") struct ReplicaRecordTests {
    @Test("round-trips") func roundTrip() throws {
        try forAll(cases: 100) { _, random in
            let record = ReplicaRecord(
                region: random.uniqueID(), regionName: random.name(),
                ordinal: .random(in: 0..<3, using: &random),
                created: .random(in: .min ... .max, using: &random), id: random.uniqueID())
            let decoded = try ReplicaRecord.decode(record.encoded())
            #expect(decoded == record)
        }
    }

    @Test("rejects every truncation and every flipped bit") func damage() throws {
        let decode = { (bytes: [UInt8]) throws(FormatError) in
            _ = try ReplicaRecord.decode(bytes)
        }
        try expectLengthsRejected(Example.replica.encoded(), decode)
        try expectChangesRejected(Example.replica.encoded(), decode)
    }

    @Test("ignores no bit of its body") func canonical() throws {
        try expectBodyCounts(Example.replica.encoded()) { bytes throws(FormatError) in
            try ReplicaRecord.decode(bytes).encoded()
        }
    }

    @Test("rejects the ordinal of a fourth replica") func ordinal() {
        var record = Example.replica
        record.ordinal = 3
        #expect(throws: FormatError.invalidField(.replica, field: "ordinal")) {
            try ReplicaRecord.decode(record.encoded())
        }
    }
}

@Suite("Vault record") struct VaultRecordTests {
    @Test("round-trips") func roundTrip() throws {
        try forAll(cases: 100) { _, random in
            let copies = UInt8.random(in: 1...3, using: &random)
            let pair = Bool.random(using: &random) ? random.uniqueID() : nil
            let record = VaultRecord(
                id: random.uniqueID(), name: random.name(), region: random.uniqueID(),
                pair: pair, failedOver: pair != nil && Bool.random(using: &random),
                revision: .random(in: 1...Limits.sequenceMax, using: &random),
                created: .random(in: .min ... .max, using: &random),
                redundancy: Redundancy.allCases.randomElement(using: &random)!, copies: copies,
                minCopies: .random(in: 1...copies, using: &random),
                chunker: ChunkerKind.allCases.randomElement(using: &random)!,
                chunkBytesMean: 4096 << UInt32.random(in: 0...5, using: &random),
                macKey: Bool.random(using: &random) ? MACKey(random.digest()) : nil,
                requiredFeatures: Feature.known.sorted().shuffled(using: &random),
                optionalFeatures: random.texts(max: 5))
            let decoded = try VaultRecord.decode(record.encoded())
            #expect(decoded == record)
        }
    }

    @Test("rejects every truncation and every flipped bit") func damage() throws {
        let decode = { (bytes: [UInt8]) throws(FormatError) in _ = try VaultRecord.decode(bytes) }
        try expectLengthsRejected(Example.vaultRecord.encoded(), decode)
        try expectChangesRejected(Example.vaultRecord.encoded(), decode)
    }

    @Test("ignores no bit of its body") func canonical() throws {
        try expectBodyCounts(Example.vaultRecord.encoded()) { bytes throws(FormatError) in
            try VaultRecord.decode(bytes).encoded()
        }
    }

    @Test("names the required feature that is unknown") func requiredFeature() {
        var record = Example.vaultRecord
        record.requiredFeatures.append("time-travel")
        #expect(throws: FormatError.unsupportedFeature("time-travel")) {
            try VaultRecord.decode(record.encoded())
        }
    }

    @Test("refuses an unknown required feature before it meets what it cannot parse")
    func requiredFeatureFirst() {
        let bytes = resealed(Example.vaultRecord.encoded()) { $0 = [1, 0, 3, 0, 97, 98, 99, 255] }
        #expect(throws: FormatError.unsupportedFeature("abc")) { try VaultRecord.decode(bytes) }
    }

    @Test("reads on where an optional feature is unknown") func optionalFeature() throws {
        var record = Example.vaultRecord
        record.optionalFeatures = ["time-travel"]
        #expect(try VaultRecord.decode(record.encoded()) == record)
    }

    @Test(
        "rejects numbers of copies that make no sense",
        arguments: [(0, 0), (1, 0), (4, 1), (2, 3)] as [(UInt8, UInt8)])
    func copies(_ copies: UInt8, _ minCopies: UInt8) {
        var record = Example.vaultRecord
        record.copies = copies
        record.minCopies = minCopies
        #expect(throws: FormatError.invalidField(.vault, field: "copies")) {
            try VaultRecord.decode(record.encoded())
        }
    }

    @Test("rejects mean chunk sizes out of range", arguments: [0, 2048, 4097, 24576, 262144])
    func mean(_ mean: UInt32) {
        var record = Example.vaultRecord
        record.chunkBytesMean = mean
        #expect(throws: FormatError.invalidField(.vault, field: "mean chunk size")) {
            try VaultRecord.decode(record.encoded())
        }
    }

    @Test("rejects revision 0 and an empty name") func emptiness() {
        var record = Example.vaultRecord
        record.revision = 0
        #expect(throws: FormatError.invalidField(.vault, field: "revision")) {
            try VaultRecord.decode(record.encoded())
        }
        record = Example.vaultRecord
        record.name = ""
        #expect(throws: FormatError.invalidField(.vault, field: "name")) {
            try VaultRecord.decode(record.encoded())
        }
    }
}

@Suite("Key of a vault record") struct VaultRecordKeyTests {
    @Test("is there, or is not, and nothing else") func flag() {
        let sealed = resealed(Example.vaultRecord.encoded()) { body in
            body[body.count - 33] = 2
        }
        #expect(throws: FormatError.invalidField(.vault, field: "key")) {
            try VaultRecord.decode(sealed)
        }
    }

    @Test("does not show in text") func secrecy() {
        let key = MACKey(Example.digest("key"))
        #expect(!"\(key)".contains(Example.digest("key").hex))
        #expect(!"\(Example.vaultRecord)".contains(Example.digest("key").hex))
    }
}

@Suite("Pair of a vault record") struct VaultRecordPairTests {
    @Test("is unknown to version 1, which is read all the same") func versionOne() throws {
        var record = Example.vaultRecord
        let bytes = record.encoded()
        // Behind what version 1 has: 18 bytes of the pair, 33 of the key, the seal.
        var old = Array(bytes[..<(bytes.count - Digest.byteCount - 18 - 33)])
        old.store(UInt16(1), at: 8)
        record.pair = nil
        record.failedOver = false
        record.macKey = nil
        let sealed = resealed(old + [UInt8](repeating: 0, count: Digest.byteCount)) { _ in }
        #expect(try VaultRecord.decode(sealed) == record)
    }

    @Test("is never the region itself") func sameRegion() {
        var record = Example.vaultRecord
        record.pair = record.region
        #expect(throws: FormatError.invalidField(.vault, field: "pair")) {
            try VaultRecord.decode(record.encoded())
        }
    }

    @Test("is there when the vault failed over") func failedOverToNowhere() {
        var record = Example.vaultRecord
        record.pair = nil
        #expect(throws: FormatError.invalidField(.vault, field: "pair")) {
            try VaultRecord.decode(record.encoded())
        }
    }

    @Test("decides which region takes backups") func active() {
        var record = Example.vaultRecord
        #expect(record.activeRegion == record.pair)
        #expect(record.passiveRegion == record.region)
        record.failedOver = false
        #expect(record.activeRegion == record.region)
        #expect(record.passiveRegion == record.pair)
    }

    @Test(
        "A failover goes to the next multiple of 2^32",
        arguments: [
            (1, 1 << 32), (1 << 32, 2 << 32), ((7 << 32) + 5, 8 << 32), (.max, nil),
        ] as [(UInt64, UInt64?)])
    func revision(_ revision: UInt64, _ next: UInt64?) {
        var record = Example.vaultRecord
        record.revision = revision
        #expect(record.revisionAfterFailover == next)
    }
}

@Suite("Durability receipt") struct DurabilityReceiptTests {
    @Test("round-trips") func roundTrip() throws {
        try forAll(cases: 100) { _, random in
            let receipt = DurabilityReceipt(
                vault: random.uniqueID(), point: random.digest(), region: random.uniqueID(),
                ordinal: .random(in: 0..<3, using: &random),
                time: .random(in: .min ... .max, using: &random),
                arrival: Arrival.allCases.randomElement(using: &random)!)
            let decoded = try DurabilityReceipt.decode(receipt.encoded())
            #expect(decoded == receipt)
        }
    }

    @Test("rejects every truncation and every flipped bit") func damage() throws {
        let decode = { (bytes: [UInt8]) throws(FormatError) in
            _ = try DurabilityReceipt.decode(bytes)
        }
        try expectLengthsRejected(Example.receipt.encoded(), decode)
        try expectChangesRejected(Example.receipt.encoded(), decode)
    }

    @Test("ignores no bit of its body") func canonical() throws {
        try expectBodyCounts(Example.receipt.encoded()) { bytes throws(FormatError) in
            try DurabilityReceipt.decode(bytes).encoded()
        }
    }
}

@Suite("Session record") struct SessionRecordTests {
    @Test("round-trips") func roundTrip() throws {
        try forAll(cases: 100) { _, random in
            let record = SessionRecord(
                id: random.uniqueID(), operation: random.text(max: 255),
                item: random.text(max: 255),
                process: .random(in: 0 ... .max, using: &random), host: random.text(max: 255),
                started: .random(in: .min ... .max, using: &random))
            let decoded = try SessionRecord.decode(record.encoded())
            #expect(decoded == record)
        }
    }

    @Test("rejects every truncation and every flipped bit") func damage() throws {
        let decode = { (bytes: [UInt8]) throws(FormatError) in
            _ = try SessionRecord.decode(bytes)
        }
        try expectLengthsRejected(Example.session.encoded(), decode)
        try expectChangesRejected(Example.session.encoded(), decode)
    }

    @Test("ignores no bit of its body") func canonical() throws {
        try expectBodyCounts(Example.session.encoded()) { bytes throws(FormatError) in
            try SessionRecord.decode(bytes).encoded()
        }
    }
}

/// Flips each bit of a record's body, seals the record anew, and expects that none is ignored.
func expectBodyCounts(
    _ record: [UInt8], sourceLocation: SourceLocation = #_sourceLocation,
    _ recode: ([UInt8]) throws(FormatError) -> [UInt8]
) throws {
    let body = Array(record[16..<(record.count - Digest.byteCount)])
    try expectNothingIgnored(body, sourceLocation: sourceLocation) { changed throws(FormatError) in
        let again = try recode(resealed(record) { $0 = changed })
        return Array(again[16..<(again.count - Digest.byteCount)])
    }
}
