package import ArgumentParser
import FoundationEssentials

/// A command in the tree of all commands.
package struct CommandNode {
    package let type: any ParsableCommand.Type
    /// From the root: "kura vault create".
    package let path: String

    package static let root = CommandNode(type: KuraCommand.self, path: "kura")

    private var configuration: CommandConfiguration { type.configuration }

    /// The name, then the aliases.
    package var names: [String] {
        [configuration.commandName ?? ""] + configuration.aliases
    }

    /// Empty for a command that does something.
    package var children: [CommandNode] {
        configuration.subcommands.map { child in
            CommandNode(type: child, path: "\(path) \(child.configuration.commandName ?? "")")
        }
    }

    package var isGroup: Bool { !configuration.subcommands.isEmpty }

    package func child(_ name: String) -> CommandNode? {
        children.first { $0.names.contains(name) }
    }

    /// This command and all below it.
    package var all: [CommandNode] { [self] + children.flatMap(\.all) }

    package var discussion: String { configuration.discussion }

    /// "kura vault create <name> [--region <name>] ...".
    var usage: String { KuraCommand.usageString(for: type) }

    /// An option or flag of a command.
    struct Option: Equatable {
        /// As they are typed: "--output", "-o".
        var names: [String]
        var takesValue: Bool
    }

    /// The options and flags, as the parser knows them.
    var options: [Option] {
        struct Document: Decodable {
            struct Command: Decodable { var arguments: [Argument]? }
            struct Argument: Decodable {
                var kind: String
                var names: [Name]?
            }
            struct Name: Decodable {
                var kind: String
                var name: String
            }
            var command: Command
        }
        let arguments: [Document.Argument]
        do {
            let text = type._dumpHelp()
            arguments =
                try JSONDecoder().decode(Document.self, from: Data(text.utf8)).command.arguments
                ?? []
        } catch {
            preconditionFailure("the parser describes a command in JSON: \(error)")
        }
        return arguments.compactMap { argument in
            guard argument.kind != "positional" else { return nil }
            return Option(
                names: (argument.names ?? []).map {
                    ($0.kind == "long" ? "--" : "-") + $0.name
                }, takesValue: argument.kind == "option")
        }
    }
}
