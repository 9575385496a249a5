import KuraFormat
import Testing

@Suite("Byte reader") struct ByteReaderTests {
    @Test("reads little-endian integers") func integers() throws {
        let bytes: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]
        let values = try bytes.decoded { raw throws(FormatError) in
            var reader = ByteReader(raw, of: .vault)
            return (
                try reader.uint8(), try reader.uint16(), try reader.uint32(), try reader.uint64()
            )
        }
        #expect(values == (1, 0x0302, 0x0706_0504, 0x0f0e_0d0c_0b0a_0908))
    }

    @Test("says how many bytes a truncated structure needs") func truncation() {
        #expect(throws: FormatError.truncated(.vault, needed: 8, available: 7)) {
            try [UInt8](repeating: 0, count: 7).decoded { raw throws(FormatError) in
                var reader = ByteReader(raw, of: .vault)
                _ = try reader.uint32()
                _ = try reader.uint32()
            }
        }
    }

    @Test("refuses a negative count") func negative() {
        #expect(throws: FormatError.self) {
            try [0, 0].decoded { raw throws(FormatError) in
                var reader = ByteReader(raw, of: .vault)
                _ = try reader.bytes(-1)
            }
        }
    }

    @Test(
        "refuses a text that is not UTF-8", arguments: [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80]])
    func encoding(_ content: [UInt8]) {
        #expect(throws: FormatError.invalidField(.vault, field: "note")) {
            _ = try text([UInt8(content.count), 0] + content, max: 100)
        }
    }

    @Test("refuses a text that is longer than its field allows") func length() throws {
        #expect(try text([3, 0, 97, 98, 99], max: 3) == "abc")
        #expect(throws: FormatError.invalidField(.vault, field: "note")) {
            _ = try text([3, 0, 97, 98, 99], max: 2)
        }
    }

    @Test("keeps the bytes of a text as they are") func composition() throws {
        // The same character, composed in two ways: equal for String, but not as bytes.
        for content in ["\u{e9}", "e\u{301}"] {
            let bytes = Array(content.utf8)
            let read = try text([UInt8(bytes.count), 0] + bytes, max: 100)
            #expect(Array(read.utf8) == bytes)
        }
    }

    @Test("refuses a list that is longer than its field allows") func list() {
        #expect(throws: FormatError.invalidField(.vault, field: "numbers")) {
            _ = try [3, 0, 1, 2, 3].decoded { raw throws(FormatError) in
                var reader = ByteReader(raw, of: .vault)
                return try reader.list("numbers", max: 2) { reader throws(FormatError) in
                    try reader.uint8()
                }
            }
        }
    }

    private func text(_ bytes: [UInt8], max: Int) throws -> String {
        try bytes.decoded { raw throws(FormatError) in
            var reader = ByteReader(raw, of: .vault)
            return try reader.text("note", max: max)
        }
    }
}
