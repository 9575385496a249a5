/// The texts of help pages.
package enum Help {
    private static let title = "EXAMPLES"

    /// A text as the parser's help wants it: each paragraph is one line, so that the width of the
    /// terminal alone decides where lines end. Indented lines, and the title of examples, stay.
    package static func flowing(_ text: String) -> String {
        var lines: [String] = []
        var isParagraph = false
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            let flows = !line.isEmpty && !line.hasPrefix(" ") && line != title
            if flows, isParagraph {
                lines[lines.count - 1] += " " + line
            } else {
                lines.append(String(line))
            }
            isParagraph = flows
        }
        return lines.joined(separator: "\n")
    }

    /// Examples alone, for commands that need no other words.
    package static func examples(_ commands: String...) -> String {
        ([title] + commands.map { "  \($0)" }).joined(separator: "\n")
    }

    /// The commands in the examples of a help text.
    package static func examples(in text: String) -> [String] {
        text.split(separator: "\n").drop { $0 != title }.dropFirst()
            .map { String($0.drop { $0 == " " }) }
    }
}
