import KuraFormat
import Testing

@Suite("Sealed record") struct SealedRecordTests {
    private let record = SealedRecord.encode(.session, body: [1, 2, 3])

    private func body(_ bytes: [UInt8], as structure: Structure = .session) throws -> [UInt8] {
        try SealedRecord.decode(structure, from: bytes) { reader throws(FormatError) in
            Array(try reader.bytes(reader.remaining))
        }.value
    }

    @Test("gives its body back") func roundTrip() throws {
        #expect(try body(record) == [1, 2, 3])
        #expect(record.count == 3 + SealedRecord.overheadBytes)
    }

    @Test("is refused as a record of another kind") func kind() {
        for structure in [Structure.vault, .replica, .recoveryPoint] {
            #expect(throws: FormatError.badMagic(structure)) { try body(record, as: structure) }
        }
    }

    @Test("is too new when its version is unknown and its seal right") func version() {
        var bytes = record
        bytes.store(UInt16(2), at: 8)
        let sealed = resealed(bytes) { _ in }
        #expect(throws: FormatError.unsupportedVersion(.session, version: 2)) { try body(sealed) }
    }

    @Test("is damaged, and not too new, when a bit of its version is wrong") func versionBit() {
        for bit in 0..<16 {
            var bytes = record
            bytes[8 + bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(throws: FormatError.checksumMismatch(.session)) { try body(bytes) }
            #expect(throws: FormatError.checksumMismatch(.session)) {
                try body(Array(bytes[..<12]))
            }
        }
    }

    @Test("is refused when its reserved bytes are not zero, though sealed so") func reserved() {
        var bytes = record
        bytes[10] = 1
        let sealed = resealed(bytes) { _ in }
        #expect(throws: FormatError.invalidField(.session, field: "reserved")) { try body(sealed) }
    }

    @Test("is refused when its length is beyond the limit") func length() {
        var bytes = record
        bytes.store(UInt32(Limits.recordBodyBytesMax) + 1, at: 12)
        #expect(throws: FormatError.invalidField(.session, field: "length")) { try body(bytes) }
    }

    @Test("is refused when its seal is wrong") func seal() {
        var bytes = record
        bytes[bytes.count - 1] ^= 1
        #expect(throws: FormatError.checksumMismatch(.session)) { try body(bytes) }
    }

    @Test("is refused when its reader leaves bytes of the body over") func leftOver() {
        #expect(throws: FormatError.trailingBytes(.session, count: 2)) {
            _ = try SealedRecord.decode(.session, from: record) { reader throws(FormatError) in
                try reader.uint8()
            }
        }
    }
}
