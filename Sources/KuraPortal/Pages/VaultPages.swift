/// Recovery Services: every vault.
package enum VaultsPage {
    package static func html(_ vaults: [VaultView], absences: [Problem], _ frame: Frame) -> HTML {
        let rows = vaults.map { vault -> [HTML] in
            [
                Elements.link(.vault(vault.name), vault.name), "\(vault.region)",
                "\(frame(.redundancyNamed(vault.redundancy)))",
                "<span class=\"state \(vault.state == .active ? "good" : "bad")\">"
                    + "\(frame(vault.status))</span>",
                "\(vault.itemCount)", "\(vault.pointCount)", "\(Figures.bytes(vault.storedBytes))",
            ]
        }
        let table =
            vaults.isEmpty
            ? "<p>\(frame(.noVaults)) \(frame(.vaultExplained))</p>\n"
            : Elements.table(
                [
                    .init(frame(.name)), .init(frame(.region)),
                    .init(frame(.redundancy), isSecondary: true), .init(frame(.status)),
                    .init(frame(.items), isNumber: true, isSecondary: true),
                    .init(frame(.points), isNumber: true, isSecondary: true),
                    .init(frame(.stored), isNumber: true, isSecondary: true),
                ], label: frame(.vaultList), rows)
        let new: HTML? =
            frame.role >= .contributor
            ? """
            <div class="bar">\(Elements.button(
                Link("vaults", "new"), frame(.newVault), isMain: true))</div>
            """ : nil
        return Page(
            title: frame(.vaultList), section: .vaults, commands: [CommandLine("vault", "list")],
            body: "\(absences.map { ProblemNote.html($0, frame) })\(table)\(new)"
        ).html(frame)
    }
}

/// Quick create.
package enum NewVaultPage {
    /// - Parameter problem: why the engine refused what the form says; nil where it did not.
    package static func html(
        _ form: VaultForm, regions: [RegionView], home: String, problem: Problem? = nil,
        _ frame: Frame
    ) -> HTML {
        let name = Elements.Input(
            name: "name", value: form.name, lengthMax: 50, hasHint: true,
            isWrong: form.nameProblem != nil)
        let places = regions.map { region in
            (region.name, region.name + (region.pair.map { " ↔ \($0)" } ?? ""))
        }
        let redundancies =
            [("", frame(.automatic))]
            + ["lrs", "zrs", "grs", "ra-grs"].map { ($0, frame(.redundancyNamed($0))) }
        let profiles = [("classic", frame(.classic)), ("modern", frame(.modern))]
        let content: HTML = """
            \(Elements.field(id: "name", frame(.name), hint: frame(.vaultNameHint),
                problem: form.nameProblem, Elements.input(name)))\
            \(Elements.field(id: "region", frame(.region), hint: frame(.regionHint),
                Elements.select("region", places, chosen: form.region)))\
            \(Elements.field(id: "redundancy", frame(.storageReplication),
                Elements.select("redundancy", redundancies, chosen: form.redundancy)))\
            \(Elements.field(id: "profile", frame(.profile),
                Elements.select("profile", profiles, chosen: form.profile)))\
            \(Elements.facts([(frame(.subscription), "\(home)")]))\
            <div class="bar"><button class="main">\(frame(.createVault))</button>\
            \(Elements.button(Link("vaults"), frame(.cancel)))</div>
            """
        let note = problem.map { ProblemNote.html($0, frame) }
        return Page(
            title: frame(.quickCreate), section: .vaults, commands: [form.command],
            body: """
                <p>\(frame(.vaultExplained))</p>
                \(note)\(Form(to: Link("vaults", "new"), frame, content))
                """
        ).html(frame)
    }
}

