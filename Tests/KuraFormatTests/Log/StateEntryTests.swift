import KuraFormat
import TestSupport
import Testing

@Suite("Entries of pages") struct StateEntryTests {
    private func expectSound<T: Equatable>(
        _ value: T, _ entry: StatePage.Entry, sourceLocation: SourceLocation = #_sourceLocation,
        _ decode: (StatePage.Entry) throws(FormatError) -> T,
        _ encode: (T) -> StatePage.Entry
    ) throws {
        let again = try decode(entry)
        #expect(again == value, sourceLocation: sourceLocation)
        try expectLengthsRejected(entry.value, sourceLocation: sourceLocation) {
            bytes throws(FormatError) in
            _ = try decode(StatePage.Entry(key: entry.key, value: bytes))
        }
        try expectNothingIgnored(entry.value, sourceLocation: sourceLocation) {
            bytes throws(FormatError) in
            encode(try decode(StatePage.Entry(key: entry.key, value: bytes))).value
        }
        try expectNothingIgnored(entry.key, sourceLocation: sourceLocation) {
            bytes throws(FormatError) in
            encode(try decode(StatePage.Entry(key: bytes, value: entry.value))).key
        }
    }

    @Test("of points round-trip, refuse damage, and sort by item and sequence") func points() throws
    {
        var point = PointEntry(Example.pointBody, number: 7, body: 1)
        try expectSound(
            point, point.entry, { entry throws(FormatError) in try PointEntry(entry) }, \.entry)
        point.drop = PointEntry.Drop(number: 9, time: -5, reason: "expired")
        point.holds = [
            PointEntry.Hold(name: "a", reason: ""), PointEntry.Hold(name: "b", reason: "x"),
        ]
        try expectSound(
            point, point.entry, { entry throws(FormatError) in try PointEntry(entry) }, \.entry)
        var next = point
        next.sequence = 256
        #expect(point.key.lexicographicallyPrecedes(next.key))
        point.item = "web-2"
        #expect(next.key.lexicographicallyPrecedes(point.key))
        point.holds.reverse()
        #expect(throws: FormatError.invalidField(.statePage, field: "holds")) {
            try PointEntry(point.entry)
        }
    }

    @Test("of runs, settings and packs round-trip and refuse damage") func small() throws {
        let run = RunEntry(
            run: RunsBody.Run(id: Example.digest("r"), byteCount: 1, entries: 2, packs: 3),
            number: 4)
        try expectSound(
            run, run.entry, { entry throws(FormatError) in try RunEntry(entry) }, \.entry)
        let setting = SettingEntry(subject: "item/web", value: "{}", number: 4)
        try expectSound(
            setting, setting.entry, { entry throws(FormatError) in try SettingEntry(entry) },
            \.entry)
        for swept in [nil, 9] as [UInt64?] {
            let pack = PackEntry(pack: Example.digest("p"), condemned: 4, swept: swept)
            try expectSound(
                pack, pack.entry, { entry throws(FormatError) in try PackEntry(entry) }, \.entry)
        }
        #expect(throws: FormatError.invalidField(.statePage, field: "state of a pack")) {
            try PackEntry(PackEntry(pack: Example.digest("p"), condemned: 4, swept: 4).entry)
        }
    }

    @Test("of names of points round-trip, refuse damage and lead to the points") func names() throws
    {
        let id = Example.digest("point")
        for original in [nil, Example.digest("original")] {
            let name = NameEntry(id: id, item: "web-1", sequence: 7, original: original)
            try expectSound(
                name, name.entry, { entry throws(FormatError) in try NameEntry(entry) }, \.entry)
            #expect(name.pointKey == PointEntry.key(item: "web-1", sequence: 7, id: id))
            #expect(NameEntry.copy(name.entry) == nil)
            #expect(name.originalEntry.flatMap { NameEntry.copy($0) } == original.map { _ in id })
        }
    }

    @Test("of what is lost, segments and branches round-trip and refuse damage") func rest() throws
    {
        let lost = LostEntry(object: .init(.point, Example.digest("p")), number: 4)
        try expectSound(
            lost, lost.entry, { entry throws(FormatError) in try LostEntry(entry) }, \.entry)
        let segment = SegmentEntry(first: 1025, last: Example.digest("2048"))
        try expectSound(
            segment, segment.entry, { entry throws(FormatError) in try SegmentEntry(entry) },
            \.entry)
        let branch = BranchEntry(
            tip: LogPosition(number: 9, digest: Example.digest("9")), first: 8, number: 12)
        try expectSound(
            branch, branch.entry, { entry throws(FormatError) in try BranchEntry(entry) }, \.entry)
        #expect(throws: FormatError.invalidField(.statePage, field: "first number")) {
            try SegmentEntry(SegmentEntry(first: 5, last: Example.digest("5")).entry)
        }
    }
}
