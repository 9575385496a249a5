import KuraCLI
import Testing

@Suite("Command lines")
struct CommandLineTests {
    private func message(_ words: String...) -> String? {
        do throws(UsageError) {
            _ = try CommandLineWords(words)
            return nil
        } catch {
            return error.message
        }
    }

    @Test("Options that every command takes may stand before it")
    func leadingOptions() throws {
        let words = try CommandLineWords([
            "--home", "/srv/k", "--json", "vault", "--vault", "gold", "show", "x",
        ])
        #expect(
            words.arguments == [
                "vault", "show", "--home=/srv/k", "--json", "--vault=gold", "x",
            ])
        #expect(words.node.path == "kura vault show")
        #expect(try CommandLineWords(["--home=/x", "ls"]).arguments == ["ls", "--home=/x"])
        #expect(try CommandLineWords(["--version"]).arguments == ["--version"])
        #expect(try CommandLineWords(["help", "vault", "show"]).node.path == "kura")
    }

    @Test("A missing command is an error, also where --home has taken it")
    func missing() {
        #expect(message() == "there is no command behind kura")
        #expect(message("vault") == "there is no command behind kura vault")
        #expect(message("--home", "verify") == "there is no command: --home has the value verify")
        #expect(message("--home") == "--home has no value")
        #expect(message("--home", "list", "list") == nil)
    }

    @Test(
        "An unknown command is named, with the one that was meant where one is near",
        arguments: [
            ("bakcup", "kura backup"), ("restroe", "kura restore"), ("snapshots", "kura list"),
            ("forget", "kura prune"), ("version", "kura --version"), ("mount", "kura restore"),
            ("register", "kura vm register"), ("frobnicate", nil), ("x", nil),
        ] as [(String, String?)])
    func unknown(_ word: String, _ meant: String?) {
        let rest = meant.map { "; did you mean \($0)?" } ?? ""
        #expect(message(word, "a.img") == "there is no command kura \(word)\(rest)")
    }

    @Test("The same below a group of commands, and for help")
    func unknownBelow() {
        #expect(
            message("vault", "craete")
                == "there is no command kura vault craete; did you mean kura vault create?")
        #expect(message("help", "nosuch") == "there is no command kura nosuch")
        #expect(message("help", "vault", "nosuch") == "there is no command kura vault nosuch")
    }

    @Test("Every command that is suggested for a word of another tool is there")
    func foreignWords() throws {
        for (word, command) in Spelling.foreignCommands {
            #expect(CommandNode.root.child(word) == nil, "\(word)")
            let first = command.split(separator: " ").map(String.init)
            guard !first[0].hasPrefix("-") else { continue }
            let found = try #require(CommandNode.root.child(first[0]), "\(command)")
            if found.isGroup { #expect(first.count == 1 || found.child(first[1]) != nil) }
        }
    }

    @Test("A number below zero is the value of the option before it")
    func negativeNumbers() throws {
        let words = try CommandLineWords(["backup", "--level", "-5", "a", "-", "--", "-x", "-1"])
        #expect(words.rest == ["--level=-5", "a", "-", "--", "-x", "-1"])
        #expect(try CommandLineWords(["verify", "--max-age", "-7d"]).rest == ["--max-age=-7d"])
    }

    @Test("One letter changed, left out, added or swapped is a distance of one")
    func distances() {
        #expect(Spelling.distance("list", "list") == 0)
        #expect(Spelling.distance("list", "lsit") == 1)
        #expect(Spelling.distance("list", "lst") == 1)
        #expect(Spelling.distance("list", "lists") == 1)
        #expect(Spelling.distance("list", "last") == 1)
        #expect(Spelling.distance("", "abc") == 3)
        #expect(Spelling.nearest(to: "--last", of: ["--vault", "--item"]) == nil)
        #expect(Spelling.nearest(to: "--host", of: ["--home"]) == nil)
    }
}
