internal import KuraPolicy

/// One protected item with its recovery points.
package enum ItemPage {
    package struct State: Sendable {
        package var machine = MachineView()
        package var points: [PointView] = []
        package var jobs: [JobView] = []
        package var policies: [String] = []
        /// The day on which the calendar ends.
        package var today = ""
        package var problem: Problem?
        package var wrongName = false

        package init() {}
    }

    package static func html(vault: String, _ state: State, _ frame: Frame) -> HTML {
        let machine = state.machine
        let item = machine.item
        let facts = Elements.facts(
            [
                (
                    frame(.protectionStatus),
                    "<span class=\"state\">\(frame(.status(machine.status)))</span>"
                ),
                (frame(.cloudService), "\(machine.cloudService)"),
                (frame(.policy), policyLink(machine, in: vault, frame)),
                (frame(.lastBackup), Moment.html(machine.lastBackup)),
                (frame(.nextRun), Moment.html(machine.nextRun)),
                (frame(.points), "\(machine.points)"),
            ] + (machine.deletedUntil.map { [(frame(.deletedUntil), Moment.html($0))] } ?? []))
        let calendar =
            state.points.isEmpty
            ? "<p>\(frame(.noPoints))</p>\n"
            : "<h2>\(frame(.calendar))</h2>\n"
                + Calendar.html(state.points, until: state.today, frame)
        let points: HTML? =
            state.points.isEmpty ? nil : table(state.points, of: item, in: vault, frame)
        let jobs: HTML? =
            state.jobs.isEmpty
            ? nil
            : "<h2>\(frame(.recentJobs))</h2>\n" + JobTable.html(state.jobs, isShort: true, frame)
        return Page(
            title: item, section: .vaults, vault: vault, tab: .protected,
            commands: [
                CommandLine("list", "--item", item, "--vault", vault),
                CommandLine("vm", "backup", item, "--vault", vault),
            ],
            body: """
                \(state.problem.map { ProblemNote.html($0, frame) })\(facts)\
                \(actions(machine, in: vault, frame))\(calendar)\(points)\(jobs)\
                \(settings(state, in: vault, frame))
                """
        ).html(frame)
    }

    private static func policyLink(
        _ machine: MachineView, in vault: String, _ frame: Frame
    ) -> HTML {
        guard let policy = machine.policy else { return "–" }
        return Elements.link(.vault(vault, "policies", policy), policy)
    }

    private static func actions(
        _ machine: MachineView, in vault: String, _ frame: Frame
    ) -> HTML? {
        guard frame.role >= .operator else { return nil }
        let item = machine.item
        let backUp: HTML? =
            machine.isProtected
            ? Form(
                to: .vault(vault, "backup"), frame,
                """
                \(Elements.hidden("item", item))<button class="main">\(frame(.backUpNow))</button>
                """
            ).html : nil
        let restore: HTML? =
            machine.points > 0 && !machine.isSoftDeleted
            ? Elements.button(.vault(vault, "protected", item, "restore"), frame(.restore)) : nil
        let undelete: HTML? =
            machine.isSoftDeleted
            ? Form(
                to: .vault(vault, "protected", item, "undelete"), frame,
                "<button class=\"main\">\(frame(.undelete))</button>"
            ).html : nil
        return "<div class=\"bar\">\(backUp)\(restore)\(undelete)</div>\n"
    }

    private static func table(
        _ points: [PointView], of item: String, in vault: String, _ frame: Frame
    ) -> HTML {
        let rows = points.map { point -> [HTML] in
            let style = point.copies < point.copiesWanted ? "warn" : "good"
            let restore =
                frame.role >= .operator
                ? Elements.link(
                    Link(
                        ["vaults", vault, "protected", item, "restore"],
                        query: [("point", point.id)]), frame(.restore)) : ""
            return [
                Moment.html(point.time), "\(frame(point.consistencyWord))",
                "\(tags(point, frame))", Moment.html(point.expires),
                "\(Figures.bytes(point.logicalBytes))", "\(Figures.bytes(point.newBytes))",
                "<span class=\"state \(style)\">\(point.copies)/\(point.copiesWanted)</span>",
                "<code>\(point.short)</code>", restore,
            ]
        }
        return Elements.table(
            [
                .init(frame(.time)), .init(frame(.consistency), isSecondary: true),
                .init(frame(.kept), isSecondary: true), .init(frame(.expires), isSecondary: true),
                .init(frame(.size), isNumber: true, isSecondary: true),
                .init(frame(.uniqueBytes), isNumber: true, isSecondary: true),
                .init(frame(.copiesHere), isNumber: true, isSecondary: true),
                .init(frame(.point), isSecondary: true), .init(frame(.actions)),
            ], label: frame(.points), rows)
    }

    private static func tags(_ point: PointView, _ frame: Frame) -> String {
        point.tags.map { tag in Tier(rawValue: tag).map { frame(.tier($0)) } ?? tag }
            .joined(separator: ", ")
    }

    /// What is changed of a protection that is there.
    private static func settings(_ state: State, in vault: String, _ frame: Frame) -> HTML? {
        let machine = state.machine
        let others = state.policies.map { ($0, $0) }
        let isResumed = machine.isStopped
        let change: HTML? =
            frame.role >= .operator && (machine.isProtected || isResumed)
            ? Form(
                to: .vault(vault, "protected", machine.item, isResumed ? "resume" : "policy"),
                frame,
                """
                <fieldset><legend>\(frame(isResumed ? .resumeProtection : .changePolicy))</legend>\
                \(Elements.field(id: "policy", frame(.policy), Elements.select(
                    "policy", others, chosen: machine.policy ?? "")))\
                <button>\(frame(.save))</button></fieldset>
                """
            ).html : nil
        guard frame.role >= .contributor, machine.isProtected || machine.isStopped else {
            return change
        }
        let kinds = [
            Elements.Choice(value: "retain", title: "\(frame(.stopRetain))", isChosen: true),
            Elements.Choice(value: "per-policy", title: "\(frame(.stopPerPolicy))"),
            Elements.Choice(value: "delete", title: "\(frame(.stopDelete))"),
        ]
        let name = Elements.Input(
            name: "confirm", isWrong: state.wrongName)
        let comment = Elements.Input(name: "comment", isRequired: false)
        return """
            \(change)<details class="card"><summary>\(frame(.stopProtection))</summary>
            \(Form(to: .vault(vault, "protected", machine.item, "stop"), frame, """
                \(Elements.choices("kind", title: frame(.stopProtection), kinds))\
                \(Elements.field(id: "comment", frame(.comment), Elements.input(comment)))\
                \(Elements.field(id: "confirm", "\(frame(.typeName)): \(machine.item)",
                    problem: state.wrongName ? frame(.wrongName) : nil, Elements.input(name)))\
                <button class="danger">\(frame(.stopProtection))</button>
                """))</details>

            """
    }
}

