import KuraPolicy
import Testing

/// The example of the tutorial: 30 days, 104 Sundays, 120 last Sundays, 99 first Sundays of
/// January.
let tutorial = """
    {"name": "gold", "time_zone": "Asia/Tokyo",
     "schedule": {"frequency": "daily", "times": ["23:00"]},
     "retention": {"daily": {"count": 30},
       "weekly": {"count": 104, "days": ["sunday"]},
       "monthly": {"count": 120, "weeks": ["last"], "days": ["sunday"]},
       "yearly": {"count": 99, "months": ["january"], "weeks": ["first"], "days": ["sunday"]}}}
    """

func policy(_ text: String) throws -> Policy {
    let policy = try Policy.parse(Array(text.utf8))
    try policy.validate()
    return policy
}

func date(_ text: String) throws -> LocalDate { try #require(LocalDate(text)) }

/// "2026-02-01 23:00" in a policy's zone.
func instant(_ text: String, _ zone: PolicyZone) throws -> Int64 {
    let parts = text.split(separator: " ")
    return zone.instant(of: try date(String(parts[0])), try #require(TimeOfDay(parts[1])))
}

func wall(_ instant: Int64, _ zone: PolicyZone) -> String {
    let (date, second) = zone.local(at: instant)
    return "\(date) \(TimeOfDay(hour: second / 3600, minute: second / 60 % 60))"
}
