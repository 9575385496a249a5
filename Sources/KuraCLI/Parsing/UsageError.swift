import ArgumentParser

/// What was typed is no command line of Kura.
package struct UsageError: Error, Equatable {
    package var message: String
    package var remedy: String?

    /// No command stands where one is needed.
    static func missingCommand(_ node: CommandNode, home: String?) -> UsageError {
        if let home, let command = CommandNode.root.child(home) {
            return UsageError(
                message: "there is no command: --home has the value \(home)",
                remedy: "name the home before the command: kura --home DIR \(command.names[0])")
        }
        let commands = node.children.map { $0.names[0] }.joined(separator: ", ")
        return UsageError(
            message: "there is no command behind \(node.path)",
            remedy: "run: \(node.path) --help; commands: \(commands)")
    }

    static func unknownCommand(_ word: String, of node: CommandNode) -> UsageError {
        let isRoot = node.path == CommandNode.root.path
        var meant = Spelling.nearest(to: word, of: node.children.flatMap(\.names))
            .map { "\(node.path) \($0)" }
        if isRoot {
            let below = node.children.flatMap(\.children).first { $0.names.contains(word) }
            meant =
                Spelling.foreignCommands[word].map { "kura \($0)" } ?? meant ?? below?.path
        }
        return UsageError(
            message: "there is no command \(node.path) \(word)"
                + (meant.map { "; did you mean \($0)?" } ?? ""),
            remedy: "run: \(node.path) --help")
    }

    /// The first word behind a command that looks like an option and is none of it; nil where there
    /// is no such word.
    static func unknownOption(_ words: [String], of node: CommandNode) -> UsageError? {
        let options = node.options
        let known = options.flatMap(\.names)
        var words = words.prefix { $0 != "--" }[...]
        while let word = words.popFirst() {
            guard word.hasPrefix("-"), word.count > 1, !word.isNegativeNumber else { continue }
            let name = String(word.prefix { $0 != "=" })
            guard let option = options.first(where: { $0.names.contains(name) }) else {
                let foreign = Spelling.foreignOptions[name].flatMap {
                    known.contains($0) ? $0 : nil
                }
                let meant =
                    foreign ?? Spelling.nearest(to: name, of: known.filter { $0.hasPrefix("--") })
                return UsageError(
                    message: "\(node.path) has no option \(name)"
                        + (meant.map { "; did you mean \($0)?" } ?? ""),
                    remedy: "usage: \(node.usage)")
            }
            if option.takesValue, !word.contains("=") { words = words.dropFirst() }
        }
        return nil
    }

    /// What the parser, or a command that checked its options, says.
    /// - Parameter words: all behind the command.
    init(_ error: any Error, of node: CommandNode, _ words: [String]) {
        if let unknown = Self.unknownOption(words, of: node) {
            self = unknown
            return
        }
        var message = KuraCommand.message(for: error)
        // What takes no words from a list and has no rule of its own takes a number.
        if message.hasPrefix("The value '"), message.hasSuffix(">'") {
            message += ": give a whole number"
        }
        self.init(message: message, remedy: "usage: \(node.usage)")
    }

    package init(message: String, remedy: String?) {
        self.message = message
        self.remedy = remedy
    }
}

extension String {
    /// "-5", "-7d": a value, not an option.
    var isNegativeNumber: Bool { hasPrefix("-") && dropFirst().first?.isNumber == true }
}
