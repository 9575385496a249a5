package import KuraPolicy

/// The rules of a policy in words.
enum PolicyText {
    static func summary(_ policy: Policy, _ frame: Frame) -> String {
        let times = policy.schedule.times.map(\.description).joined(separator: ", ")
        let days =
            policy.schedule.frequency == .daily
            ? frame(.daily)
            : frame(.weekly) + " "
                + policy.schedule.days.map { frame(.day($0)) }.joined(separator: ", ")
        let kept = Tier.allCases.compactMap { tier in
            policy.retention[tier].map { frame(.period(tier, $0.count)) }
        }
        return "\(days) \(times) (\(policy.zone.identifier)) – \(kept.joined(separator: ", "))"
    }
}

/// The fields of a policy.
enum PolicyFields {
    static func schedule(
        _ form: PolicyForm, isNameLocked: Bool = false, _ frame: Frame
    ) -> HTML {
        let name = Elements.Input(
            name: "policy-name", value: form.name, isRequired: false, lengthMax: 150, hasHint: true,
            isWrong: form.problem(in: "name") != nil)
        let times = Elements.Input(
            name: "times", value: form.times, isRequired: false, hasHint: true,
            isWrong: form.problem(in: "schedule.times") != nil)
        let zone = Elements.Input(
            name: "zone", value: form.zone, isRequired: false, lengthMax: 60, hasHint: true,
            isWrong: form.problem(in: "time_zone") != nil)
        let frequencies = [("daily", frame(.daily)), ("weekly", frame(.weekly))]
        let named: HTML =
            isNameLocked
            ? Elements.hidden("policy-name", form.name)
            : Elements.field(
                id: "policy-name", frame(.name), hint: frame(.policyNameHint),
                problem: form.problem(in: "name"), Elements.input(name))
        return """
            \(named)\
            \(Elements.field(id: "frequency", frame(.frequency),
                problem: form.problem(in: "schedule.frequency"),
                Elements.select("frequency", frequencies, chosen: form.frequency)))\
            \(Elements.field(id: "times", frame(.times), hint: frame(.timesHint),
                problem: form.problem(in: "schedule.times"), Elements.input(times)))\
            \(Elements.field(id: "zone", frame(.timeZone), hint: frame(.timeZoneHint),
                problem: form.problem(in: "time_zone"), Elements.input(zone)))\
            \(weekdays("days", title: frame(.backupDays), chosen: form.days, frame))\
            \(wrong(form.problem(in: "schedule.days")))
            """
    }

    static func retention(_ form: PolicyForm, _ frame: Frame) -> HTML {
        "\(Tier.allCases.map { tier($0, of: form, frame) })\(wrong(generalProblem(form)))"
    }

    private static func generalProblem(_ form: PolicyForm) -> String? {
        guard let problem = form.problem, problem.field == "retention" else { return nil }
        return form.problem(in: "retention")
    }

    private static func wrong(_ text: String?) -> HTML? {
        text.map { "<p class=\"wrong\" role=\"alert\">\($0)</p>\n" }
    }

    private static func tier(_ tier: Tier, of form: PolicyForm, _ frame: Frame) -> HTML {
        let fields = form.tiers[tier] ?? PolicyForm.Tier()
        let id = tier.rawValue
        let titles: [Tier: Word] = [
            .daily: .dailyRetention, .weekly: .weeklyRetention, .monthly: .monthlyRetention,
            .yearly: .yearlyRetention,
        ]
        let count = Elements.Input(
            name: id, value: fields.count, type: "number", isRequired: false, lengthMax: 6)
        let days: HTML? =
            tier == .daily
            ? nil : weekdays("\(id)-day", title: frame(.weekday), chosen: fields.days, frame)
        let weeks: HTML? =
            tier < .monthly
            ? nil
            : boxes(
                "\(id)-week", title: frame(.weekOfMonth),
                WeekOfMonth.allCases.map { ($0.rawValue, frame(.week($0))) }, chosen: fields.weeks)
        let months: HTML? =
            tier == .yearly
            ? boxes(
                "\(id)-month", title: frame(.month),
                Month.allCases.map { ($0.rawValue, frame(.month($0))) }, chosen: fields.months)
            : nil
        let problem = form.problem(in: "retention.\(id)")
        return """
            <fieldset><legend>\(titles[tier].map { frame($0) } ?? "")</legend>\
            \(Elements.field(
                id: id, "\(frame(.keepFor)) (\(frame(.unit(tier))))", Elements.input(count)))\
            \(weeks)\(days)\(months)\
            \(fields.dates.isEmpty ? nil : Elements.hidden("\(id)-dates", fields.dates))\
            \(wrong(problem))</fieldset>

            """
    }

    private static func weekdays(
        _ name: String, title: String, chosen: [String], _ frame: Frame
    ) -> HTML {
        boxes(
            name, title: title, Weekday.allCases.map { ($0.rawValue, frame(.day($0))) },
            chosen: chosen)
    }

