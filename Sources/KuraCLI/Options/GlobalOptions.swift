import ArgumentParser
import KuraIO
import KuraOperations
import KuraVault
import Logging
import SystemPackage

/// Options that every command takes.
struct GlobalOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("The Kura home (may also stand before the command).", valueName: "dir"))
    var home: String?

    @Flag(help: "Print one JSON document instead of text.")
    var json = false

    @Flag(help: "Print ids only, and no progress.")
    var quiet = false

    @Option(
        help: ArgumentHelp(
            "Log on standard error from this level: trace, debug, info, notice, warning, error.",
            valueName: "level"))
    var logLevel: LogLevel?

    /// `--home` where it stands before the command, as `kura --home DIR COMMAND`.
    nonisolated(unsafe) static var leadingHome: String?

    /// `--home`, else KURA_HOME, else below XDG_DATA_HOME, else below the user's own directory.
    var homePath: FilePath {
        if let home = home ?? Self.leadingHome ?? Self.environment("KURA_HOME") {
            return FilePath(home)
        }
        if let data = Self.environment("XDG_DATA_HOME") { return FilePath(data).appending("kura") }
        let user = Self.environment("HOME") ?? "."
        return FilePath(user).pushing(".local/share/kura")
    }

    /// The context of one request of this command.
    func context(
        threads: Int? = nil, clock: WallClock = .system, progress: Progress = Progress(),
        surface: Caller.Surface = .commandLine
    ) -> Context {
        var logger = Logger(label: "kura")
        if let logLevel { logger.logLevel = logLevel.level }
        return Context(
            caller: Caller(name: CommandContext.actor, surface: surface),
            directory: CommandContext.directory, environment: CommandContext.environment,
            clock: clock, budget: Budget(threads: threads), logger: logger, progress: progress,
            cancellation: Interrupts.cancellation, waits: waits)
    }

    /// Long waits are told of on standard error.
    private var waits: WaitPolicy {
        let (json, quiet) = (json, quiet)
        return WaitPolicy { message in
            if json || !quiet { Terminal.note(message, json: json) }
        }
    }

    /// - Parameter context: nil for that of this command, on no special terms.
    func subscription(
        create: Subscription.Creation = .nothing, context: Context? = nil
    ) throws(KuraError) -> Subscription {
        try Subscription.open(
            home: homePath, create: create, context: context ?? self.context()
        ).snapshotted()
    }

    /// What this command's caller can do.
    func operations(
        create: Subscription.Creation = .nothing, context: Context? = nil
    ) throws(KuraError) -> Operations {
        let context = context ?? self.context()
        return Operations(try subscription(create: create, context: context), context)
    }

    private static func environment(_ name: String) -> String? {
        CommandContext.environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// Prints a result in the form that was asked for.
    /// - Parameters:
    ///   - text: for people; nothing is printed where it is empty.
    ///   - ids: what `--quiet` prints, one a line.
    /// Only what is printed is made: a list may be long.
    func show(
        text: @autoclosure () -> String, ids: @autoclosure () -> [String] = [],
        json document: @autoclosure () -> JSON
    ) throws {
        if json { return try Terminal.print(document()) }
        let lines = quiet ? ids().joined(separator: "\n") : text()
        if !lines.isEmpty { try Terminal.print(lines) }
    }
}
