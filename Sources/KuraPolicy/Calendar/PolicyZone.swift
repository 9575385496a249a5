internal import FoundationEssentials

/// A time zone by its IANA name: from instants to wall clocks, and back.
///
/// Instants are nanoseconds since 1970-01-01T00:00:00Z.
public struct PolicyZone: Sendable, Equatable {
    public let identifier: String
    private let zone: TimeZone

    static let nanosecondsASecond: Int64 = 1_000_000_000
    private static let secondsADay = 86_400

    /// Nil for a name that is not known.
    public init?(_ identifier: String) {
        guard !identifier.isEmpty, let zone = TimeZone(identifier: identifier) else { return nil }
        self.identifier = identifier
        self.zone = zone
    }

    public static let utc = PolicyZone(identifier: "UTC", zone: .gmt)

    private init(identifier: String, zone: TimeZone) {
        self.identifier = identifier
        self.zone = zone
    }

    /// Seconds that the wall clock is ahead of UTC.
    private func offset(atSecond second: Int) -> Int {
        zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(second)))
    }

    /// What calendar and wall clock show at an instant; the second counts from midnight.
    public func local(at instant: Int64) -> (date: LocalDate, second: Int) {
        let second = floorDivide(Int(instant), Int(Self.nanosecondsASecond))
        let local = second + offset(atSecond: second)
        let day = floorDivide(local, Self.secondsADay)
        return (LocalDate(dayNumber: day), local - day * Self.secondsADay)
    }

    public func date(at instant: Int64) -> LocalDate { local(at: instant).date }

    /// The instant at which the wall clock shows this: the first of two where it does so twice, and
    /// the first one after where it never does.
    /// - Parameter second: of the day, 0..<86 400.
    public func instant(of date: LocalDate, second: Int) -> Int64 {
        let local = date.dayNumber * Self.secondsADay + second
        // Offsets are within a day of UTC, so these are what is in force well before and after.
        let before = offset(atSecond: local - Self.secondsADay)
        let after = offset(atSecond: local + Self.secondsADay)
        let candidates = [local - before, local - after].sorted()
        for candidate in candidates where candidate + offset(atSecond: candidate) == local {
            return Self.nanoseconds(candidate)
        }
        return Self.nanoseconds(changeOfOffset(from: candidates[0], to: candidates[1]))
    }

    /// Of seconds since 1970; what 64 bits cannot count becomes the last instant that they can, in
    /// the year 2262, or the first.
    private static func nanoseconds(_ seconds: Int) -> Int64 {
        let (product, overflow) = Int64(seconds).multipliedReportingOverflow(by: nanosecondsASecond)
        return overflow ? (seconds > 0 ? .max : .min) : product
    }

    public func instant(of date: LocalDate, _ time: TimeOfDay) -> Int64 {
        instant(of: date, second: time.minutes * 60)
    }

    /// The first second with the offset that `high` has, when `low` has another one.
    private func changeOfOffset(from low: Int, to high: Int) -> Int {
        var (low, high) = (low, high)
        let target = offset(atSecond: high)
        while high - low > 1 {
            let middle = low + (high - low) / 2
            if offset(atSecond: middle) == target { high = middle } else { low = middle }
        }
        return high
    }
}