    private static func boxes(
        _ name: String, title: String, _ values: [(String, String)], chosen: [String]
    ) -> HTML {
        let choices = values.map { value, title in
            Elements.Choice(value: value, title: "\(title)", isChosen: chosen.contains(value))
        }
        let list = Elements.choices(name, title: title, isSingle: false, choices)
        return "<div class=\"days\">\(list)</div>\n"
    }
}

/// What will be there in some years.
enum SimulationTable {
    static func html(_ simulation: SimulationView, _ frame: Frame) -> HTML {
        let used = Tier.allCases.filter { tier in
            simulation.rows.contains { $0.tiers[tier] ?? 0 > 0 }
        }
        let rows = simulation.rows.map { row -> [HTML] in
            ["\(frame(.years(row.years)))", "\(row.made)", "\(row.kept)"]
                + used.map { "\(row.tiers[$0] ?? 0)" }
                + ["\(row.oldest.map { Moment.day($0) } ?? "–")"]
        }
        return """
            <h2>\(frame(.simulation))</h2>
            \(Elements.table(
                [
                    .init(frame(.after)), .init(frame(.made), isNumber: true),
                    .init(frame(.total), isNumber: true),
                ] + used.map { .init(frame(.tier($0)), isNumber: true, isSecondary: true) }
                    + [.init(frame(.oldest), isNumber: true)],
                label: frame(.simulation), rows))
            """
    }
}

/// The policies of a vault.
package enum PoliciesPage {
    package static func html(
        vault: String, _ policies: [(policy: Policy, items: [String])], _ frame: Frame
    ) -> HTML {
        let rows = policies.map { found -> [HTML] in
            [
                Elements.link(
                    .vault(vault, "policies", found.policy.name), found.policy.name),
                "\(PolicyText.summary(found.policy, frame))", "\(found.items.count)",
            ]
        }
        let new: HTML? =
            frame.role >= .contributor
            ? """
            <div class="bar">\(Elements.button(
                .vault(vault, "new-policy"), frame(.newPolicy), isMain: true))</div>
            """ : nil
        return Page(
            title: frame(.policies), section: .vaults, vault: vault, tab: .policies,
            commands: [CommandLine("policy", "list", "--vault", vault)],
            body: """
                \(Elements.table(
                    [
                        .init(frame(.name)), .init(frame(.rules)),
                        .init(frame(.items), isNumber: true),
                    ], label: frame(.policies), rows))\(new)
                """
        ).html(frame)
    }
}

/// One policy, to be made or changed.
package enum PolicyPage {
    /// What is known of a policy that is changed.
    package struct State: Sendable {
        /// Nil for a new one.
        package var known: Policy?
        package var items: [String] = []
        package var simulation: SimulationView?
        /// Per item, points that go because of the change; nil where that was not asked for.
        package var going: [(item: String, points: Int)]?
        package var failure: Problem?

        package init() {}
    }

    package static func html(
        vault: String, _ form: PolicyForm, state: State, _ frame: Frame
    ) -> HTML {
        let isNew = state.known == nil
        let action: Link =
            state.known.map { .vault(vault, "policies", $0.name) } ?? .vault(vault, "new-policy")
        let impact = state.going.map { going -> HTML in
            let lines = going.map { "\(frame(.going($0.points, of: $0.item)))" as HTML }
            return """
                <div class="note warn" role="status">\(going.isEmpty
                    ? "<p>\(frame(.nothingGoes))</p>" : Elements.list(lines))</div>
                """
        }
        let canChange = frame.role >= .contributor
        let look: HTML? =
            isNew
            ? "<button name=\"go\" value=\"stay\">\(frame(.simulate))</button>"
            : "<button name=\"go\" value=\"stay\">\(frame(.impact))</button>"
        let bar: HTML? =
            canChange
            ? """
            <div class="bar"><button class="main" name="go" value="save">\(frame(.save))</button>\
            \(look)\(Elements.button(.vault(vault, "policies"), frame(.cancel)))</div>
            """ : nil
        let content: HTML = """
            \(PolicyFields.schedule(form, isNameLocked: !isNew, frame))\
            \(PolicyFields.retention(form, frame))\(impact)\
            \(state.simulation.map { SimulationTable.html($0, frame) })\(bar)
            """
        let summary: HTML? = state.known.map { policy in
            let items = state.items.isEmpty ? frame(.none) : state.items.joined(separator: ", ")
            return Elements.facts([
                (frame(.rules), "\(PolicyText.summary(policy, frame))"),
                (frame(.items), "\(items)"),
            ])
        }
        let isDeletable =
            canChange && state.items.isEmpty
            && state.known.map { $0.name != Policy.standardName }
                ?? false
        let delete: HTML? =
            isDeletable
            ? Form(
                to: action, frame,
                """
                <button class="danger" name="go" value="delete">\(frame(.delete))</button>
                """
            ).html : nil
        let command =
            state.known.map { CommandLine("policy", "show", $0.name, "--vault", vault) }
            ?? form.command(vault: vault)
        return Page(
            title: state.known?.name ?? frame(.newPolicy), section: .vaults, vault: vault,
            tab: .policies, commands: [command],
            body: """
                \(state.failure.map { ProblemNote.html($0, frame) })\(summary)\
                \(Form(to: action, frame, content))\(delete)
                """
        ).html(frame)
    }
}