/// A year of recovery points, one square a day, coloured by the longest tier that keeps one.
enum Calendar {
    private static let weeks = 53

    static func html(_ points: [PointView], until today: String, _ frame: Frame) -> HTML {
        guard let last = LocalDate(today) else { return .nothing }
        let weekday = Weekday.allCases.firstIndex(of: last.weekday) ?? 0
        let first = last.adding(days: -(weekday + 7 * (weeks - 1)))
        var days: [LocalDate: (count: Int, tier: Tier?)] = [:]
        for point in points {
            let date = PolicyZone.utc.date(at: point.time)
            let tier = point.tags.compactMap { Tier(rawValue: $0) }.max()
            var day = days[date] ?? (0, nil)
            day.count += 1
            day.tier = [day.tier, tier].compactMap(\.self).max()
            days[date] = day
        }
        let squares = (0...(last.dayNumber - first.dayNumber)).map { distance -> HTML in
            let date = first.adding(days: distance)
            let day = days[date]
            let style = day.map { ($0.tier ?? .daily).rawValue } ?? "empty"
            let title = day.map { day -> HTML in
                "<title>\(date.description): \(frame(.pointCount(day.count)))</title>"
            }
            return """
                <rect class="\(style)" x="\(14 * (distance / 7))" y="\(14 * (distance % 7) + 16)" \
                width="12" height="12" rx="2">\(title)</rect>
                """
        }
        let months = (0..<weeks).compactMap { week -> HTML? in
            let (_, month, day) = first.adding(days: 7 * week).parts
            guard day <= 7 else { return nil }
            return "<text x=\"\(14 * week)\" y=\"10\">\(month)</text>"
        }
        let rows = days.filter { $0.key >= first }.sorted { $0.key > $1.key }.map {
            date, day -> [HTML] in
            [
                "\(date.description)", "\(day.count)",
                "\(day.tier.map { frame(.tier($0)) } ?? "–")",
            ]
        }
        return """
            <div class="scroll newest" tabindex="0" role="region" aria-label="\(frame(.calendar))">\
            <svg class="plot wideplot" viewBox="-4 0 \(14 * weeks + 8) 120" role="img" \
            aria-label="\(frame(.calendar)): \(frame(.pointCount(points.count)))">\
            \(months)\(squares)</svg></div>
            <details><summary>\(frame(.data))</summary>\(Elements.table(
                [
                    .init(frame(.time)), .init(frame(.points), isNumber: true),
                    .init(frame(.kept)),
                ], label: frame(.calendar), rows))</details>

            """
    }
}

