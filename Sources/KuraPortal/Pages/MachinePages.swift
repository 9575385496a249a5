/// Registered items: every machine of the vault's region, and what can be done with it.
package enum RegisteredPage {
    package static func html(
        vault: String, _ machines: [MachineView], inventory: String?, _ frame: Frame
    ) -> HTML {
        let rows = machines.map { machine -> [HTML] in
            let name: HTML =
                machine.isRegistered
                ? Elements.link(.vault(vault, "protected", machine.item), machine.name)
                : "\(machine.name)"
            let gone: HTML? = machine.isGone ? " <small>(\(frame(.gone)))</small>" : nil
            return [
                "\(name)\(gone)", "\(machine.cloudService)", "\(machine.disks)",
                "<span class=\"state\">\(frame(.status(machine.status)))</span>",
                "\(machine.policy ?? "–")",
                action(for: machine, vault, frame) ?? "",
            ]
        }
        let table: HTML =
            machines.isEmpty
            ? "<p>\(frame(.noMachines))</p>\n"
            : Elements.table(
                [
                    .init(frame(.name)), .init(frame(.cloudService), isSecondary: true),
                    .init(frame(.disks), isNumber: true, isSecondary: true),
                    .init(frame(.status)), .init(frame(.protectedBy), isSecondary: true),
                    .init(frame(.actions)),
                ], label: frame(.registeredItems), rows)
        let missing: HTML? =
            inventory == nil
            ? """
            <div class="note warn"><p>\(frame(.noInventory)) \
            \(Elements.link(Link("settings"), frame(.setInventory)))</p></div>
            """ : nil
        return Page(
            title: frame(.registeredItems), section: .vaults, vault: vault, tab: .registered,
            commands: [
                CommandLine("vm", "discover", "--vault", vault),
                CommandLine("vm", "list", "--all", "--vault", vault),
            ],
            body: """
                \(missing)\(kind(frame))\(table)\
                \(bar(machines, in: vault, inventory: inventory, frame))
                """
        ).html(frame)
    }

    /// As in the tutorial: the one kind of items that there is.
    private static func kind(_ frame: Frame) -> HTML {
        """
        <div class="field"><label for="kind">\(frame(.kind))</label>\
        \(Elements.select("kind", [("vm", frame(.machine))], chosen: "vm"))</div>

        """
    }

    private static func action(
        for machine: MachineView, _ vault: String, _ frame: Frame
    ) -> HTML? {
        guard frame.role >= .operator else { return nil }
        if machine.isRegistrable {
            return Elements.link(.vault(vault, "register"), frame(.register))
        }
        if machine.isProtectable {
            return """
                \(Elements.link(.vault(vault, "protect"), frame(.protect))) \
                \(Form(to: .vault(vault, "unregister"), frame, """
                    \(Elements.hidden("item", machine.item))\
                    <button class="plain">\(frame(.unregister))</button>
                    """))
                """
        }
        return nil
    }

    private static func bar(
        _ machines: [MachineView], in vault: String, inventory: String?, _ frame: Frame
    ) -> HTML? {
        guard frame.role >= .operator else { return nil }
        let discover =
            inventory == nil
            ? nil
            : Form(
                to: .vault(vault, "discover"), frame,
                "<button class=\"main\">\(frame(.discover))</button>"
            ).html
        let register =
            machines.contains(where: \.isRegistrable)
            ? Elements.button(.vault(vault, "register"), frame(.register)) : nil
        let protect =
            machines.contains(where: \.isProtectable)
            ? Elements.button(.vault(vault, "protect"), frame(.protect)) : nil
        return """
            <div class="bar">\(discover)\(register)\(protect)\
            \(Elements.button(.vault(vault, "agents"), frame(.agents)))</div>

            """
    }
}

/// A list of machines of which some are chosen.
enum MachineChoice {
    static func html(
        _ machines: [MachineView], chosen: [String], value: (MachineView) -> String, _ frame: Frame
    ) -> HTML {
        let rows = machines.enumerated().map { number, machine -> [HTML] in
            let value = value(machine)
            let checked: HTML = chosen.contains(value) ? " checked" : ""
            let id = "item-\(number)"
            return [
                """
                <input type="checkbox" id="\(id)" name="item" value="\(value)"\(checked)>
                """,
                "<label for=\"\(id)\">\(machine.name)</label>", "\(machine.cloudService)",
                "\(machine.disks)",
            ]
        }
        return Elements.table(
            [
                .init(frame(.choose)), .init(frame(.name)), .init(frame(.cloudService)),
                .init(frame(.disks), isNumber: true, isSecondary: true),
            ], label: frame(.machines), rows)
    }
}

/// Register items.
package enum RegisterPage {
    package static func html(
        vault: String, _ machines: [MachineView], problem: Word? = nil, _ frame: Frame
    ) -> HTML {
        let offered = machines.filter(\.isRegistrable)
        let body: HTML
        if offered.isEmpty {
            body = """
                <p>\(frame(.noneToRegister))</p>
                \(Elements.button(.vault(vault, "registered"), frame(.registeredItems)))
                """
        } else {
            let list = MachineChoice.html(offered, chosen: [], value: \.reference, frame)
            let content: HTML = """
                \(list)<div class="bar"><button class="main">\(frame(.register))</button>\
                \(Elements.button(.vault(vault, "registered"), frame(.cancel)))</div>
                """
            body = """
                <p>\(frame(.sameNames))</p>
                \(Form(to: .vault(vault, "register"), frame, content))
                """
        }
        let note = problem.map { word -> HTML in
            "<p class=\"toast bad\" role=\"alert\">\(frame(word))</p>\n"
        }
        return Page(
            title: frame(.registerItems), section: .vaults, vault: vault, tab: .registered,
            commands: [
                CommandLine(
                    ["vm", "register"] + offered.prefix(3).map(\.reference) + ["--vault", vault])
            ],
            body: "\(note)\(body)"
        ).html(frame)
    }
}

