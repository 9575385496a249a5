import ArgumentParser
import Glibc
import KuraIO

/// From arguments to an exit code.
public enum Entry {
    /// - Parameter bytes: of each argument behind the program's name.
    public static func main(bytes: [[UInt8]]) -> Int32 {
        let arguments = bytes.map(RawArgument.text)
        // Never mask owner bits: a umask of 0700 would make our own files unreadable. Other users
        // get no rights from Kura anyway, and the programs that it starts keep the caller's mask.
        umask(umask(0o077) & 0o077)
        Terminal.prepare()
        StandardErrorLog.install()
        Interrupts.install()
        // What stands behind -- belongs to another command.
        let wantsJSON = arguments.prefix { $0 != "--" }.contains("--json")
        do throws(UsageError) {
            return try run(CommandLineWords(arguments), json: wantsJSON)
        } catch {
            Terminal.error(code: "usage", error.message, remedy: error.remedy, json: wantsJSON)
            return 64
        }
    }

    private static func run(_ words: CommandLineWords, json: Bool) throws(UsageError) -> Int32 {
        do {
            var command = try KuraCommand.parseAsRoot(words.arguments)
            try checkBytes(of: words, for: command)
            try command.run()
            return Terminal.warningCount == 0 ? 0 : EarlyExit.warnings.code
        } catch let exit as EarlyExit {
            return exit.code
        } catch let error as KuraError {
            report(error, of: words.node, json: json)
            return exitCode(error.code)
        } catch {
            switch KuraCommand.exitCode(for: error) {
            case .success: return printHelp(error)
            case .validationFailure: throw UsageError(error, of: words.node, words.rest)
            default:
                Terminal.error(
                    code: "failed", KuraCommand.message(for: error), remedy: "run: kura --help",
                    json: json)
                return 1
            }
        }
    }

    /// Names and ids are UTF-8; only some paths need not be.
    private static func checkBytes(
        of words: CommandLineWords, for command: any ParsableCommand
    ) throws {
        let taken = (command as? any TakesRawPaths)?.rawPaths ?? []
        for word in words.rest where RawArgument.isRaw(word) {
            guard !taken.contains(where: { word.hasSuffix($0) }) else { continue }
            throw ValidationError("\"\(RawArgument.shown(word))\" is not UTF-8")
        }
    }

    /// The published table of exit codes.
    static func exitCode(_ code: KuraError.Code) -> Int32 {
        switch code {
        case .notFound: 10
        case .locked: 11
        case .damaged, .absent: 12
        case .noSpace: 13
        case .invalidInput: 64
        case .interrupted: 130
        case .unsupported, .io, .replicaMissing, .refused, .exists: 1
        }
    }

    private static func report(_ error: KuraError, of node: CommandNode, json: Bool) {
        let help = error.code == .invalidInput ? "run: \(node.path) --help" : nil
        Terminal.error(
            code: error.code.rawValue, error.message, remedy: error.remedy?.text ?? help,
            json: json)
    }

    /// Help, version and completion scripts go to standard output.
    private static func printHelp(_ request: any Error) -> Int32 {
        do {
            try Terminal.print(KuraCommand.fullMessage(for: request))
            return 0
        } catch {
            return 1
        }
    }
}