/// A restore of an item's disks into a restore target.
package enum RestorePage {
    package static func html(
        vault: String, item: String, _ form: RestoreForm, points: [PointView],
        targets: [TargetView], problem: Problem? = nil, _ frame: Frame
    ) -> HTML {
        let options = points.enumerated().map { number, point in
            let newest = number == 0 ? " (\(frame(.newest)))" : ""
            return (point.id, "\(Self.time(point.time)) – \(point.short)\(newest)")
        }
        let chosen = form.point.isEmpty ? points.first?.id ?? "" : form.point
        let disks = (points.first { $0.id == chosen } ?? points.first)?.disks ?? []
        let places = targets.map { ($0.name, "\($0.name): \($0.path)") }
        let name = Elements.Input(name: "new-name", value: form.newName, hasHint: true)
        let choices = disks.map { disk in
            Elements.Choice(
                value: disk, title: "\(disk)",
                isChosen: form.disks.isEmpty || form.disks.contains(disk))
        }
        let content: HTML = """
            \(Elements.field(id: "point", frame(.point), Elements.select(
                "point", options, chosen: chosen)))\
            \(Elements.choices("disk", title: frame(.diskChoice), isSingle: false, choices))\
            \(Elements.field(id: "target", frame(.target), Elements.select(
                "target", places, chosen: form.target)))\
            \(Elements.field(id: "new-name", frame(.newName), hint: frame(.newNameHint),
                Elements.input(name)))\
            <div class="bar"><button class="main">\(frame(.startRestore))</button>\
            \(Elements.button(.vault(vault, "protected", item), frame(.cancel)))</div>
            """
        let body: HTML =
            if points.isEmpty {
                "<p>\(frame(.noPoints))</p>"
            } else if targets.isEmpty {
                """
                <p class="note warn">\(frame(.noTargets)) \
                \(Elements.link(Link("settings"), frame(.settings)))</p>
                """
            } else {
                Form(to: .vault(vault, "protected", item, "restore"), frame, content).html
            }
        let path = targets.first { $0.name == form.target }?.path ?? targets.first?.path ?? "DIR"
        var command = CommandLine("vm", "restore", item, "--output", path, "--vault", vault)
        if !chosen.isEmpty { command.words += ["--point", String(chosen.prefix(12))] }
        command.words += ["--new-name", form.newName.isEmpty ? "NAME" : form.newName]
        return Page(
            title: "\(frame(.restore)): \(item)", section: .vaults, vault: vault, tab: .protected,
            commands: [command], body: "\(problem.map { ProblemNote.html($0, frame) })\(body)"
        ).html(frame)
    }

    /// For an option, which has no markup in it.
    private static func time(_ time: Int64) -> String {
        let (date, second) = PolicyZone.utc.local(at: time)
        return "\(date) \(Figures.two(second / 3600)):\(Figures.two(second / 60 % 60)) UTC"
    }
}
