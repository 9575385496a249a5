import KuraPolicy
import Testing

struct ValidationTests {
    /// What is changed in the tutorial's policy, and the field that is then wrong.
    static let wrong: [(String, String, String)] = [
        (#""Asia/Tokyo""#, #""Asia/Atlantis""#, "time_zone"),
        (#""gold""#, #""9old""#, "name"),
        (#""gold""#, #""go""#, "name"),
        (#""23:00""#, #""24:00""#, "schedule.times"),
        (#"["23:00"]"#, "[]", "schedule.times"),
        (#"["23:00"]"#, #"["23:00", "23:00"]"#, "schedule.times"),
        (#""frequency": "daily""#, #""frequency": "hourly""#, "schedule.frequency"),
        (#""frequency": "daily""#, #""frequency": "daily", "days": ["sunday"]"#, "schedule.days"),
        (#""daily": {"count": 30},"#, "", "retention.daily"),
        (#""count": 30"#, #""count": 0"#, "retention.daily.count"),
        (#""count": 30"#, #""count": 10000"#, "retention.daily.count"),
        (#""count": 104"#, #""count": 5164"#, "retention.weekly.count"),
        (#""count": 120"#, #""count": 1189"#, "retention.monthly.count"),
        (#""count": 99"#, #""count": 100"#, "retention.yearly.count"),
        (#""count": 30"#, #""count": "30""#, "retention.daily.count"),
        (#"104, "days": ["sunday"]"#, #"104, "days": []"#, "retention.weekly.days"),
        (
            #"104, "days": ["sunday"]"#, #"104, "days": ["sunday", "sunday"]"#,
            "retention.weekly.days"
        ),
        (#""weeks": ["last"], "days": ["sunday"]"#, #""dates": [29]"#, "retention.monthly.dates"),
        (#""weeks": ["last"], "days": ["sunday"]"#, #""dates": [1, 1]"#, "retention.monthly.dates"),
        (#""weeks": ["last"], "days"#, #""dates": [1], "days"#, "retention.monthly.dates"),
        (
            #""weeks": ["last"], "days": ["sunday"]"#, #""weeks": ["fifth"], "days": ["sunday"]"#,
            "retention.monthly.weeks"
        ),
        (
            #""weeks": ["last"], "days": ["sunday"]"#, #""weeks": ["last"]"#,
            "retention.monthly.days"
        ),
        (#"["january"]"#, "[]", "retention.yearly.months"),
        (#""name""#, #""nome": 1, "name""#, "nome"),
        (#""count": 30"#, #""count": 30, "days": ["sunday"]"#, "retention.daily.days"),
    ]

    @Test("A policy that breaks a rule is refused, and the field is named", arguments: wrong)
    func refused(old: String, new: String, field: String) throws {
        let text = tutorial.replacing(old, new)
        #expect(text != tutorial)
        do {
            _ = try policy(text)
            Issue.record("accepted: \(text)")
        } catch let error as PolicyError {
            #expect(error.field == field)
            #expect(!error.rule.isEmpty)
        }
    }

    @Test("The largest values are accepted")
    func largest() throws {
        let text = tutorial.replacing("30}", "9999}").replacing("104", "5163").replacing(
            "120", "1188")
        _ = try policy(text)
    }

    @Test("The modern profile keeps daily points for seven days at least")
    func modern() throws {
        let short = try policy(tutorial.replacing("30}", "6}"))
        #expect(throws: PolicyError.self) { try short.validate(for: .modern) }
        try policy(tutorial.replacing("30}", "7}")).validate(for: .modern)
    }

    @Test("A weekly schedule needs its own days in the weekly retention, and nothing by date")
    func weekly() throws {
        let weekly = """
            {"name": "weekly", "schedule": {"frequency": "weekly", "times": ["01:00"],
              "days": ["sunday", "wednesday"]},
             "retention": {"weekly": {"count": 4, "days": ["wednesday", "sunday"]},
               "monthly": {"count": 2, "weeks": ["first"], "days": ["sunday"]}}}
            """
        _ = try policy(weekly)
        for (old, new) in [
            (#""days": ["wednesday", "sunday"]"#, #""days": ["sunday"]"#),
            (#""weeks": ["first"], "days": ["sunday"]"#, #""dates": [1]"#),
            (
                #""weeks": ["first"], "days": ["sunday"]"#,
                #""weeks": ["first"], "days": ["monday"]"#
            ),
            (#""retention": {"#, #""retention": {"daily": {"count": 7}, "#),
        ] {
            #expect(throws: PolicyError.self) { try policy(weekly.replacing(old, new)) }
        }
    }

    @Test("A policy's document reads back as the same policy")
    func roundTrip() throws {
        let gold = try policy(tutorial)
        let read = try policy(gold.document)
        #expect(read == gold)
        let dated = try policy(
            tutorial.replacing(#""weeks": ["last"], "days": ["sunday"]"#, #""dates": [1, "last"]"#))
        let readDated = try policy(dated.document)
        #expect(readDated == dated)
    }

    @Test("What is no JSON, or too long, is refused", arguments: ["", "[]", "{", "null", "{}"])
    func noJSON(text: String) {
        #expect(throws: PolicyError.self) { try Policy.parse(Array(text.utf8)) }
        let long = [UInt8](repeating: 0x20, count: Policy.documentBytesMax + 1)
        #expect(throws: PolicyError.self) { try Policy.parse(long) }
    }
}
