/// A whole document.
struct Page {
    var title: String
    var section: Section?
    /// The vault that it is about, and which of its tabs it is.
    var vault: String?
    var tab: VaultTab?
    var commands: [CommandLine] = []
    var body: HTML

    func html(_ frame: Frame) -> HTML {
        let refresh = frame.refresh.map { seconds -> HTML in
            "<noscript><meta http-equiv=\"refresh\" content=\"\(seconds)\"></noscript>\n"
        }
        let live: HTML = frame.isLive ? " data-live=\"\(Link("events"))\"" : ""
        return """
            <!DOCTYPE html>
            <html lang="\(frame.language.rawValue)">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <title>\(title) – \(frame(.brand))</title>
            <link rel="stylesheet" href="\(StyleSheet.link)">
            <link rel="icon" href="\(Icon.link)" type="image/svg+xml">
            <script src="\(Script.link)" defer></script>
            \(refresh)</head>
            <body\(live) data-lost="\(frame(.liveLost))">
            <a class="skip" href="#main">\(frame(.skip))</a>
            \(header(frame))\(vaultMenu(frame))<main id="main" tabindex="-1">
            <h1>\(title)</h1>
            \(toasts(frame))\(body)\(commandLines(frame))</main>
            </body>
            </html>

            """
    }

    private func header(_ frame: Frame) -> HTML {
        guard let account = frame.account else {
            return "<header class=\"top\"><p class=\"brand\">\(frame(.brand))</p>"
                + languages(frame) + "</header>\n"
        }
        let items = Section.allCases.filter { $0.role <= frame.role }.map { item -> HTML in
            """
            <li><a href="\(item.link)"\(current(item == section))>\(frame(item.word))</a></li>
            """
        }
        let running: HTML? =
            frame.running == 0
            ? nil
            : """
            <a class="busy" href="\(Link("jobs", query: [("status", "InProgress")]))" id="running">\
            \(frame(.running(frame.running)))</a>
            """
        let out: HTML = "<button class=\"plain\">\(frame(.signOut))</button>"
        return """
            <header class="top"><p class="brand"><a href="\(Link.home)">\(frame(.brand))</a></p>
            <nav aria-label="\(frame(.mainMenu))"><ul>\(items)</ul></nav>
            <div class="who">\(running)<span class="name">\(account)</span>
            \(Form(to: Link("sign-out"), frame, out))\
            \(languages(frame))</div></header>

            """
    }

    private func languages(_ frame: Frame) -> HTML {
        let items = Language.allCases.filter { $0 != frame.language }.map { language -> HTML in
            let code = language.rawValue
            let link = Link(frame.path, query: frame.query + [("lang", code)])
            return """
                <a lang="\(code)" hreflang="\(code)" href="\(link)">\(language.title)</a>
                """
        }
        return "<p class=\"languages\">\(items)</p>"
    }

    private func vaultMenu(_ frame: Frame) -> HTML? {
        guard let vault else { return nil }
        let items = VaultTab.allCases.map { item -> HTML in
            """
            <li><a href="\(item.link(vault))"\(current(item == tab))>\(frame(item.word))</a></li>
            """
        }
        return """
            <nav class="tabs" aria-label="\(frame(.vaultMenu))"><p>\(vault)</p>\
            <ul>\(items)</ul></nav>

            """
    }

    private func current(_ isCurrent: Bool) -> HTML {
        isCurrent ? " aria-current=\"page\"" : ""
    }

    private func toasts(_ frame: Frame) -> HTML {
        let items = frame.toasts.map { toast -> HTML in
            let job = toast.job.map { id -> HTML in
                " <a href=\"\(Link.job(id))\">\(frame(.viewJob))</a>"
            }
            let remedy = toast.remedy.map { text -> HTML in " <span lang=\"en\">\(text)</span>" }
            return """
                <p class="toast \(toast.isProblem ? "bad" : "good")" \
                role="\(toast.isProblem ? "alert" : "status")">\(frame(toast.word))\
                \(remedy)\(job)</p>

                """
        }
        return "<div id=\"toasts\" aria-live=\"polite\">\(items)</div>\n"
    }

    private func commandLines(_ frame: Frame) -> HTML? {
        guard !commands.isEmpty else { return nil }
        let text = commands.map(\.text).joined(separator: "\n")
        return """
            <aside class="cli" aria-label="\(frame(.commandLine))"><h2>\(frame(.commandLine))</h2>
            <pre tabindex="0"><code>\(text)</code></pre></aside>

            """
    }
}

/// A form that changes something: with what proves where it comes from.
struct Form {
    var action: Link
    var frame: Frame
    var content: HTML

    init(to action: Link, _ frame: Frame, _ content: HTML) {
        self.action = action
        self.frame = frame
        self.content = content
    }

    var html: HTML {
        """
        <form method="post" action="\(action)">\(Elements.hidden("seal", frame.seal))\
        \(Elements.hidden("form", frame.form))\(content)</form>

        """
    }
}

extension HTML.Interpolation {
    mutating func appendInterpolation(_ form: Form) { appendInterpolation(form.html) }
}

extension HTML {
    static func + (left: HTML, right: HTML) -> HTML { "\(left)\(right)" }
}
