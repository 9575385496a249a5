import ArgumentParser

/// A whole number and a unit: s, m, h or d.
struct TimeSpan {
    var nanoseconds: Int64

    /// 100 years.
    private static let secondsMax: Int64 = 100 * 366 * 86400

    static func parse(_ text: String) throws -> TimeSpan {
        let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86400]
        guard let unit = text.last.flatMap({ units[$0] }), let count = Int64(text.dropLast()),
            count >= 0,
            case (let seconds, let overflow) = count.multipliedReportingOverflow(by: unit),
            !overflow, seconds <= secondsMax
        else {
            throw ValidationError("give a whole number and s, m, h or d, such as 30m or 7d")
        }
        return TimeSpan(nanoseconds: seconds * 1_000_000_000)
    }
}
