/// A day of the week, by its name in JSON.
public enum Weekday: String, Sendable, CaseIterable, Hashable {
    case sunday, monday, tuesday, wednesday, thursday, friday, saturday
}

/// A month, by its name in JSON.
public enum Month: String, Sendable, CaseIterable, Hashable {
    case january, february, march, april, may, june, july, august, september, october, november
    case december

    /// 1...12.
    public var number: Int { (Self.allCases.firstIndex(of: self) ?? 0) + 1 }
}

/// A date on a wall calendar (proleptic Gregorian), in no time zone.
public struct LocalDate: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Days since 1970-01-01; negative before.
    public let dayNumber: Int

    public init(dayNumber: Int) { self.dayNumber = dayNumber }

    /// - Parameters:
    ///   - month: 1...12.
    ///   - day: 1...31; one that the month does not have becomes the month's last.
    public init(year: Int, month: Int, day: Int) {
        let clamped = min(day, Self.dayCount(year: year, month: month))
        dayNumber = Self.dayNumber(year: year, month: month, day: clamped)
    }

    /// Parses exactly "2026-11-24"; nil for anything else, and for a day that there is not.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, parts.map(\.utf8.count) == [4, 2, 2],
            parts.allSatisfy({ $0.utf8.allSatisfy { 48...57 ~= $0 } }),
            let year = Int(parts[0]), let month = Int(parts[1]), let day = Int(parts[2]),
            year >= 1, 1...12 ~= month, 1...Self.dayCount(year: year, month: month) ~= day
        else { return nil }
        self.init(year: year, month: month, day: day)
    }

    public static func < (left: LocalDate, right: LocalDate) -> Bool {
        left.dayNumber < right.dayNumber
    }

    // Years are counted from March on, so that the leap day is a year's last: in a cycle of 400
    // such years, of 146 097 days, both directions are plain integer arithmetic.
    private static let cycleDays = 146_097
    /// Days from 0000-03-01 to 1970-01-01.
    private static let epochOffset = 719_468

    private static func dayNumber(year: Int, month: Int, day: Int) -> Int {
        let marchYear = month <= 2 ? year - 1 : year
        let cycle = floorDivide(marchYear, 400)
        let yearOfCycle = marchYear - cycle * 400
        let marchMonth = (month + 9) % 12
        let dayOfYear = (153 * marchMonth + 2) / 5 + day - 1
        let dayOfCycle = yearOfCycle * 365 + yearOfCycle / 4 - yearOfCycle / 100 + dayOfYear
        return cycle * cycleDays + dayOfCycle - epochOffset
    }

    /// Year, month 1...12 and day 1...31.
    public var parts: (year: Int, month: Int, day: Int) {
        let days = dayNumber + Self.epochOffset
        let cycle = floorDivide(days, Self.cycleDays)
        let dayOfCycle = days - cycle * Self.cycleDays
        let yearOfCycle =
            (dayOfCycle - dayOfCycle / 1460 + dayOfCycle / 36524 - dayOfCycle / 146_096) / 365
        let dayOfYear = dayOfCycle - (365 * yearOfCycle + yearOfCycle / 4 - yearOfCycle / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        return (yearOfCycle + cycle * 400 + (month <= 2 ? 1 : 0), month, day)
    }

    public var weekday: Weekday {
        // 1970-01-01 was a Thursday.
        let number = (dayNumber + 4) - floorDivide(dayNumber + 4, 7) * 7
        return Weekday.allCases[number]
    }

    public static func isLeap(_ year: Int) -> Bool {
        year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    }

    /// Days of a month, 28...31.
    public static func dayCount(year: Int, month: Int) -> Int {
        switch month {
        case 2: isLeap(year) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    public func adding(days: Int) -> LocalDate { LocalDate(dayNumber: dayNumber + days) }

    /// The same day some months later; the month's last where it has no such day.
    public func adding(months: Int) -> LocalDate {
        let (year, month, day) = parts
        let total = year * 12 + (month - 1) + months
        let newYear = floorDivide(total, 12)
        return LocalDate(year: newYear, month: total - newYear * 12 + 1, day: day)
    }

    public var description: String {
        let (year, month, day) = parts
        func padded(_ value: Int, _ width: Int) -> String {
            let digits = String(value)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
    }
}

func floorDivide(_ value: Int, _ divisor: Int) -> Int {
    let quotient = value / divisor
    return value % divisor < 0 ? quotient - 1 : quotient
}

/// A time on a wall clock, to the minute.
public struct TimeOfDay: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// 0...1439.
    public let minutes: Int

    public init(hour: Int, minute: Int) { minutes = hour * 60 + minute }

    /// Parses exactly "23:00"; nil for anything else.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ $0.utf8.count == 2 }),
            parts.allSatisfy({ $0.utf8.allSatisfy { 48...57 ~= $0 } }),
            let hour = Int(parts[0]), let minute = Int(parts[1]), 0...23 ~= hour, 0...59 ~= minute
        else { return nil }
        self.init(hour: hour, minute: minute)
    }

    public static func < (left: TimeOfDay, right: TimeOfDay) -> Bool {
        left.minutes < right.minutes
    }

    public var description: String {
        let (hour, minute) = (minutes / 60, minutes % 60)
        return "\(hour < 10 ? "0" : "")\(hour):\(minute < 10 ? "0" : "")\(minute)"
    }
}
