import ArgumentParser
import FoundationEssentials
import Glibc
import KuraPolicy

/// Times as people type them.
package enum Moment {
    package static let forms = "2026-01-31, 2026-01-31T23:00 or 2026-01-31T23:00:00+09:00"

    /// Nanoseconds since 1970 of "2026-01-31", "2026-01-31T23:00", "2026-01-31 23:00:15", each with
    /// or without a zone (Z, +09:00); without one it is the local time. Nil for what is no time.
    /// - Parameter endsDay: whether a day alone means its last second, and not its first.
    package static func nanoseconds(_ text: String, endsDay: Bool = false) -> Int64? {
        guard let date = LocalDate(text.prefix(10)) else { return nil }
        let rest = text.dropFirst(10)
        guard let separator = rest.first else {
            return local(date, second: endsDay ? 86_399 : 0)
        }
        guard separator == "T" || separator == " " else { return nil }
        let clock = rest.dropFirst().prefix { "0123456789:".contains($0) }
        let zone = rest.dropFirst(1 + clock.count)
        guard let second = secondOfDay(clock) else { return nil }
        guard !zone.isEmpty else { return local(date, second: second) }
        guard let offset = offset(zone) else { return nil }
        return nanoseconds(PolicyZone.utc.instant(of: date, second: second), offset)
    }

    private static func nanoseconds(_ instant: Int64, _ offset: Int64) -> Int64? {
        let (time, overflow) = instant.subtractingReportingOverflow(offset * 1_000_000_000)
        return overflow ? nil : time
    }

    /// Of "23:00" or "23:00:15".
    private static func secondOfDay(_ text: Substring) -> Int? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard 2...3 ~= parts.count, parts.allSatisfy({ $0.utf8.count == 2 }) else { return nil }
        let numbers = parts.compactMap { Int($0) }
        guard numbers.count == parts.count, numbers[0] < 24,
            numbers.dropFirst().allSatisfy({ $0 < 60 })
        else { return nil }
        return numbers[0] * 3600 + numbers[1] * 60 + (numbers.count == 3 ? numbers[2] : 0)
    }

    /// Seconds that "Z", "+09:00" or "-0330" is ahead of UTC.
    private static func offset(_ text: Substring) -> Int64? {
        if text == "Z" || text == "z" { return 0 }
        let sign: Int64 = text.hasPrefix("+") ? 1 : -1
        let digits = text.dropFirst().filter { $0 != ":" }
        guard text.hasPrefix("+") || text.hasPrefix("-"), digits.utf8.count == 4,
            let hours = Int64(digits.prefix(2)), let minutes = Int64(digits.suffix(2)),
            0...14 ~= hours, 0..<60 ~= minutes
        else { return nil }
        return sign * (hours * 3600 + minutes * 60)
    }

    private static func local(_ date: LocalDate, second: Int) -> Int64? {
        var parts = tm()
        let day = date.parts
        parts.tm_year = Int32(day.year - 1900)
        parts.tm_mon = Int32(day.month - 1)
        parts.tm_mday = Int32(day.day)
        parts.tm_hour = Int32(second / 3600)
        parts.tm_min = Int32(second / 60 % 60)
        parts.tm_sec = Int32(second % 60)
        parts.tm_isdst = -1
        let (time, overflow) = Int64(mktime(&parts)).multipliedReportingOverflow(by: 1_000_000_000)
        return overflow ? nil : time
    }
}

/// A recovery point as it is named on the command line.
struct PointName: ExpressibleByArgument {
    /// An id, the start of one, ITEM@latest, or ITEM@TIME with a time in UTC.
    let reference: String

    static let help = "An id, its first digits, ITEM@latest, or ITEM@TIME."

    /// Local times become times in UTC: below the command line nothing knows where the user is.
    init(argument: String) {
        guard let at = argument.lastIndex(of: "@"), argument[at...] != "@latest",
            let time = Moment.nanoseconds(
                String(argument[argument.index(after: at)...]), endsDay: true)
        else {
            reference = argument
            return
        }
        reference = "\(argument[..<at])@\(Units.utc(time))"
    }
}
