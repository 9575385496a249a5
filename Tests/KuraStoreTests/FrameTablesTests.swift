import KuraFormat
import KuraStore
import Testing

@Suite("Frame tables in memory") struct FrameTablesTests {
    private static func table(frames: Int) -> FrameTable {
        let frame = FrameEntry(
            storedByteCount: 1, plainByteCount: 1, chunkCount: 1, codec: .raw,
            storedDigest: name(0))
        return FrameTable(
            PackTrailer(
                header: PackHeader(kind: .data, vault: .random(), nonce: 1),
                frames: Array(repeating: frame, count: frames)))
    }

    private static func name(_ number: UInt64) -> PackID { Digest(words: (number, 0, 0, 0)) }

    @Test("have no more bytes than they may, however many frames a pack has")
    func bound() {
        let small = Self.table(frames: 10)
        let large = Self.table(frames: 65536)
        var tables = FrameTables(byteCountMax: 2 * small.byteCount)
        for number in [1, 2] as [UInt64] { tables[Self.name(number)] = small }
        #expect(tables[Self.name(1)] === small && tables[Self.name(2)] === small)
        tables[Self.name(3)] = small
        #expect(tables[Self.name(1)] == nil && tables[Self.name(3)] === small)
        // One table is always there: its reader needs it.
        tables[Self.name(4)] = large
        #expect(tables[Self.name(3)] == nil && tables[Self.name(4)] === large)
        tables[Self.name(5)] = small
        #expect(tables[Self.name(4)] == nil && tables[Self.name(5)] === small)
    }
}
