import KuraPolicy
import Testing

/// Golden values are from Python's datetime and zoneinfo.
struct CalendarTests {
    @Test(
        "dates know their weekday, whatever the century",
        arguments: [
            ("2000-02-29", Weekday.tuesday), ("2026-11-24", .tuesday), ("1970-01-01", .thursday),
            ("1900-03-01", .thursday), ("2100-02-28", .sunday), ("2020-12-31", .thursday),
            ("1969-12-31", .wednesday),
        ])
    func weekdays(text: String, weekday: Weekday) throws {
        let date = try #require(LocalDate(text))
        #expect(date.weekday == weekday)
        #expect(date.description == text)
    }

    @Test("every day of eight hundred years follows the one before it")
    func everyDay() {
        var expected = (year: 1600, month: 1, day: 1)
        var date = LocalDate(year: 1600, month: 1, day: 1)
        while expected.year < 2400 {
            let parts = date.parts
            guard parts == expected else {
                Issue.record("\(parts) instead of \(expected)")
                return
            }
            expected.day += 1
            if expected.day > LocalDate.dayCount(year: expected.year, month: expected.month) {
                expected.day = 1
                expected.month += 1
            }
            if expected.month > 12 {
                expected.month = 1
                expected.year += 1
            }
            date = date.adding(days: 1)
        }
    }

    @Test(
        "a month later is the same day, or the month's last",
        arguments: [
            ("2026-01-31", 1, "2026-02-28"), ("2024-01-31", 1, "2024-02-29"),
            ("2024-02-29", 12, "2025-02-28"), ("2024-02-29", 48, "2028-02-29"),
            ("2026-12-15", 1, "2027-01-15"), ("2026-10-31", 120, "2036-10-31"),
            ("2026-08-31", -6, "2026-02-28"),
        ])
    func months(from: String, count: Int, to: String) throws {
        let date = try #require(LocalDate(from))
        #expect(date.adding(months: count).description == to)
    }

    @Test(
        "what is no date is refused",
        arguments: [
            "2026-02-29", "2026-13-01", "2026-00-10", "2026-1-01", "26-01-01", "2026-01-32", "",
            "2026-01-01x", "+026-01-01", "2026-01-00",
        ])
    func noDate(text: String) { #expect(LocalDate(text) == nil) }

    @Test(
        "what is no time is refused",
        arguments: ["24:00", "23:60", "1:00", "", "aa:00", "12:5", "-1:00"])
    func noTime(text: String) { #expect(TimeOfDay(text) == nil) }

    /// Zone, wall clock, seconds since 1970.
    static let instants: [(String, String, Int64)] = [
        ("Asia/Tokyo", "2026-11-24 23:00", 1_795_528_800),
        ("UTC", "2026-02-28 23:00", 1_772_319_600),
        // Skipped: the clock goes from 02:00 to 03:00; the next valid instant is 03:00.
        ("Europe/Berlin", "2026-03-29 02:30", 1_774_746_000),
        ("America/New_York", "2026-03-08 02:30", 1_772_953_200),
        // Twice: the first.
        ("Europe/Berlin", "2026-10-25 02:30", 1_792_888_200),
        ("America/New_York", "2026-11-01 01:30", 1_793_511_000),
        // Half an hour of daylight saving: 02:00 becomes 02:30; and back, 01:30 to 02:00 twice.
        ("Australia/Lord_Howe", "2026-10-04 02:15", 1_791_041_400),
        ("Australia/Lord_Howe", "2026-04-05 01:45", 1_775_313_900),
        // Daylight saving began at midnight.
        ("America/Sao_Paulo", "2018-11-04 00:00", 1_541_300_400),
        // A whole day that never was.
        ("Pacific/Apia", "2011-12-30 12:00", 1_325_239_200),
    ]

    @Test("wall clocks become instants", arguments: instants)
    func instant(zone: String, wall: String, seconds: Int64) throws {
        let zone = try #require(PolicyZone(zone))
        let parts = wall.split(separator: " ")
        let date = try #require(LocalDate(parts[0]))
        let time = try #require(TimeOfDay(parts[1]))
        #expect(zone.instant(of: date, time) == seconds * 1_000_000_000)
    }

    @Test("an unknown zone is refused", arguments: ["", "Mars/Olympus", "Tokyo Standard Timex"])
    func noZone(name: String) { #expect(PolicyZone(name) == nil) }
}
