import Glibc
import KuraPolicy

/// Numbers and times for people.
enum Units {
    /// "1.2 GiB".
    static func bytes(_ count: UInt64) -> String {
        let names = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]
        var value = Double(count)
        var index = 0
        while value >= 1024, index < names.count - 1 {
            value /= 1024
            index += 1
        }
        return index == 0 ? "\(count) B" : "\(fixed(value, 1)) \(names[index])"
    }

    /// "512 MiB/s".
    static func rate(_ bytes: UInt64, seconds: Double) -> String {
        guard seconds > 0 else { return "-" }
        return "\(Units.bytes(UInt64(Double(bytes) / seconds)))/s"
    }

    /// "12.3 s", "4:05", "1:02:03".
    static func duration(_ seconds: Double) -> String {
        if seconds < 60 { return "\(fixed(seconds, 1)) s" }
        let whole = Int(seconds)
        let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60)
        return hours > 0
            ? "\(hours):\(padded(minutes)):\(padded(rest))" : "\(minutes):\(padded(rest))"
    }

    static func percent(_ part: UInt64, of whole: UInt64) -> String {
        guard whole > 0 else { return "-" }
        return "\(fixed(Double(part) / Double(whole) * 100, 1)) %"
    }

    /// 416617 as "416 617".
    static func count(_ value: UInt64) -> String {
        var digits = Array(String(value))
        var position = digits.count - 3
        while position > 0 {
            digits.insert(" ", at: position)
            position -= 3
        }
        return String(digits)
    }

    /// "1 pack", "2 packs".
    static func count(_ value: Int, _ what: String) -> String {
        "\(count(UInt64(value))) \(what)\(value == 1 ? "" : "s")"
    }

    static func fixed(_ value: Double, _ places: Int) -> String {
        // Records may hold any count; beyond this, places behind the point mean nothing.
        guard abs(value) < 1e15 else { return value.isFinite ? "\(value)" : "-" }
        var scale = 1
        for _ in 0..<places { scale *= 10 }
        let scaled = Int((value * Double(scale)).rounded())
        guard places > 0 else { return String(scaled) }
        let digits = String(scaled % scale)
        let zeros = String(repeating: "0", count: places - digits.count)
        return "\(scaled / scale).\(zeros)\(digits)"
    }

    private static func padded(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }

    /// UTC ISO 8601, to the second: for JSON.
    static func utc(_ nanoseconds: Int64) -> String {
        let (quotient, rest) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        let seconds = Int(rest < 0 ? quotient - 1 : quotient)
        let second = (seconds % 86_400 + 86_400) % 86_400
        let date = LocalDate(dayNumber: (seconds - second) / 86_400)
        let time = "\(padded(second / 3600)):\(padded(second / 60 % 60)):\(padded(second % 60))"
        return "\(date)T\(time)Z"
    }

    /// Local date and time with its distance from UTC, "2026-01-31 23:00:00 +09:00": for people.
    static func local(_ nanoseconds: Int64) -> String {
        var seconds = time_t(nanoseconds / 1_000_000_000)
        var parts = tm()
        localtime_r(&seconds, &parts)
        let date =
            "\(parts.tm_year + 1900)-\(padded(Int(parts.tm_mon) + 1))"
            + "-\(padded(Int(parts.tm_mday)))"
        let time =
            "\(padded(Int(parts.tm_hour))):\(padded(Int(parts.tm_min)))"
            + ":\(padded(Int(parts.tm_sec)))"
        let minutes = abs(Int(parts.tm_gmtoff)) / 60
        let sign = parts.tm_gmtoff < 0 ? "-" : "+"
        return "\(date) \(time) \(sign)\(padded(minutes / 60)):\(padded(minutes % 60))"
    }
}
