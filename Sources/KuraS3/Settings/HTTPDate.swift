/// Times in headers: `Fri, 24 May 2013 00:00:00 GMT`.
package enum HTTPDate {
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// Nanoseconds since 1970; nil for what is no such time.
    package static func time(_ text: String) -> Int64? {
        let parts = text.split(separator: " ")
        guard parts.count == 6, let day = Int64(parts[1]), let year = Int64(parts[3]),
            let month = months.firstIndex(of: String(parts[2])), (1...31).contains(day),
            (1970...9999).contains(year)
        else { return nil }
        let clock = parts[4].split(separator: ":").map { Int64($0) ?? -1 }
        guard clock.count == 3, (0...23).contains(clock[0]), (0...59).contains(clock[1]),
            (0...60).contains(clock[2])
        else { return nil }
        // Years begin in March, so that the day of a leap year is their last one.
        let shifted = month < 2 ? year - 1 : year
        let number = Int64((month + 10) % 12)
        let days =
            shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + (153 * number + 2) / 5
            + day - 719_469
        return (days * 86_400 + clock[0] * 3600 + clock[1] * 60 + clock[2]) * 1_000_000_000
    }
}
