import Testing

/// The tags of a document, read as strictly as a careful author writes them.
struct Markup {
    struct Tag {
        var name: String
        var attributes: [String: String]
    }

    private(set) var tags: [Tag] = []
    private(set) var text = ""
    private(set) var problems: [String] = []

    private static let void: Set<String> = [
        "!DOCTYPE", "meta", "link", "input", "br",
    ]

    init(_ document: String) {
        var rest = Substring(document)
        var open: [String] = []
        while let start = rest.firstIndex(of: "<") {
            text += rest[..<start]
            rest = rest[rest.index(after: start)...]
            guard let end = Self.end(of: rest) else {
                problems.append("a tag without an end: <\(rest.prefix(40))")
                return
            }
            let inside = rest[..<end]
            rest = rest[rest.index(after: end)...]
            if inside.hasPrefix("/") {
                let name = String(inside.dropFirst())
                if open.last == name {
                    open.removeLast()
                } else {
                    problems.append("</\(name)> where <\(open.last ?? "")> is open")
                }
                continue
            }
            let isClosed = inside.hasSuffix("/")
            let tag = Self.tag(isClosed ? inside.dropLast() : inside, &problems)
            tags.append(tag)
            if !Self.void.contains(tag.name), !isClosed { open.append(tag.name) }
        }
        text += rest
        if !open.isEmpty { problems.append("left open: \(open)") }
    }

    /// Quotes may hold what ends a tag elsewhere.
    private static func end(of text: Substring) -> Substring.Index? {
        var isQuoted = false
        for index in text.indices {
            if text[index] == "\"" { isQuoted.toggle() }
            if text[index] == ">", !isQuoted { return index }
        }
        return nil
    }

    private static func tag(_ inside: Substring, _ problems: inout [String]) -> Tag {
        var rest = inside.drop { !$0.isWhitespace }
        var tag = Tag(name: String(inside.prefix { !$0.isWhitespace }), attributes: [:])
        while true {
            rest = rest.drop { $0.isWhitespace }
            guard !rest.isEmpty else { return tag }
            let name = String(rest.prefix { $0 != "=" && !$0.isWhitespace })
            rest = rest.dropFirst(name.count)
            guard rest.hasPrefix("=") else {
                tag.attributes[name] = ""
                continue
            }
            rest = rest.dropFirst()
            guard rest.hasPrefix("\""), let end = rest.dropFirst().firstIndex(of: "\"") else {
                problems.append("an attribute without quotes: \(name)\(rest.prefix(20))")
                return tag
            }
            if tag.attributes[name] != nil { problems.append("twice in one tag: \(name)") }
            tag.attributes[name] = String(rest.dropFirst()[..<end])
            rest = rest[rest.index(after: end)...]
        }
    }

    /// What is wrong with it: the first few.
    var faults: ArraySlice<String> { allFaults.prefix(5) }

    private var allFaults: [String] {
        var found = problems
        var seen = Set<String>()
        for tag in tags {
            if let id = tag.attributes["id"], !seen.insert(id).inserted {
                found.append("the id \(id) is there twice")
            }
        }
        for tag in tags {
            for name in ["for", "aria-describedby"] {
                for id in tag.attributes[name, default: ""].split(separator: " ")
                where !seen.contains(String(id)) {
                    found.append("\(name) names \(id), which is not there")
                }
            }
            for (name, value) in tag.attributes {
                if name.hasPrefix("on") { found.append("a script in \(tag.name).\(name)") }
                if name == "style" { found.append("a style in \(tag.name)") }
                if ["href", "src", "action"].contains(name), !value.hasPrefix("/"),
                    !value.hasPrefix("#")
                {
                    found.append("\(name) leads out of the portal: \(value)")
                }
            }
            let isForm = tag.name == "form" && tag.attributes["method"] == "post"
            if isForm, !tags.contains(where: { $0.attributes["name"] == "seal" }) {
                found.append("a form without its seal")
            }
        }
        if tags.count(where: { $0.name == "h1" }) != 1 { found.append("not one h1") }
        return found
    }
}