/// Quick start: the six steps of the tutorial.
package enum QuickStartPage {
    package struct Counts: Sendable {
        package var discovered = 0
        package var registered = 0
        package var ready = 0
        package var protected = 0
        package var points = 0

        package init() {}
    }

    private struct Step {
        var word: Word
        var link: Link
        var isDone: Bool
        var note: String
    }

    package static func html(_ vault: VaultView, counts: Counts, _ frame: Frame) -> HTML {
        let name = vault.name
        let steps = [
            Step(
                word: .stepReplication, link: .vault(name, "configure"), isDone: true,
                note: frame(.redundancyNamed(vault.redundancy))),
            Step(
                word: .stepDiscover, link: .vault(name, "registered"),
                isDone: counts.discovered > 0, note: frame(.discovered(counts.discovered))),
            Step(
                word: .stepRegister, link: .vault(name, "register"), isDone: counts.registered > 0,
                note: frame(.registeredCount(counts.registered))),
            Step(
                word: .stepAgent, link: .vault(name, "agents"),
                isDone: counts.registered > 0 && counts.ready >= counts.registered,
                note: "\(counts.ready)/\(counts.registered)"),
            Step(
                word: .stepProtect, link: .vault(name, "protect"), isDone: counts.protected > 0,
                note: frame(.protectedCount(counts.protected))),
            Step(
                word: .stepBackUp, link: .vault(name, "protected"), isDone: counts.points > 0,
                note: frame(.pointCount(counts.points))),
        ]
        let next = steps.firstIndex { !$0.isDone }
        let items = steps.enumerated().map { number, step -> HTML in
            let state: Word = step.isDone ? .done : number == next ? .nextStep : .later
            return """
                <li class="\(number == next ? "next" : "")"><span>\(number + 1). \
                \(Elements.link(step.link, frame(step.word)))</span> <span class="dim">\(step.note)\
                </span> <span class="state \(step.isDone ? "good" : "busy")">\(frame(state))</span>\
                </li>

                """
        }
        return Page(
            title: frame(.quickStart), section: .vaults, vault: name, tab: .quickStart,
            commands: [
                CommandLine("vault", "show", name), CommandLine("vm", "discover"),
                CommandLine("vm", "register", "VM", "--vault", name),
                CommandLine("vm", "protect", "VM", "--policy", "DefaultPolicy", "--vault", name),
                CommandLine("vm", "backup", "VM", "--vault", name),
            ],
            body: "<ol class=\"steps\">\(items)</ol>\n"
        ).html(frame)
    }
}

/// Configure: storage replication, and what else holds for all of a vault.
package enum ConfigurePage {
    package static func html(
        _ vault: VaultView, isFrozen: Bool, hasPair: Bool, problem: Problem? = nil, _ frame: Frame
    ) -> HTML {
        let explained: [String: Word] = [
            "lrs": .lrsExplained, "zrs": .zrsExplained, "grs": .grsExplained,
            "ra-grs": .raGRSExplained,
        ]
        let choices = ["lrs", "zrs", "grs", "ra-grs"].map { name -> Elements.Choice in
            let text = explained[name].map { frame($0) } ?? ""
            return Elements.Choice(
                value: name,
                title: "\(frame(.redundancyNamed(name)))<br><small>\(text)</small>",
                isChosen: name == vault.redundancy,
                isLocked: name.hasSuffix("grs") && !hasPair && name != vault.redundancy)
        }
        let convert: HTML? =
            isFrozen
            ? """
            <p>\(frame(.frozen))</p><div class="choice"><input type="checkbox" id="convert" \
            name="convert" value="yes"><label for="convert">\(frame(.convert))</label></div>
            """ : nil
        let pairs: HTML? = hasPair ? nil : "<p class=\"hint\">\(frame(.noPair))</p>"
        let isAllowed = frame.role >= .contributor
        let save: HTML? =
            isAllowed
            ? "<div class=\"bar\"><button class=\"main\">\(frame(.save))</button></div>" : nil
        let content: HTML = """
            \(Elements.choices("redundancy", title: frame(.storageReplication), choices))\(pairs)\
            \(convert)\(save)
            """
        let facts = Elements.facts([
            (frame(.region), "\(vault.region)"), (frame(.pair), "\(vault.pair ?? frame(.none))"),
            (frame(.profile), "\(vault.profile)"), (frame(.copies), "\(vault.copies)"),
            (frame(.minCopies), "\(vault.minCopies)"),
        ])
        var command = CommandLine("vault", "set-redundancy", vault.name, vault.redundancy)
        if isFrozen { command.words.append("--convert") }
        return Page(
            title: frame(.configure), section: .vaults, vault: vault.name, tab: .configure,
            commands: [command],
            body: """
                \(problem.map { ProblemNote.html($0, frame) })\(facts)\
                \(Form(to: .vault(vault.name, "configure"), frame, content))
                """
        ).html(frame)
    }
}
