/// What goes on: of everything, or of one vault.
package enum DashboardPage {
    package struct State: Sendable {
        /// Nil for everything.
        package var vault: VaultView?
        package var machines: [MachineView] = []
        /// Of the last 24 hours and a little more.
        package var jobs: [JobView] = []
        package var usage: UsageView?
        package var lags: [LagView] = []
        package var absences: [Problem] = []
        package var now: Int64 = 0

        package init() {}
    }

    package static func html(_ state: State, _ frame: Frame) -> HTML {
        let name = state.vault?.name
        let command =
            name.map { CommandLine("stats", "--vault", $0) } ?? CommandLine("doctor")
        return Page(
            title: frame(.dashboard), section: name == nil ? .dashboard : .vaults, vault: name,
            tab: name == nil ? nil : .dashboard,
            commands: [command, CommandLine("job", "list")],
            body: """
                \(absences(state, frame))\(tiles(state, frame))<h2>\(frame(.timeline))</h2>
                \(Timeline.html(state.jobs, now: state.now, frame))\
                \(usage(state, frame))\(lags(state, frame))\(next(state, frame))
                """
        ).html(frame)
    }

    private static func absences(_ state: State, _ frame: Frame) -> HTML? {
        guard !state.absences.isEmpty else { return nil }
        return "<h2>\(frame(.absences))</h2>\n\(state.absences.map { ProblemNote.html($0, frame) })"
    }

    private static func tiles(_ state: State, _ frame: Frame) -> HTML {
        let recent = state.jobs.filter { $0.started > state.now - Figures.nanosecondsADay }
        let jobs: Link = state.vault.map { .vault($0.name, "jobs") } ?? Link("jobs")
        func jobTile(_ word: Word, _ status: String, style: String) -> HTML {
            let count = recent.count { $0.status == status }
            return """
                <li class="\(count > 0 ? style : "")"><a href="\(jobs)?status=\(status)">\
                <strong>\(count)</strong>\(frame(word))</a></li>

                """
        }
        func tile(_ word: Word, _ count: Int, style: String) -> HTML {
            let text: HTML = "<strong>\(count)</strong>\(frame(word))"
            let place = state.vault.map { vault -> HTML in
                "<a href=\"\(Link.vault(vault.name, "protected"))\">\(text)</a>"
            }
            return """
                <li class="\(count > 0 ? style : "")">\(place ?? "<div>\(text)</div>")</li>

                """
        }
        return """
            <ul class="tiles">\(jobTile(.failedDay, "Failed", style: "bad"))\
            \(jobTile(.warnedDay, "CompletedWithWarnings", style: "warn"))\
            \(jobTile(.inProgressNow, "InProgress", style: "busy"))\
            \(tile(.overdue, state.machines.count(where: \.isOverdue), style: "bad"))\
            \(tile(.pendingItems, state.machines.count(where: \.isPending), style: "warn"))\
            \(tile(.softDeletedItems, state.machines.count(where: \.isSoftDeleted), style: "warn"))\
            </ul>

            """
    }

    private static func usage(_ state: State, _ frame: Frame) -> HTML? {
        guard let usage = state.usage else { return nil }
        return """
            <h2>\(frame(.usage))</h2>
            \(Elements.facts([
                (frame(.logicalBytes), "\(Figures.bytes(usage.logicalBytes))"),
                (frame(.uniqueBytes), "\(Figures.bytes(usage.uniqueBytes))"),
                (frame(.stored), "\(Figures.bytes(usage.storedBytes))"),
                (frame(.deduplication), "\(Figures.tenths(usage.deduplication))"),
                (frame(.compression), "\(Figures.tenths(usage.compression))"),
            ]))
            """
    }

    private static func lags(_ state: State, _ frame: Frame) -> HTML? {
        guard !state.lags.isEmpty else { return nil }
        return """
            <h2>\(frame(.replicationLag))</h2>
            \(Elements.facts(state.lags.map { ($0.vault, "<span lang=\"en\">\($0.text)</span>") }))
            """
    }

    private static func next(_ state: State, _ frame: Frame) -> HTML? {
        let planned = state.machines.compactMap { machine in
            machine.nextRun.map { (machine, $0) }
        }.sorted { $0.1 < $1.1 }.prefix(10)
        guard !planned.isEmpty else { return nil }
        let rows = planned.map { machine, run -> [HTML] in
            let vault = machine.vault ?? ""
            return [
                Elements.link(.vault(vault, "protected", machine.item), machine.item),
                "\(vault)", "\(machine.policy ?? "")", Moment.html(run),
            ]
        }
        return """
            <h2>\(frame(.nextRuns))</h2>
            \(Elements.table(
                [
                    .init(frame(.item)), .init(frame(.vault), isSecondary: true),
                    .init(frame(.policy), isSecondary: true), .init(frame(.nextRun)),
                ], label: frame(.nextRuns), rows))
            """
    }
}

/// Regions with their replicas.
package enum RegionsPage {
    package static func html(
        _ regions: [RegionView], lags: [LagView], problem: Problem? = nil, _ frame: Frame
    ) -> HTML {
        let cards = regions.map { region -> HTML in
            let rows = region.replicas.map { replica -> [HTML] in
                [
                    "<code>\(replica.path)</code>",
                    replica.problem.map { "<span class=\"state bad\" lang=\"en\">\($0)</span>" }
                        ?? "<span class=\"state good\">\(frame(.reachable))</span>",
                ]
            }
            let vaults = region.vaults.map { name -> HTML in
                "\(Elements.link(.vault(name), name)) "
            }
            return """
                <section class="card"><h2>\(region.name)</h2>
                \(Elements.facts([
                    (frame(.pair), "\(region.pair ?? frame(.none))"),
                    (frame(.vaultsHere), vaults.isEmpty ? "–" : "\(vaults)"),
                ]))\(Elements.table(
                    [.init(frame(.path)), .init(frame(.status))],
                    label: "\(frame(.replicas)): \(region.name)", rows))</section>

                """
        }
        let behind: HTML? =
            lags.isEmpty
            ? nil
            : """
            <h2>\(frame(.replicationLag))</h2>
            \(Elements.facts(lags.map { ($0.vault, "<span lang=\"en\">\($0.text)</span>") }))
            """
        return Page(
            title: frame(.regions), section: .regions,
            commands: [CommandLine("region", "list"), CommandLine("region", "add", "NAME")],
            body: """
                \(problem.map { ProblemNote.html($0, frame) })\(cards)\(behind)\
                \(frame.role == .owner ? new(frame) : nil)
                """
        ).html(frame)
    }

    private static func new(_ frame: Frame) -> HTML {
        let name = Elements.Input(name: "region", lengthMax: 50, hasHint: true)
        let pair = Elements.Input(name: "pair", isRequired: false, lengthMax: 50, hasHint: true)
        return Form(
            to: Link("regions"), frame,
            """
            <fieldset><legend>\(frame(.addRegion))</legend>\
            \(Elements.field(
                id: "region", frame(.name), hint: frame(.regionNameHint), Elements.input(name)))\
            \(Elements.field(
                id: "pair", frame(.pair), hint: frame(.pairHint), Elements.input(pair)))\
            <button>\(frame(.addRegion))</button></fieldset>
            """
        ).html
    }
}
