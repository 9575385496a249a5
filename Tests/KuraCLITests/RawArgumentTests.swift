import KuraCLI
import SystemPackage
import Testing

@Suite("Arguments that are not UTF-8")
struct RawArgumentTests {
    private static let samples: [[UInt8]] = [
        Array("plain".utf8), Array("日本 é 👩‍👩‍👧".utf8), [], [0x62, 0xFF, 0x2E], [0xC3], [0xE3, 0x81],
        [0xED, 0xA0, 0x80], Array("\u{10FFAB}x".utf8), [0xF5, 0x80, 0x80, 0x80],
        [0x80, 0xC0, 0xAF],
    ]

    @Test("Every sequence of bytes comes back as it was", arguments: samples)
    func back(_ bytes: [UInt8]) {
        #expect(RawArgument.bytes(RawArgument.text(bytes)) == bytes)
    }

    @Test("Two sequences of bytes never become one text")
    func apart() {
        #expect(Set(Self.samples.map(RawArgument.text)).count == Self.samples.count)
    }

    @Test("UTF-8 stays as it is, and is not taken for other bytes")
    func valid() {
        #expect(RawArgument.text(Array("日本 é".utf8)) == "日本 é")
        #expect(!RawArgument.isRaw("日本 é"))
        #expect(RawArgument.isRaw(RawArgument.text([0x62, 0xFF])))
    }

    @Test("A path has the bytes of its argument")
    func path() {
        let path = FilePath(argument: RawArgument.text([0x61, 0xFF, 0x2E, 0x62]))
        let bytes = path.withPlatformString { pointer in
            (0..<path.length).map { UInt8(bitPattern: pointer[$0]) }
        }
        #expect(bytes == [0x61, 0xFF, 0x2E, 0x62])
    }
}
