import KuraFormat
import TestSupport
import Testing

@Suite("Log segment") struct SegmentTests {
    @Test("round-trips, and says in front where each record is") func roundTrip() throws {
        for first: UInt64 in [1, 2049] {
            let records = try Example.chain(from: first, count: Limits.segmentRecordsMax)
            let segment = try Segment(records)
            let bytes = segment.encoded()
            #expect(try Segment.decode(bytes) == segment)
            let table = try Segment.Table.decode(Array(bytes[..<Segment.Table.byteCount]))
            #expect(table.first == first && table.fileByteCount == bytes.count)
            for number in [first, first + 1, first + 1023] {
                let range = try #require(table.range(of: number))
                let record = try DecidedRecord.decode(Array(bytes[range]))
                #expect(record == records[Int(number - first)])
            }
            #expect(table.range(of: first - 1) == nil && table.range(of: first + 1024) == nil)
        }
    }

    @Test("rejects truncations and flipped bits") func damage() throws {
        let records = try Example.chain(from: 1, count: Limits.segmentRecordsMax)
        let bytes = try Segment(records).encoded()
        try forAll(cases: 20) { seed, random in
            var changed = bytes
            let place = Int.random(in: bytes.indices, using: &random)
            changed[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            #expect(throws: FormatError.self, "seed \(seed)") { try Segment.decode(changed) }
            #expect(throws: FormatError.self) { try Segment.decode(Array(bytes[..<place])) }
        }
        #expect(throws: FormatError.self) { try Segment.decode(bytes + [0]) }
    }

    @Test("has no bit in front that it ignores") func table() throws {
        let bytes = try Segment(try Example.chain(from: 1025, count: 1024)).encoded()
        for index in 0..<24 {
            for bit: UInt8 in 0..<8 {
                var changed = Array(bytes[..<Segment.Table.byteCount])
                changed[index] ^= 1 << bit
                do throws(FormatError) {
                    // Another range of numbers: the seal and the records tell.
                    let first = try Segment.Table.decode(changed).first
                    #expect(first != 1025)
                } catch {
                    // Refused, which is as good.
                }
            }
        }
    }

    @Test("holds one range of numbers, all of it, in order") func ranges() throws {
        let records = try Example.chain(from: 2, count: 1024)
        #expect(throws: FormatError.invalidField(.segment, field: "first number")) {
            try Segment(records)
        }
        var chain = try Example.chain(from: 1, count: 1024)
        #expect(throws: FormatError.invalidField(.segment, field: "first number")) {
            try Segment(Array(chain.dropLast()))
        }
        chain.swapAt(5, 6)
        #expect(throws: FormatError.invalidField(.segment, field: "records")) {
            try Segment(chain)
        }
    }

    @Test("holds a chain: each record names the one before") func chain() throws {
        var chain = try Example.chain(from: 1025, count: 1024)
        var other = Example.record
        other.number = chain[9].number
        chain[9] = try Example.decided(other)
        #expect(throws: FormatError.invalidField(.segment, field: "records")) {
            try Segment(chain)
        }
    }

    @Test("of a number is the one whose range it is in") func numbers() {
        let first: [UInt64: UInt64] = [
            0: 1, 1: 1, 1024: 1, 1025: 1025, 2048: 1025, 2049: 2049, 5000: 4097,
        ]
        for (number, expected) in first { #expect(Segment.first(of: number) == expected) }
    }
}
