import KuraFormat
import TestSupport
import Testing

extension Example {
    static let dropped = DroppedPoint(
        vault: vault, point: digest("point"), item: "web", time: 5, dropped: 9, reason: "expired")

    static let condemnation = Condemnation(
        id: region, vault: vault, time: 7, packs: [digest("a"), digest("b")], sessions: [vault])
}

@Suite("Tombstone") struct DroppedPointTests {
    @Test("round-trips") func roundTrip() throws {
        try forAll(cases: 100) { _, random in
            let record = DroppedPoint(
                vault: random.uniqueID(), point: random.digest(), item: random.name(),
                time: .random(in: .min ... .max, using: &random),
                dropped: .random(in: .min ... .max, using: &random), reason: random.name())
            let decoded = try DroppedPoint.decode(record.encoded())
            #expect(decoded == record)
        }
    }

    @Test("rejects every truncation and every flipped bit") func damage() throws {
        let decode = { (bytes: [UInt8]) throws(FormatError) in
            _ = try DroppedPoint.decode(bytes)
        }
        try expectLengthsRejected(Example.dropped.encoded(), decode)
        try expectChangesRejected(Example.dropped.encoded(), decode)
    }

    @Test("ignores no bit of its body") func canonical() throws {
        try expectBodyCounts(Example.dropped.encoded()) { bytes throws(FormatError) in
            try DroppedPoint.decode(bytes).encoded()
        }
    }
}

@Suite("Condemnation") struct CondemnationTests {
    @Test("round-trips") func roundTrip() throws {
        try forAll(cases: 100) { _, random in
            let record = Condemnation(
                id: random.uniqueID(), vault: random.uniqueID(),
                time: .random(in: .min ... .max, using: &random), packs: random.digests(max: 30),
                sessions: (0..<Int.random(in: 0...5, using: &random)).map { _ in random.uniqueID() }
            )
            let decoded = try Condemnation.decode(record.encoded())
            #expect(decoded == record)
        }
    }

    @Test("rejects every truncation and every flipped bit") func damage() throws {
        let decode = { (bytes: [UInt8]) throws(FormatError) in
            _ = try Condemnation.decode(bytes)
        }
        try expectLengthsRejected(Example.condemnation.encoded(), decode)
        try expectChangesRejected(Example.condemnation.encoded(), decode)
    }

    @Test("ignores no bit of its body") func canonical() throws {
        try expectBodyCounts(Example.condemnation.encoded()) { bytes throws(FormatError) in
            try Condemnation.decode(bytes).encoded()
        }
    }

    @Test("of the largest size fits in a record") func largest() throws {
        let record = Condemnation(
            id: Example.region, vault: Example.vault, time: 0,
            packs: Array(repeating: Example.digest("a"), count: Limits.condemnedMax),
            sessions: Array(repeating: Example.vault, count: Limits.condemnedMax))
        #expect(try Condemnation.decode(record.encoded()) == record)
    }
}
