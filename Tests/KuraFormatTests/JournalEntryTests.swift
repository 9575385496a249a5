import KuraFormat
import TestSupport
import Testing

extension Example {
    static let journal = JournalEntry(
        vault: vault, sequence: 2, epoch: 1, previous: digest("entry"), time: 5,
        actor: "root@host", operation: "Register", subject: "item/web", before: "", after: "{}",
        note: "job 7")
}

@Suite("Journal entry") struct JournalEntryTests {
    @Test("round-trips") func roundTrip() throws {
        try forAll(cases: 100) { _, random in
            let sequence = UInt64.random(in: 1...3, using: &random)
            let entry = JournalEntry(
                vault: random.uniqueID(), sequence: sequence, epoch: random.next(),
                previous: sequence == 1 ? nil : random.digest(),
                time: .random(in: .min ... .max, using: &random), actor: random.name(),
                operation: random.name(), subject: random.name(), before: random.name(),
                after: random.name(), note: random.name())
            let decoded = try JournalEntry.decode(entry.encoded()).entry
            #expect(decoded == entry)
        }
    }

    @Test("rejects every truncation and every flipped bit") func damage() throws {
        let decode = { (bytes: [UInt8]) throws(FormatError) in
            _ = try JournalEntry.decode(bytes)
        }
        try expectLengthsRejected(Example.journal.encoded(), decode)
        try expectChangesRejected(Example.journal.encoded(), decode)
    }

    @Test("ignores no bit of its body") func canonical() throws {
        try expectBodyCounts(Example.journal.encoded()) { bytes throws(FormatError) in
            try JournalEntry.decode(bytes).entry.encoded()
        }
    }

    @Test("names a predecessor exactly when it is not the first") func chain() {
        var first = Example.journal
        first.sequence = 1
        #expect(throws: FormatError.self) { try JournalEntry.decode(first.encoded()) }
        var second = Example.journal
        second.previous = nil
        #expect(throws: FormatError.self) { try JournalEntry.decode(second.encoded()) }
    }

    @Test("holds texts up to their limits") func longest() throws {
        var entry = Example.journal
        let text = String(repeating: "x", count: Limits.journalTextBytesMax)
        (entry.before, entry.after, entry.note) = (text, text, text)
        entry.subject = String(repeating: "s", count: Limits.journalSubjectBytesMax)
        let decoded = try JournalEntry.decode(entry.encoded()).entry
        #expect(decoded == entry)
    }
}
