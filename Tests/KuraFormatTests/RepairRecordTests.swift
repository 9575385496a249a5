import KuraFormat
import TestSupport
import Testing

extension Example {
    static let repair = RepairRecord(
        vault: vault, region: region, replica: 2, time: 31, path: "points/abc", damage: .corrupt,
        source: .assembled, byteCount: 77)

    static let verification = VerificationRecord(
        vault: vault, replica: 1,
        entries: [digest("a"), digest("b"), digest("c")].sorted().enumerated().map {
            VerificationRecord.Entry(pack: $1, time: Int64($0) - 1)
        })
}

@Suite("Repair record") struct RepairRecordTests {
    @Test("round-trips") func roundTrip() throws {
        try forAll(cases: 100) { _, random in
            let record = RepairRecord(
                vault: random.uniqueID(), region: random.uniqueID(),
                replica: .random(in: 0...2, using: &random),
                time: .random(in: .min ... .max, using: &random), path: random.name(),
                damage: DamageKind.allCases.randomElement(using: &random)!,
                source: RepairSource.allCases.randomElement(using: &random)!,
                byteCount: random.next())
            let bytes = record.encoded()
            let (decoded, id) = try RepairRecord.decode(bytes)
            #expect(decoded == record)
            #expect(id == SHA256.digest(Array(bytes.dropLast(Digest.byteCount))))
        }
    }

    @Test("rejects every truncation and every flipped bit") func damage() throws {
        let decode = { (bytes: [UInt8]) throws(FormatError) in
            _ = try RepairRecord.decode(bytes)
        }
        try expectLengthsRejected(Example.repair.encoded(), decode)
        try expectChangesRejected(Example.repair.encoded(), decode)
    }

    @Test("ignores no bit of its body") func canonical() throws {
        try expectBodyCounts(Example.repair.encoded()) { bytes throws(FormatError) in
            try RepairRecord.decode(bytes).record.encoded()
        }
    }
}

@Suite("Verification memory") struct VerificationRecordTests {
    @Test("round-trips") func roundTrip() throws {
        try forAll(cases: 50) { (_, random) in
            let packs = Set(random.digests(max: 30)).sorted()
            let record = VerificationRecord(
                vault: random.uniqueID(), replica: .random(in: 0...2, using: &random),
                entries: packs.map {
                    VerificationRecord.Entry(
                        pack: $0, time: .random(in: .min ... .max, using: &random))
                })
            let decoded = try VerificationRecord.decode(record.encoded())
            #expect(decoded == record)
        }
    }

    @Test("rejects every truncation and every flipped bit") func damage() throws {
        let decode = { (bytes: [UInt8]) throws(FormatError) in
            _ = try VerificationRecord.decode(bytes)
        }
        try expectLengthsRejected(Example.verification.encoded(), decode)
        try expectChangesRejected(Example.verification.encoded(), decode)
    }

    @Test("ignores no bit, though sealed anew") func canonical() throws {
        let sealed = Example.verification.encoded()
        let content = Array(sealed.dropLast(Digest.byteCount))
        try expectNothingIgnored(content) { changed throws(FormatError) in
            var writer = ByteWriter()
            writer.append(changed)
            writer.digest(SHA256.digest(changed))
            return Array(
                try VerificationRecord.decode(writer.bytes).encoded().dropLast(Digest.byteCount))
        }
    }

    @Test(
        "rejects a count that its bytes do not have before it allocates",
        arguments: [
            UInt64.max, 1 << 60, UInt64(Limits.verifiedPacksMax) + 1,
            UInt64(Limits.verifiedPacksMax), 4,
        ])
    func count(_ count: UInt64) {
        var bytes = Example.verification.encoded()
        bytes.store(count, at: 32)
        let changed = bytes
        #expect(throws: FormatError.self) { try VerificationRecord.decode(changed) }
    }
}
