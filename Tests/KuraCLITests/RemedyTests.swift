import ArgumentParser
import Foundation
import KuraCLI
import KuraIO
import Testing

@Suite("Remedies in the words of the command line")
struct RemedyTests {
    @Test("Each command behind a remedy can be parsed", arguments: RemedySamples.all)
    func commandsParse(_ remedy: Remedy) throws {
        let wording = remedy.wording
        #expect(!wording.text.isEmpty)
        for command in wording.commands {
            do {
                _ = try KuraCommand.parseAsRoot(command)
            } catch {
                Issue.record("\(command): \(KuraCommand.message(for: error))")
            }
        }
    }

    @Test("A remedy names no other command or flag", arguments: RemedySamples.all)
    func namesNothingElse(_ remedy: Remedy) throws {
        let wording = remedy.wording
        let named = Set(wording.commands.joined())
        var last = ""
        for word in wording.text.split(whereSeparator: { " ,;:".contains($0) }).map(String.init) {
            if word.hasPrefix("--") || last == "kura" {
                #expect(named.contains(word), "\(wording.text)")
            }
            last = word
        }
    }

    @Test("A command is written as a shell takes it")
    func quoted() {
        #expect(
            Remedy.machine(.deleteData("it's one")).wording.text
                == #"run: kura vm stop 'it'\''s one' --delete-data"#)
        #expect(
            Remedy.vault(.repair(.chunks)).wording.text
                == "run: kura verify --level chunks --repair")
    }

    @Test("Parts of a remedy are read in their order")
    func joined() {
        let either = Remedy.anyOf([.advice("mount its disks"), .region(.recreate("east"))])
        #expect(
            either.wording.text == "mount its disks; or when its disks are gone for good, make the "
                + "region anew: kura region add east --recreate")
        let steps = Remedy.steps([.machine(.discover), .machine(.list)])
        #expect(steps.wording.text == "run: kura vm discover, then run: kura vm list --all")
    }

    @Test("Below the command line, no text names a command or a flag of it")
    func textsAreNeutral() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "Sources", directoryHint: .isDirectory)
        var names: [String] = []
        for group in KuraCommand.configuration.groupedSubcommands {
            names += group.subcommands.compactMap { $0.configuration.commandName }
        }
        #expect(names.contains("verify"))
        let pattern = try Regex(#"kura (\#(names.joined(separator: "|")))\b| --[a-z]"#)
        var count = 0
        let paths = try FileManager.default.subpathsOfDirectory(atPath: root.path)
        for path in paths where path.hasSuffix(".swift") && !Self.isOfCommandLine(path) {
            count += 1
            let text = try String(contentsOf: root.appending(path: path), encoding: .utf8)
            for line in text.split(separator: "\n") {
                let code = line.split(separator: "// ", omittingEmptySubsequences: false)[0]
                if line.drop(while: { $0 == " " }).hasPrefix("//") { continue }
                let isNamed = code.contains(pattern)
                #expect(!isNamed, "\(path): \(line)")
            }
        }
        #expect(count > 150)
    }

    private static func isOfCommandLine(_ path: String) -> Bool {
        // kurad has a command line of its own, and style sheets have names that begin with --.
        ["KuraCLI/", "kura/", "kurad/", "KuraPortal/Assets/"].contains(where: path.hasPrefix)
    }
}
