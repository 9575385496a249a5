/// Who are you?
package enum SignInPage {
    package enum State: Sendable {
        case ask
        case wrong
        case tooManyTries
        /// There is no account, and who comes does not have the link of the first start.
        case needsLink
    }

    package static func html(
        _ state: State, account: String = "", next: String = "", _ frame: Frame
    ) -> HTML {
        let note: HTML? =
            switch state {
            case .ask: nil
            case .wrong: alert(frame(.wrongPassword))
            case .tooManyTries: alert(frame(.tooManyTries))
            case .needsLink: alert(frame(.needsLink))
            }
        let name = Elements.Input(name: "account", value: account, autocomplete: "username")
        let password = Elements.Input(
            name: "password", type: "password", autocomplete: "current-password")
        let content: HTML = """
            \(Elements.hidden("next", next))\
            \(Elements.field(id: "account", frame(.account), Elements.input(name)))\
            \(Elements.field(id: "password", frame(.password), Elements.input(password)))\
            <button class="main">\(frame(.signIn))</button>
            """
        return Page(
            title: frame(.signIn),
            body: note.map { "\($0)\(Form(to: Link("sign-in"), frame, content))" }
                ?? Form(to: Link("sign-in"), frame, content).html
        ).html(frame)
    }

    /// The link of the first start leads here.
    package static func first(
        token: String, account: String = "", problem: Word? = nil, _ frame: Frame
    ) -> HTML {
        let name = Elements.Input(name: "account", value: account, autocomplete: "username")
        let password = Elements.Input(
            name: "password", type: "password", hasHint: true, autocomplete: "new-password")
        let content: HTML = """
            \(Elements.hidden("token", token))<p>\(frame(.firstAccountText))</p>
            \(Elements.field(id: "account", frame(.account), Elements.input(name)))\
            \(Elements.field(
                id: "password", frame(.password), hint: frame(.passwordHint),
                Elements.input(password)))\
            <button class="main">\(frame(.addAccount))</button>
            """
        let note = problem.map { alert(frame($0)) }
        return Page(
            title: frame(.firstAccount),
            body: "\(note)\(Form(to: Link("first"), frame, content))"
        ).html(frame)
    }

    private static func alert(_ text: String) -> HTML {
        "<p class=\"toast bad\" role=\"alert\">\(text)</p>\n"
    }
}

/// What the server says where it cannot show a page.
package enum ErrorPage {
    package static func problem(
        _ problem: Problem, title: Word? = nil, vault: String? = nil, _ frame: Frame
    ) -> HTML {
        Page(
            title: frame(title ?? .problem), vault: vault, body: ProblemNote.html(problem, frame)
        ).html(frame)
    }

    package static func notFound(_ frame: Frame) -> HTML {
        plain(.notFoundText, under: .notFoundTitle, frame)
    }

    /// - Parameter role: the one that is needed.
    package static func denied(needs role: Role, _ frame: Frame) -> HTML {
        plain(
            .denied(needs: role.word, has: frame.account == nil ? nil : frame.role.word),
            under: .deniedTitle,
            frame)
    }

    package static func stale(_ frame: Frame) -> HTML { plain(.staleForm, under: .problem, frame) }

    package static func busy(_ frame: Frame) -> HTML { plain(.busyText, under: .busyTitle, frame) }

    package static func tooLarge(_ frame: Frame) -> HTML {
        plain(.tooLarge, under: .problem, frame)
    }

    private static func plain(_ text: Word, under title: Word, _ frame: Frame) -> HTML {
        Page(title: frame(title), body: "<p role=\"alert\">\(frame(text))</p>\n").html(frame)
    }
}
