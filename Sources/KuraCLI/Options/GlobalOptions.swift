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

    /// `--home`, else KURA_HOME, else the default place.
    func homePath() throws(KuraError) -> FilePath {
        guard let home else {
            if let home = Self.environment("KURA_HOME") { return FilePath(home) }
            return try Self.defaultHome()
        }
        guard !home.isEmpty else {
            throw KuraError(
                .invalidInput, "--home is empty", remedy: .advice("name a directory"))
        }
        return FilePath(home)
    }

    /// Below XDG_DATA_HOME, else below the user's own directory: that of HOME, else the one that
    /// the password database has. Never below the current directory.
    private static func defaultHome() throws(KuraError) -> FilePath {
        if let data = environment("XDG_DATA_HOME"), data.hasPrefix("/") {
            return FilePath(data).appending("kura")
        }
        guard let user = environment("HOME") ?? CommandContext.userDirectory, user.hasPrefix("/")
        else {
            throw KuraError(
                .invalidInput, "it is not known where the home is: this user has no directory",
                remedy: .advice("name it with --home DIR or KURA_HOME"))
        }
        return FilePath(user).pushing(".local/share/kura")
    }

    /// Makes the home where it is missing at the default place; nowhere else, because a disk that
    /// is not mounted must not become a new home.
    func makeHomeAtDefaultPlace() throws(KuraError) {
        let context = context()
        let path = context.resolve(try homePath()).lexicallyNormalized()
        guard try path == Self.defaultHome().lexicallyNormalized(), try !Home.isThere(path) else {
            return
        }
        let made = try Operations.setUpHome(at: path, context: context)
        if made.isNew { Terminal.note("made a new home at \(made.home)", .note, json: json) }
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
            if json || !quiet { Terminal.note(message, .waiting, json: json) }
        }
    }

    /// - Parameter context: nil for that of this command, on no special terms.
    func subscription(context: Context? = nil) throws(KuraError) -> Subscription {
        try Subscription.open(
            home: homePath(), create: .nothing, context: context ?? self.context()
        ).snapshotted()
    }

    /// What this command's caller can do.
    func operations(context: Context? = nil) throws(KuraError) -> Operations {
        let context = context ?? self.context()
        return Operations(try subscription(context: context), context)
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
