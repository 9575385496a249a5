import ArgumentParser
import Glibc
import KuraIO

/// From arguments to an exit code.
public enum Entry {
    public static func main(_ arguments: [String]) -> Int32 {
        // Never mask owner bits: a umask of 0700 would make our own files unreadable. Other users
        // get no rights from Kura anyway, and the programs that it starts keep the caller's mask.
        umask(umask(0o077) & 0o077)
        Terminal.prepare()
        StandardErrorLog.install()
        Interrupts.install()
        let arguments = takeLeadingHome(arguments)
        // What stands behind -- belongs to another command.
        let wantsJSON = arguments.prefix { $0 != "--" }.contains("--json")
        do {
            var command = try KuraCommand.parseAsRoot(arguments)
            try command.run()
            return 0
        } catch let exit as EarlyExit {
            return exit.code
        } catch let error as KuraError {
            Terminal.error(error, json: wantsJSON)
            return exitCode(error.code)
        } catch {
            return reportUsage(error, json: wantsJSON)
        }
    }

    /// `kura --home DIR COMMAND` works, too; the parser knows the option on commands only.
    private static func takeLeadingHome(_ arguments: [String]) -> [String] {
        guard let first = arguments.first else { return arguments }
        if first == "--home", arguments.count >= 2 {
            GlobalOptions.leadingHome = arguments[1]
            return Array(arguments.dropFirst(2))
        }
        if first.hasPrefix("--home=") {
            GlobalOptions.leadingHome = String(first.dropFirst("--home=".count))
            return Array(arguments.dropFirst())
        }
        return arguments
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

    /// Help and version go to standard output; a wrong flag or value is exit code 64.
    private static func reportUsage(_ error: any Error, json: Bool) -> Int32 {
        guard KuraCommand.exitCode(for: error) != .success else {
            do {
                try Terminal.print(KuraCommand.fullMessage(for: error))
                return 0
            } catch {
                return 1
            }
        }
        let message = KuraCommand.message(for: error)
        let full = KuraCommand.fullMessage(for: error)
        let usage = full.split(separator: "\n").first { $0.hasPrefix("Usage: ") }
        let isUsage = KuraCommand.exitCode(for: error) == .validationFailure
        let remedy = isUsage ? usage.map { "usage: \($0.dropFirst("Usage: ".count))" } : nil
        Terminal.error(
            code: isUsage ? "usage" : "failed", message,
            remedy: remedy ?? "run: kura --help", json: json)
        return isUsage ? 64 : 1
    }
}
