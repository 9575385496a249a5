internal import Foundation

extension Policy {
    /// Longest policy file, in bytes.
    public static let documentBytesMax = 16 << 10

    /// Reads a policy file. What it says is checked as far as it can be without a profile: names,
    /// types, spellings; `validate` does the rest.
    public static func parse(_ bytes: some Collection<UInt8>) throws(PolicyError) -> Policy {
        guard bytes.count <= documentBytesMax else {
            throw PolicyError(
                "policy", "the file has \(bytes.count) bytes",
                allowed: "\(documentBytesMax) at most")
        }
        let value: JSONValue
        do {
            value = try JSONDecoder().decode(JSONValue.self, from: Data(bytes))
        } catch {
            throw PolicyError("policy", "this is not JSON" + Self.place(in: Data(bytes)))
        }
        var root = try Fields(value, "policy")
        // What a report of a policy has beside the policy itself.
        for key in ["summary", "vault", "virtual_machines"] { _ = root.take(key) }
        let name = try root.text("name")
        let zoneName = try root.text("time_zone", default: "UTC")
        guard let zone = zoneName == "UTC" ? .utc : PolicyZone(zoneName) else {
            throw PolicyError(
                "time_zone", "\"\(zoneName.prefix(60))\" is not known",
                allowed: "an IANA name such as Asia/Tokyo or UTC")
        }
        let schedule = try parseSchedule(root.required("schedule"))
        var tiers = try Fields(root.required("retention"), "retention")
        var retention: [Tier: TierRule] = [:]
        for tier in Tier.allCases {
            guard let value = tiers.take(tier.rawValue) else { continue }
            retention[tier] = try parseRule(value, tier)
        }
        try tiers.finish()
        let substitutes = try root.flag("substitute_missed", default: true)
        try root.finish()
        return Policy(
            name: name, zone: zone, schedule: schedule, retention: retention,
            substitutesMissed: substitutes)
    }

    /// ", line 3, column 7": where the text is no JSON any more; empty where that is not known.
    private static func place(in document: Data) -> String {
        let reason: String
        do {
            _ = try JSONSerialization.jsonObject(with: document, options: .fragmentsAllowed)
            return ""
        } catch {
            reason = (error as NSError).userInfo[NSDebugDescriptionErrorKey] as? String ?? ""
        }
        guard let range = reason.firstRange(of: "character "),
            let offset = Int(reason[range.upperBound...].prefix { $0.isNumber }),
            0..<document.count ~= offset
        else { return reason.hasPrefix("Unexpected end") ? ": it ends too early" : "" }
        let lines = document.prefix(offset).split(
            separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        return ", line \(lines.count), column \((lines.last?.count ?? 0) + 1)"
    }

    private static func parseSchedule(_ value: JSONValue) throws(PolicyError) -> Schedule {
        var fields = try Fields(value, "schedule")
        let frequency: Frequency = try fields.word("frequency")
        let times = try fields.list("times") { value, field throws(PolicyError) in
            guard case .string(let text) = value, let time = TimeOfDay(text) else {
                throw PolicyError(field, "this is no time", allowed: "00:00 to 23:59")
            }
            return time
        }
        let days: [Weekday] = try fields.words("days")
        try fields.finish()
        return Schedule(frequency: frequency, times: times, days: days)
    }

    private static func parseRule(_ value: JSONValue, _ tier: Tier) throws(PolicyError) -> TierRule
    {
        var fields = try Fields(value, "retention.\(tier.rawValue)")
        var rule = TierRule(count: try fields.number("count"))
        switch tier {
        case .daily: break
        case .weekly: rule.days = try fields.words("days")
        case .monthly, .yearly:
            rule.month.weeks = try fields.words("weeks")
            rule.month.days = try fields.words("days")
            rule.month.dates = try fields.list("dates") { value, field throws(PolicyError) in
                switch value {
                case .number(let day): .day(day)
                case .string("last"): .last
                default:
                    throw PolicyError(field, "this is no date", allowed: "1 to 28, or \"last\"")
                }
            }
            if tier == .yearly { rule.months = try fields.words("months") }
        }
        try fields.finish()
        return rule
    }

    /// Canonical JSON on one line: keys in ascending order, empty lists left out.
    public var document: String { tree.text }

    /// The document as a tree.
    package var tree: JSONValue {
        var root: [String: JSONValue] = [
            "name": .string(name), "time_zone": .string(zone.identifier),
            "substitute_missed": .bool(substitutesMissed),
        ]
        var scheduled: [String: JSONValue] = [
            "frequency": .string(schedule.frequency.rawValue),
            "times": .array(schedule.times.map { .string($0.description) }),
        ]
        scheduled.set("days", schedule.days)
        root["schedule"] = .object(scheduled)
        var tiers: [String: JSONValue] = [:]
        for (tier, rule) in retention {
            var fields: [String: JSONValue] = ["count": .number(rule.count)]
            fields.set("days", rule.days + rule.month.days)
            fields.set("weeks", rule.month.weeks)
            fields.set("months", rule.months)
            if !rule.month.dates.isEmpty {
                fields["dates"] = .array(
                    rule.month.dates.map { date in
                        switch date {
                        case .day(let day): .number(day)
                        case .last: .string("last")
                        }
                    })
            }
            tiers[tier.rawValue] = .object(fields)
        }
        root["retention"] = .object(tiers)
        return .object(root)
    }
}

extension [String: JSONValue] {
    fileprivate mutating func set(_ key: String, _ values: [some RawRepresentable<String>]) {
        if !values.isEmpty { self[key] = .array(values.map { .string($0.rawValue) }) }
    }
}

/// The members of one object, taken out one after the other; what is left over is an error.
private struct Fields {
    private var members: [String: JSONValue]
    private let path: String

