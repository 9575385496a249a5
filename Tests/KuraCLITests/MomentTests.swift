import Glibc
import KuraCLI
import Testing

@Suite("Times as people type them", .serialized)
struct MomentTests {
    private static let second: Int64 = 1_000_000_000

    @Test("A time with a zone means the same everywhere")
    func zones() {
        let expected = 1_769_868_000 * Self.second  // 2026-01-31T14:00:00Z
        for text in [
            "2026-01-31T14:00:00Z", "2026-01-31T14:00Z", "2026-01-31 14:00Z",
            "2026-01-31T23:00+09:00", "2026-01-31T23:00:00+0900", "2026-01-31T10:30-03:30",
        ] {
            #expect(Moment.nanoseconds(text) == expected, "\(text)")
        }
    }

    @Test("A time without a zone is the local one, and a day ends with its last second")
    func local() throws {
        var now = time_t(try #require(Moment.nanoseconds("2026-01-31T23:00")) / Self.second)
        var parts = tm()
        localtime_r(&now, &parts)
        #expect(parts.tm_hour == 23 && parts.tm_min == 0 && parts.tm_mday == 31)
        let day = try #require(Moment.nanoseconds("2026-01-31"))
        let end = try #require(Moment.nanoseconds("2026-01-31", endsDay: true))
        #expect(end - day == 86_399 * Self.second)
    }

    @Test(
        "What is no time is none",
        arguments: [
            "", "latest", "2026", "2026-02-30", "2026-01-31T", "2026-01-31T25:00",
            "2026-01-31T23", "2026-01-31T23:00+9", "2026-01-31T23:00:00 JST", "2026-01-31x",
            "2026-01-31T2300",
        ])
    func none(_ text: String) {
        #expect(Moment.nanoseconds(text) == nil)
    }
}
