/// The words of a command line, in the order that the parser wants.
package struct CommandLineWords: Equatable {
    /// What the parser gets.
    package var arguments: [String]
    /// Those behind the command's name.
    package var rest: [String]
    /// The command; the root where only help is asked for.
    package let node: CommandNode

    private static let flags: Set = ["--json", "--quiet"]
    private static let options: Set = ["--home", "--vault", "--log-level"]

    package static func == (left: CommandLineWords, right: CommandLineWords) -> Bool {
        left.arguments == right.arguments && left.node.path == right.node.path
    }

    /// Finds the command. Options that every command takes may stand before it.
    package init(_ words: [String]) throws(UsageError) {
        var node = CommandNode.root
        var path: [String] = []
        var taken: [String] = []
        var home: String?
        var words = words[...]
        while node.isGroup {
            guard let word = words.first else { throw .missingCommand(node, home: home) }
            if Self.flags.contains(word) {
                taken.append(word)
            } else if Self.options.contains(word) {
                words.removeFirst()
                guard let value = words.first else {
                    throw UsageError(
                        message: "\(word) has no value", remedy: "usage: \(node.usage)")
                }
                if word == "--home" { home = value }
                taken.append("\(word)=\(value)")
            } else if Self.options.contains(where: { word.hasPrefix("\($0)=") }) {
                taken.append(word)
            } else if word.hasPrefix("-") || (path.isEmpty && word == "help") {
                if word == "help" { try Self.checkHelp(words.dropFirst()) }
                // Help, version, completion scripts; of anything else the parser says what it is.
                arguments = path + words
                rest = Array(words)
                self.node = node
                return
            } else if let child = node.child(word) {
                path.append(word)
                node = child
            } else {
                throw .unknownCommand(word, of: node)
            }
            words.removeFirst()
        }
        rest = taken + Self.withNegativeNumbers(Array(words))
        arguments = path + rest
        self.node = node
    }

    private static func checkHelp(_ words: ArraySlice<String>) throws(UsageError) {
        var node = CommandNode.root
        for word in words where !word.hasPrefix("-") {
            guard let child = node.child(word) else { throw .unknownCommand(word, of: node) }
            node = child
        }
    }

    /// A number below zero is the value of the option before it, not an option.
    private static func withNegativeNumbers(_ words: [String]) -> [String] {
        let end = words.firstIndex(of: "--") ?? words.count
        var joined: [String] = []
        for (index, word) in words.enumerated() {
            if index < end, word.isNegativeNumber, let option = joined.last,
                option.hasPrefix("--"), !option.contains("=")
            {
                joined[joined.count - 1] = "\(option)=\(word)"
            } else {
                joined.append(word)
            }
        }
        return joined
    }
}