    init(_ value: JSONValue, _ path: String) throws(PolicyError) {
        guard case .object(let members) = value else {
            throw PolicyError(path, "an object is needed here")
        }
        self.members = members
        self.path = path == "policy" ? "" : path + "."
    }

    mutating func take(_ key: String) -> JSONValue? { members.removeValue(forKey: key) }

    mutating func required(_ key: String) throws(PolicyError) -> JSONValue {
        guard let value = take(key) else { throw PolicyError(path + key, "this is missing") }
        return value
    }

    mutating func text(_ key: String, default value: String? = nil) throws(PolicyError) -> String {
        switch take(key) ?? value.map(JSONValue.string) {
        case .string(let text): return text
        case nil: throw PolicyError(path + key, "this is missing")
        default: throw PolicyError(path + key, "a text is needed here")
        }
    }

    mutating func number(_ key: String) throws(PolicyError) -> Int {
        guard case .number(let number) = try required(key) else {
            throw PolicyError(path + key, "a whole number is needed here")
        }
        return number
    }

    mutating func flag(_ key: String, default value: Bool) throws(PolicyError) -> Bool {
        switch take(key) {
        case nil: return value
        case .bool(let flag): return flag
        default: throw PolicyError(path + key, "true or false is needed here")
        }
    }

    mutating func word<T: RawRepresentable<String> & CaseIterable>(
        _ key: String
    ) throws(PolicyError) -> T {
        try Self.word(required(key), path + key)
    }

    private static func word<T: RawRepresentable<String> & CaseIterable>(
        _ value: JSONValue, _ field: String
    ) throws(PolicyError) -> T {
        let allowed = T.allCases.map(\.rawValue).joined(separator: ", ")
        guard case .string(let text) = value, let word = T(rawValue: text) else {
            throw PolicyError(field, "this is not known", allowed: allowed)
        }
        return word
    }

    mutating func words<T: RawRepresentable<String> & CaseIterable>(
        _ key: String
    ) throws(PolicyError) -> [T] {
        try list(key) { value, field throws(PolicyError) in try Self.word(value, field) }
    }

    /// Empty where the key is not there.
    mutating func list<T>(
        _ key: String, _ element: (JSONValue, String) throws(PolicyError) -> T
    ) throws(PolicyError) -> [T] {
        guard let value = take(key) else { return [] }
        guard case .array(let values) = value else {
            throw PolicyError(path + key, "a list is needed here")
        }
        var elements: [T] = []
        for value in values { elements.append(try element(value, path + key)) }
        return elements
    }

    func finish() throws(PolicyError) {
        guard let key = members.keys.min() else { return }
        throw PolicyError("\(path)\(key.prefix(60))", "there is no such field")
    }
}
