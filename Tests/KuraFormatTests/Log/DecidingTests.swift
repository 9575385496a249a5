import KuraFormat
import TestSupport
import Testing

@Suite("Decided record") struct DecidedRecordTests {
    @Test("round-trips, and signs vault, number and digest") func roundTrip() throws {
        try forAll(cases: 50) { seed, random in
            let decided = DecidedRecord(
                record: try Example.encoded(try random.logRecord()),
                decider: KeyID(of: random.publicKey()), signature: random.signature())
            #expect(try DecidedRecord.decode(decided.encoded()) == decided, "seed \(seed)")
            var signed = ByteWriter()
            signed.append(Array("kura/decided/2".utf8))
            signed.uniqueID(decided.record.vault)
            signed.integer(decided.number)
            signed.digest(decided.record.digest)
            #expect(decided.signedBytes == signed.bytes)
        }
    }

    @Test("rejects every truncation, and ignores no bit") func damage() throws {
        let bytes = try Example.decided(Example.firstRecord).encoded()
        try expectLengthsRejected(bytes) { bytes throws(FormatError) in
            _ = try DecidedRecord.decode(bytes)
        }
        try expectNothingIgnored(bytes) { bytes throws(FormatError) in
            try DecidedRecord.decode(bytes).encoded()
        }
    }
}

@Suite("Vote") struct VoteTests {
    private func vote(_ record: LogRecord?) throws -> Vote {
        let encoded = try record.map { try Example.encoded($0) }
        return Vote(
            vault: encoded?.vault ?? Example.vault, number: encoded?.number ?? 7, ballot: 3,
            record: encoded, signer: Example.signer, signature: Example.signature)
    }

    @Test("round-trips, for a record, for the first record, and as a blank")
    func roundTrip() throws {
        for record in [Example.record, Example.firstRecord, nil] {
            let vote = try vote(record)
            #expect(try Vote.decode(vote.encoded()) == vote)
        }
    }

    @Test("rejects every truncation, and ignores no bit") func damage() throws {
        for record in [Example.firstRecord, nil] {
            let bytes = try vote(record).encoded()
            try expectLengthsRejected(bytes) { bytes throws(FormatError) in
                _ = try Vote.decode(bytes)
            }
            try expectNothingIgnored(bytes) { bytes throws(FormatError) in
                try Vote.decode(bytes).encoded()
            }
        }
    }

    @Test("is of the vault and number of its record") func other() throws {
        let change: [(inout Vote) -> Void] = [
            { $0.number += 1 }, { $0.vault = Example.region },
        ]
        for change in change {
            for record in [Example.record, Example.firstRecord] {
                var vote = try vote(record)
                change(&vote)
                #expect(throws: FormatError.invalidField(.vote, field: "record")) {
                    try Vote.decode(vote.encoded())
                }
            }
        }
    }

    @Test("has a ballot that its name has digits for") func ballots() throws {
        var vote = try vote(nil)
        vote.ballot = Limits.ballotMax + 1
        #expect(throws: FormatError.invalidField(.vote, field: "ballot")) {
            try Vote.decode(vote.encoded())
        }
    }

    @Test("signs the replica that it is for") func replica() throws {
        let vote = try vote(nil)
        let here = vote.signedBytes(in: Example.vault)
        #expect(here != vote.signedBytes(in: Example.region))
        let stored = vote.encoded().dropLast(Signature.byteCount)
        var id = ByteWriter()
        id.uniqueID(Example.vault)
        #expect(here == Array("kura/vote/2".utf8) + stored + id.bytes)
    }
}

@Suite("Claim") struct ClaimTests {
    private static let claim = Claim(
        vault: Example.vault, number: 7, ballot: 2, attempt: Example.region,
        signer: Example.signer, signature: Example.signature)

    @Test("round-trips") func roundTrip() throws {
        let bytes = Self.claim.encoded()
        #expect(bytes.count == Claim.byteCount)
        #expect(try Claim.decode(bytes) == Self.claim)
    }

    @Test("rejects every truncation, and ignores no bit") func damage() throws {
        try expectLengthsRejected(Self.claim.encoded()) { bytes throws(FormatError) in
            _ = try Claim.decode(bytes)
        }
        try expectNothingIgnored(Self.claim.encoded()) { bytes throws(FormatError) in
            try Claim.decode(bytes).encoded()
        }
    }

    @Test("is never of ballot 0, which needs none") func ballots() {
        for ballot in [0, Limits.ballotMax + 1] {
            var claim = Self.claim
            claim.ballot = ballot
            #expect(throws: FormatError.invalidField(.claim, field: "ballot")) {
                try Claim.decode(claim.encoded())
            }
        }
    }

    @Test("signs the replica that it is for") func replica() {
        let here = Self.claim.signedBytes(in: Example.vault)
        #expect(here != Self.claim.signedBytes(in: Example.region))
        #expect(here.starts(with: Array("kura/claim/2".utf8) + Self.claim.encoded().dropLast(64)))
    }
}

@Suite("Mark of a whole replica") struct WholeMarkTests {
    private static let mark = WholeMark(
        vault: Example.vault, replica: Example.region,
        position: LogPosition(number: 7, digest: Example.digest("7")), time: -1, packs: 3,
        byteCount: 1 << 40, signer: Example.signer, signature: Example.signature)

    @Test("round-trips, and signs all before the signature") func roundTrip() throws {
        let bytes = Self.mark.encoded()
        #expect(try WholeMark.decode(bytes) == Self.mark)
        let body = bytes[16..<(bytes.count - 32 - Signature.byteCount)]
        #expect(Self.mark.signedBytes == Array("kura/whole/2".utf8) + body)
    }

    @Test("rejects every truncation and every flipped bit, and ignores none") func damage() throws {
        let decode = { (bytes: [UInt8]) throws(FormatError) in
            _ = try WholeMark.decode(bytes)
        }
        try expectLengthsRejected(Self.mark.encoded(), decode)
        try expectChangesRejected(Self.mark.encoded(), decode)
        try expectBodyCounts(Self.mark.encoded()) { bytes throws(FormatError) in
            try WholeMark.decode(bytes).encoded()
        }
    }
}
