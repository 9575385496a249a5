/// Who did what: of this server, and of the vaults.
package enum AuditPage {
    package static func html(
        calls: [AuditView], journal: [AuditView], _ frame: Frame
    ) -> HTML {
        let callRows = calls.map { entry -> [HTML] in
            [
                Moment.html(entry.time), "\(entry.who)", "\(entry.source)", "\(entry.what)",
                "\(entry.note)",
            ]
        }
        let journalRows = journal.map { entry -> [HTML] in
            [
                Moment.html(entry.time), "\(entry.who)", "\(entry.vault)", "\(entry.what)",
                "<span lang=\"en\">\(entry.note)</span>",
            ]
        }
        let nothing: HTML = "<p>\(frame(.nothingRecorded))</p>\n"
        return Page(
            title: frame(.audit), section: .audit,
            commands: [CommandLine("audit", "--verify")],
            body: """
                <h2>\(frame(.serverCalls))</h2>
                \(calls.isEmpty ? nothing : Elements.table(
                    [
                        .init(frame(.time)), .init(frame(.who)),
                        .init(frame(.from), isSecondary: true), .init(frame(.what)),
                        .init(frame(.result)),
                    ], label: frame(.serverCalls), callRows))
                <h2>\(frame(.vaultJournal))</h2>
                \(journal.isEmpty ? nothing : Elements.table(
                    [
                        .init(frame(.time)), .init(frame(.who)),
                        .init(frame(.vault), isSecondary: true), .init(frame(.what)),
                        .init(frame(.note), isSecondary: true),
                    ], label: frame(.vaultJournal), journalRows))
                """
        ).html(frame)
    }
}

/// Settings of the server and of the home.
package enum SettingsPage {
    package struct State: Sendable {
        package enum Scheduler: Sendable {
            case here
            case elsewhere
            case off
        }

        package var home = ""
        package var version = ""
        package var scheduler = Scheduler.off
        package var inventory = ""
        package var targets: [TargetView] = []
        package var accounts: [AccountView] = []
        package var sessions: [SessionView] = []
        package var problem: Problem?
        package var wrong: Word?

        package init() {}
    }

    package static func html(_ state: State, _ frame: Frame) -> HTML {
        let scheduler: Word =
            switch state.scheduler {
            case .here: .schedulerHere
            case .elsewhere: .schedulerElsewhere
            case .off: .schedulerOff
            }
        let note = state.wrong.map { word -> HTML in
            "<p class=\"toast bad\" role=\"alert\">\(frame(word))</p>\n"
        }
        let isOwner = frame.role == .owner
        return Page(
            title: frame(.settings), section: .settings,
            commands: [
                CommandLine(
                    "inventory", "set", state.inventory.isEmpty ? "DIR" : state.inventory)
            ],
            body: """
                \(note)\(state.problem.map { ProblemNote.html($0, frame) })
                <h2>\(frame(.server))</h2>
                \(Elements.facts([
                    (frame(.home), "<code>\(state.home)</code>"),
                    (frame(.version), "\(state.version)"),
                    (frame(.scheduler), "\(frame(scheduler))"),
                    (frame(.inventory), "\(state.inventory.isEmpty ? "–" : state.inventory)"),
                ]))\(isOwner ? inventory(state, frame) : nil)\(targets(state, frame))\
                \(isOwner ? accounts(state, frame) : nil)\(sessions(state, frame))
                """
        ).html(frame)
    }

    private static func inventory(_ state: State, _ frame: Frame) -> HTML {
        let input = Elements.Input(
            name: "inventory", value: state.inventory, lengthMax: 4000, hasHint: true)
        return Form(
            to: Link("settings", "inventory"), frame,
            """
            <fieldset><legend>\(frame(.inventory))</legend>\
            \(Elements.field(
                id: "inventory", frame(.folder), hint: frame(.inventoryHint),
                Elements.input(input)))\
            <button>\(frame(.save))</button></fieldset>
            """
        ).html
    }

    private static func remove(
        _ name: String, by link: Link, label: Word, _ frame: Frame
    ) -> HTML {
        Form(
            to: link, frame,
            """
            \(Elements.hidden("name", name))<button class="plain">\(frame(label))</button>
            """
        ).html
    }

    private static func targets(_ state: State, _ frame: Frame) -> HTML {
        let isOwner = frame.role == .owner
        let rows = state.targets.map { target -> [HTML] in
            [
                "\(target.name)", "<code>\(target.path)</code>",
                isOwner
                    ? remove(
                        target.name, by: Link("settings", "targets", "delete"), label: .delete,
                        frame)
                    : "",
            ]
        }
        let name = Elements.Input(name: "target-name", lengthMax: 50)
        let path = Elements.Input(name: "target-path", lengthMax: 4000)
        let form: HTML? =
            isOwner
            ? Form(
                to: Link("settings", "targets"), frame,
                """
                <fieldset><legend>\(frame(.addTarget))</legend>\
                \(Elements.field(id: "target-name", frame(.name), Elements.input(name)))\
                \(Elements.field(id: "target-path", frame(.folder), Elements.input(path)))\
                <button>\(frame(.addTarget))</button></fieldset>
                """
            ).html : nil
        return """
            <h2>\(frame(.restoreTargets))</h2>
            <p class="hint">\(frame(.targetsHint))</p>
            \(rows.isEmpty ? "" : Elements.table(
                [.init(frame(.name)), .init(frame(.path)), .init(frame(.actions))],
                label: frame(.restoreTargets), rows))\(form)
            """
    }

    private static func accounts(_ state: State, _ frame: Frame) -> HTML {
        let deletion = Link("settings", "accounts", "delete")
        let rows = state.accounts.map { account -> [HTML] in
            [
                "\(account.name)",
                "\(frame(account.role.word)) <small>\(frame(account.role.rights))</small>",
                remove(account.name, by: deletion, label: .delete, frame),
            ]
        }
        let roles = Role.allCases.map {
            ($0.rawValue, "\(frame($0.word)) – \(frame($0.rights))")
        }
        let name = Elements.Input(name: "account", lengthMax: 50)
        let password = Elements.Input(
            name: "password", type: "password", hasHint: true, autocomplete: "new-password")
        return """
            <h2>\(frame(.accounts))</h2>
            \(Elements.table(
                [.init(frame(.account)), .init(frame(.role)), .init(frame(.actions))],
                label: frame(.accounts), rows))\(Form(
                to: Link("settings", "accounts"), frame, """
                    <fieldset><legend>\(frame(.addAccount))</legend>\
                    \(Elements.field(id: "account", frame(.account), Elements.input(name)))\
                    \(Elements.field(id: "role", frame(.role), Elements.select(
                        "role", roles, chosen: "reader")))\
                    \(Elements.field(id: "password", frame(.password), hint: frame(.passwordHint),
                        Elements.input(password)))\
                    <button>\(frame(.addAccount))</button></fieldset>
                    """))
            """
    }

    private static func sessions(_ state: State, _ frame: Frame) -> HTML {
        let rows = state.sessions.map { session -> [HTML] in
            [
                "\(session.account)", "\(session.source)", Moment.html(session.lastSeen),
                session.isThis
                    ? "\(frame(.thisSession))"
                    : remove(
                        session.id, by: Link("settings", "sessions", "end"), label: .endSession,
                        frame),
            ]
        }
        return """
            <h2>\(frame(.sessions))</h2>
            \(Elements.table(
                [
                    .init(frame(.account)), .init(frame(.from), isSecondary: true),
                    .init(frame(.lastSeen)), .init(frame(.actions)),
                ], label: frame(.sessions), rows))
            """
    }
}
