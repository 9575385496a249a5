import KuraPolicy
import KuraPortal
import Testing

@Suite("Forms of the portal")
struct FormTests {
    @Test("Values come as they were typed, in their order, with several of one name")
    func values() throws {
        let sent = "item=web-1&item=db%2F1&name=+a+%C3%A4+&empty=&flag"
        let values = try #require(FormValues(urlEncoded: Array(sent.utf8)))
        #expect(values.all("item") == ["web-1", "db/1"])
        #expect(values["name"] == "a ä")
        #expect(values.exact("name") == " a ä ")
        #expect(values.filled("empty") == nil)
        #expect(values["flag"] == "")
        #expect(values["missing"] == nil)
    }

    @Test(
        "What is no form is refused",
        arguments: ["a=%", "a=%4", "a=%zz", "a=%ff", "a=%00", "%c3=1"])
    func malformed(text: String) {
        #expect(FormValues(urlEncoded: Array(text.utf8)) == nil)
    }

    @Test("A form with more values than any page has is refused")
    func tooMany() {
        let text = String(repeating: "a=1&", count: FormValues.pairsMax + 1)
        #expect(FormValues(urlEncoded: Array(text.utf8)) == nil)
    }

    @Test(
        "The wizard begins with the tutorial's policy: 30 days, 104 weeks, 120 months, 99 years"
    )
    func tutorialPolicy() throws {
        var form = PolicyForm.tutorial
        form.name = "gold"
        let policy = try form.policy(for: .classic)
        #expect(
            policy.retention.mapValues(\.count) == [
                .daily: 30, .weekly: 104, .monthly: 120, .yearly: 99,
            ])
        #expect(policy.retention[.monthly]?.month.weeks == [.last])
        #expect(policy.retention[.yearly]?.months == [.january])
    }

    @Test(
        "A policy that goes through its fields comes out the same, dates and weekly ones included")
    func roundTrip() throws {
        var dates = Policy.standard
        dates.name = "dates"
        dates.retention[.monthly] = Policy.TierRule(
            count: 12, month: Policy.MonthRule(dates: [.day(1), .last]))
        let weekly = Policy(
            name: "weekly", zone: try #require(PolicyZone("Asia/Tokyo")),
            schedule: Policy.Schedule(
                frequency: .weekly, times: [TimeOfDay(hour: 2, minute: 30)],
                days: [.monday, .friday]),
            retention: [.weekly: Policy.TierRule(count: 8, days: [.monday, .friday])])
        for policy in [.standard, dates, weekly] {
            #expect(try PolicyForm(policy).policy(for: .classic) == policy)
        }
    }

    @Test(
        "A wrong field is named, with the rule that it breaks",
        arguments: [
            (["times": "25:00"], "schedule.times"), (["zone": "Mars/Base"], "time_zone"),
            (["daily": "many"], "retention.daily.count"),
            (["daily": "0"], "retention.daily.count"), (["policy-name": "1"], "name"),
            (["frequency": "hourly"], "schedule.frequency"),
            (["daily": ""], "retention"),
        ])
    func wrongFields(change: [String: String], field: String) {
        let typed = [
            "policy-name": "gold", "times": "23:00", "zone": "UTC", "frequency": "daily",
            "daily": "30",
        ].merging(change) { $1 }
        let form = PolicyForm(FormValues(typed.map { ($0.key, $0.value) }))
        let error = #expect(throws: PolicyError.self) { try form.policy(for: .classic) }
        #expect(error?.field.hasPrefix(field) == true, "\(String(describing: error))")
    }

    @Test("The command beside a policy's fields says all of it, or names a file")
    func command() {
        var form = PolicyForm.tutorial
        form.name = "gold"
        #expect(
            form.command(vault: "tokyo").text
                == "kura policy create gold --vault tokyo --time 23:00 --time-zone UTC --daily 30 "
                + "--weekly 104 --weekly-day sunday --monthly 120 --monthly-on 'last sunday' "
                + "--yearly 99 --yearly-on 'first sunday of january'")
        form.tiers[.monthly]?.days = ["sunday", "friday"]
        #expect(
            form.command(vault: "tokyo").text
                == "kura policy create gold --vault tokyo --file FILE")
    }

    @Test("The simulation counts what backups and prunes would leave")
    func simulation() {
        let view = SimulationView(.standard, from: LocalDate(year: 2026, month: 1, day: 1))
        #expect(view.rows.map(\.years) == [1, 5, 10])
        #expect(view.rows.map(\.made) == [365, 1826, 3652])
        #expect(view.rows.allSatisfy { 29...31 ~= $0.kept && $0.tiers[.daily] == $0.kept })
    }

    @Test("A vault's name is checked while it is typed", arguments: ["1a", "a", "a b", "é", ""])
    func vaultNames(name: String) {
        #expect(VaultForm(FormValues([("name", name)])).nameProblem != nil)
        #expect(VaultForm(FormValues([("name", "tokyo-1")])).nameProblem == nil)
    }

    @Test("The first language of the browser that there is decides, and Japanese where none is")
    func languages() {
        #expect(Language(accepting: "fr-FR, en;q=0.5, ja;q=0.4") == .en)
        #expect(Language(accepting: "ja-JP,en") == .ja)
        #expect(Language(accepting: "") == .ja)
    }

    @Test("Each role has the rights of those before it")
    func roles() {
        #expect(Role.allCases == Role.allCases.sorted())
        #expect(Role.operator < .contributor)
    }
}
