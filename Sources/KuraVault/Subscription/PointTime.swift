internal import FoundationEssentials

/// The times in references such as ITEM@2026-01-31T23:00:00Z.
enum PointTime {
    /// The first instant after a second, in nanoseconds since 1970; nil for what is no time. Points
    /// are shown to the second, so all of it counts.
    static func end(ofSecond text: String) -> Int64? {
        do {
            let seconds = try Date(text, strategy: .iso8601).timeIntervalSince1970.rounded(.down)
            let (time, overflow) = (Int64(exactly: seconds) ?? .max)
                .multipliedReportingOverflow(by: 1_000_000_000)
            return overflow || time > .max - 1_000_000_000 ? .max : time + 1_000_000_000
        } catch {
            return nil
        }
    }
}
