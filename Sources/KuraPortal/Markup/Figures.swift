/// Numbers and times for people.
package enum Figures {
    /// "1.2 GiB".
    package static func bytes(_ count: UInt64) -> String {
        let names = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
        var value = Double(count)
        var index = 0
        while value >= 1024, index < names.count - 1 {
            value /= 1024
            index += 1
        }
        return index == 0 ? "\(count) B" : "\(tenths(value)) \(names[index])"
    }

    /// One place behind the point; a ratio of records that are wrong may be anything.
    static func tenths(_ value: Double) -> String {
        guard value.isFinite, abs(value) < 1e15 else { return "-" }
        let scaled = Int((value * 10).rounded())
        return "\(scaled / 10).\(abs(scaled % 10))"
    }

    /// "12.3 s", "4:05", "1:02:03".
    package static func duration(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds >= 0, seconds < 1e12 else { return "-" }
        if seconds < 60 { return "\(tenths(seconds)) s" }
        let whole = Int(seconds)
        let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60)
        return hours > 0 ? "\(hours):\(two(minutes)):\(two(rest))" : "\(minutes):\(two(rest))"
    }

    static func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }

    static let nanosecondsADay: Int64 = 86_400_000_000_000

    /// "37 %".
    static func percent(_ share: Double) -> String {
        guard share.isFinite else { return "-" }
        return "\(Int((min(1, max(0, share)) * 100).rounded(.down))) %"
    }
}
