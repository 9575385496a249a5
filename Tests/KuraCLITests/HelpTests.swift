import ArgumentParser
import KuraCLI
import Testing

@Suite("Help pages")
struct HelpTests {
    private static let commands = CommandNode.root.all.filter { !$0.isGroup }

    @Test("Every command has an example of itself")
    func examples() {
        #expect(Self.commands.count > 45)
        for command in Self.commands {
            let examples = Help.examples(in: command.discussion)
            let words = command.path.split(separator: " ").dropFirst().joined(separator: " ")
            #expect(
                examples.contains { $0.hasPrefix("kura") && $0.contains(words) },
                "\(command.path): \(examples)")
        }
    }

    @Test("Every example that is one plain command can be parsed")
    func examplesParse() throws {
        for command in CommandNode.root.all {
            for example in Help.examples(in: command.discussion)
            where !example.contains(where: { "'\"|&><$".contains($0) }) {
                let words = example.split(separator: " ").dropFirst().map(String.init)
                do {
                    _ = try KuraCommand.parseAsRoot(CommandLineWords(words).arguments)
                } catch {
                    Issue.record("\(example): \(KuraCommand.message(for: error))")
                }
            }
        }
    }

    @Test("A paragraph is one line, and examples stay lines of their own")
    func flowing() {
        let text = """
            One sentence of
            two lines.

            Another
            one.

            EXAMPLES
              kura list
              kura show x
            """
        let expected = """
            One sentence of two lines.

            Another one.

            EXAMPLES
              kura list
              kura show x
            """
        #expect(Help.flowing(text) == expected)
        #expect(Help.examples(in: expected) == ["kura list", "kura show x"])
    }

    @Test("No paragraph of a help page is wrapped by hand", arguments: [60, 80, 120, 200])
    func wrapped(_ columns: Int) {
        for command in CommandNode.root.all {
            for line in command.discussion.split(separator: "\n")
            where !line.hasPrefix(" ") && line != "EXAMPLES" {
                #expect(".:".contains(line.last ?? " "), "\(command.path): \(line)")
            }
            let page = KuraCommand.helpMessage(for: command.type, columns: columns)
            #expect(!page.contains("SUBCOMMANDS: SUBCOMMANDS") && !page.contains(": SUBCOMMANDS:"))
        }
    }
}