/// The agents of the machines.
package enum AgentsPage {
    package static func html(vault: String, _ agents: [AgentView], _ frame: Frame) -> HTML {
        let rows = agents.map { agent -> [HTML] in
            let isGood = agent.state == .ready || agent.state == .off
            let state: HTML =
                agent.problem.map { "<span class=\"state bad\" lang=\"en\">\($0)</span>" }
                ?? "<span class=\"state \(isGood ? "good" : "bad")\">\(frame(agent.word))</span>"
            return [
                "\(agent.reference)", "\(agent.system)",
                "\(frame(agent.isInstalled ? .installed : .notInstalled))",
                "\(agent.version.isEmpty ? "–" : agent.version)", state,
                "\(frame(agent.hasExtension ? .installed : .notInstalled))",
            ]
        }
        let table: HTML =
            agents.isEmpty
            ? "<p>\(frame(.noMachines))</p>\n"
            : Elements.table(
                [
                    .init(frame(.machine)), .init(frame(.system)),
                    .init(frame(.agents), isSecondary: true), .init(frame(.version)),
                    .init(frame(.status)), .init(frame(.backupExtension), isSecondary: true),
                ], label: frame(.agents), rows)
        return Page(
            title: frame(.agents), section: .vaults, vault: vault, tab: .registered,
            commands: [CommandLine("vm", "discover", "--vault", vault)],
            body: """
                <p>\(frame(.agentExplained))</p>
                \(table)<div class="bar">\
                \(Elements.button(.vault(vault, "agents"), frame(.recheck), isMain: true))\
                \(Elements.button(.vault(vault, "registered"), frame(.back)))</div>
                """
        ).html(frame)
    }
}

/// Protected items.
package enum ProtectedPage {
    package static func html(
        vault: String, _ machines: [MachineView], problem: Word? = nil, _ frame: Frame
    ) -> HTML {
        let shown = machines.filter { $0.isProtected || $0.isStopped || $0.isSoftDeleted }
        let canAct = frame.role >= .operator
        let rows = shown.enumerated().map { number, machine -> [HTML] in
            let id = "item-\(number)"
            let box: HTML =
                machine.isProtected && canAct
                ? """
                <input type="checkbox" id="\(id)" name="item" value="\(machine.item)" \
                aria-label="\(machine.item)">
                """ : ""
            let style = machine.isPending ? "warn" : machine.isProtected ? "good" : "warn"
            let overdue: HTML? =
                machine.isOverdue ? " <span class=\"state bad\">\(frame(.overdue))</span>" : nil
            return [
                box, Elements.link(.vault(vault, "protected", machine.item), machine.item),
                "\(machine.cloudService)", "\(machine.policy ?? "–")",
                "<span class=\"state \(style)\">\(frame(.status(machine.status)))</span>\(overdue)",
                Moment.html(machine.lastBackup), "\(machine.points)", Moment.html(machine.nextRun),
            ]
        }
        let note = problem.map { word -> HTML in
            "<p class=\"toast bad\" role=\"alert\">\(frame(word))</p>\n"
        }
        let body: HTML
        if shown.isEmpty {
            body = """
                <p>\(frame(.noneProtected))</p>
                \(Elements.button(.vault(vault, "protect"), frame(.protect), isMain: true))
                """
        } else {
            let table = Elements.table(
                [
                    .init(frame(.choose)), .init(frame(.name)),
                    .init(frame(.cloudService), isSecondary: true),
                    .init(frame(.policy), isSecondary: true), .init(frame(.protectionStatus)),
                    .init(frame(.lastBackup), isSecondary: true),
                    .init(frame(.points), isNumber: true, isSecondary: true),
                    .init(frame(.nextRun), isSecondary: true),
                ], label: frame(.protectedItems), rows)
            body =
                canAct
                ? form(table, in: vault, hasSome: shown.contains(where: \.isProtected), frame)
                : table
        }
        return Page(
            title: frame(.protectedItems), section: .vaults, vault: vault, tab: .protected,
            commands: [
                CommandLine("vm", "list", "--protected", "--vault", vault),
                CommandLine(
                    ["vm", "backup"] + (shown.isEmpty ? ["VM"] : shown.prefix(3).map(\.item))
                        + ["--vault", vault]),
            ],
            body: "\(note)\(body)"
        ).html(frame)
    }

    private static func form(
        _ table: HTML, in vault: String, hasSome: Bool, _ frame: Frame
    ) -> HTML {
        let until = Elements.Input(
            name: "retain-until", type: "date", isRequired: false, hasHint: true)
        let bar: HTML? =
            hasSome
            ? """
            \(Elements.field(
                id: "retain-until", frame(.retainUntil), hint: frame(.retainHint),
                Elements.input(until)))\
            <div class="bar"><button class="main">\(frame(.backUpNow))</button></div>
            """ : nil
        return Form(to: .vault(vault, "backup"), frame, "\(table)\(bar)").html
    }
}
