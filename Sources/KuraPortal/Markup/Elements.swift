/// Pieces of markup that several pages have.
enum Elements {
    /// One column of a table.
    struct Column {
        var title: String
        var isNumber = false
        /// Whether narrow screens leave it out.
        var isSecondary = false

        init(_ title: String, isNumber: Bool = false, isSecondary: Bool = false) {
            self.title = title
            self.isNumber = isNumber
            self.isSecondary = isSecondary
        }

        var style: String {
            [isNumber ? "number" : nil, isSecondary ? "wide" : nil].compactMap(\.self)
                .joined(separator: " ")
        }
    }

    /// A table in a box of its own, which scrolls where it is wider than the screen.
    /// - Parameter label: what it lists, for those who do not see it.
    static func table(_ columns: [Column], label: String, _ rows: [[HTML]]) -> HTML {
        let head = columns.map { column -> HTML in
            "<th scope=\"col\" class=\"\(column.style)\">\(column.title)</th>"
        }
        let body = rows.map { cells -> HTML in
            let parts = zip(columns, cells).map { column, cell -> HTML in
                "<td class=\"\(column.style)\">\(cell)</td>"
            }
            return "<tr>\(parts)</tr>\n"
        }
        return """
            <div class="scroll" role="region" aria-label="\(label)" tabindex="0"><table>
            <thead><tr>\(head)</tr></thead>
            <tbody>\(body)</tbody>
            </table></div>

            """
    }

    /// Names and values below each other.
    static func facts(_ facts: [(String, HTML)]) -> HTML {
        let rows = facts.map { name, value -> HTML in "<dt>\(name)</dt><dd>\(value)</dd>" }
        return "<dl class=\"facts\">\(rows)</dl>\n"
    }

    /// A labelled control.
    /// - Parameter problem: what is wrong with its value; nil where nothing is.
    static func field(
        id: String, _ label: String, hint: String? = nil, problem: String? = nil, _ control: HTML
    ) -> HTML {
        let hint = hint.map { text -> HTML in "<p class=\"hint\" id=\"\(id)-hint\">\(text)</p>" }
        let error = problem.map { text -> HTML in
            "<p class=\"wrong\" id=\"\(id)-problem\">\(text)</p>"
        }
        return """
            <div class="field"><label for="\(id)">\(label)</label>\(control)\(hint)\(error)</div>

            """
    }

    /// A line of text that a user types.
    struct Input {
        var name: String
        var value = ""
        var type = "text"
        var isRequired = true
        var lengthMax = 200
        var hasHint = false
        var isWrong = false
        /// What the browser may fill in by itself.
        var autocomplete = "off"
    }

    static func input(_ input: Input) -> HTML {
        let described = [
            input.hasHint ? "\(input.name)-hint" : nil,
            input.isWrong ? "\(input.name)-problem" : nil,
        ].compactMap(\.self)
        let aria: HTML =
            described.isEmpty
            ? "" : " aria-describedby=\"\(described.joined(separator: " "))\""
        let required: HTML = input.isRequired ? " required" : ""
        let invalid: HTML = input.isWrong ? " aria-invalid=\"true\"" : ""
        return """
            <input id="\(input.name)" name="\(input.name)" type="\(input.type)" \
            value="\(input.value)" maxlength="\(input.lengthMax)" \
            autocomplete="\(input.autocomplete)"\(required)\(aria)\(invalid)>
            """
    }

    static func hidden(_ name: String, _ value: String) -> HTML {
        "<input type=\"hidden\" name=\"\(name)\" value=\"\(value)\">\n"
    }

    static func select(
        _ name: String, _ options: [(value: String, title: String)], chosen: String,
        label: String? = nil
    ) -> HTML {
        let items = options.map { option -> HTML in
            let selected: HTML = option.value == chosen ? " selected" : ""
            return "<option value=\"\(option.value)\"\(selected)>\(option.title)</option>"
        }
        let aria = label.map { text -> HTML in " aria-label=\"\(text)\"" }
        return "<select id=\"\(name)\" name=\"\(name)\"\(aria)>\(items)</select>"
    }

    /// One of several, as buttons that exclude each other, or each by itself.
    struct Choice {
        var value: String
        var title: HTML
        var isChosen = false
        var isLocked = false
    }

    static func choices(
        _ name: String, title: String, isSingle: Bool = true, _ choices: [Choice]
    ) -> HTML {
        let items = choices.enumerated().map { number, choice -> HTML in
            let checked: HTML = choice.isChosen ? " checked" : ""
            let locked: HTML = choice.isLocked ? " disabled" : ""
            let id = "\(name)-\(number)"
            return """
                <div class="choice"><input type="\(isSingle ? "radio" : "checkbox")" id="\(id)" \
                name="\(name)" value="\(choice.value)"\(checked)\(locked)>\
                <label for="\(id)">\(choice.title)</label></div>

                """
        }
        return "<fieldset><legend>\(title)</legend>\(items)</fieldset>\n"
    }

    static func link(_ link: Link, _ title: String) -> HTML { "<a href=\"\(link)\">\(title)</a>" }

    /// A link that looks like a button.
    static func button(_ link: Link, _ title: String, isMain: Bool = false) -> HTML {
        "<a class=\"button\(isMain ? " main" : "")\" href=\"\(link)\">\(title)</a>\n"
    }

    static func list(_ items: [HTML]) -> HTML {
        let rows = items.map { item -> HTML in "<li>\(item)</li>" }
        return "<ul>\(rows)</ul>\n"
    }
}
