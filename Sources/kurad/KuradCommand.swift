#if Server
    internal import ArgumentParser
    internal import FoundationEssentials
    internal import Glibc
    internal import KuraHTTP
    internal import KuraIO
    internal import KuraPortal
    internal import KuraService
    internal import Logging
    internal import SystemPackage

    /// The server of the portal.
    struct KuradCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "kurad", abstract: "Serve the portal of a home, and run its schedule.",
            version: version, subcommands: [ServeCommand.self, AccountCommand.self],
            defaultSubcommand: ServeCommand.self)

        static let version = "0.1.0"

        /// Runs what the arguments of this process say.
        static func start() async {
            do {
                var command = try parseAsRoot()
                if var command = command as? any AsyncParsableCommand {
                    try await command.run()
                } else {
                    try command.run()
                }
            } catch {
                exit(withError: error)
            }
        }
    }

    /// Where the home is, and how errors are told.
    struct HomeOption: ParsableArguments {
        @Option(help: ArgumentHelp("The Kura home; by default KURA_HOME.", valueName: "dir"))
        var home: String?

        func path() throws -> FilePath {
            let environment = ProcessInfo.processInfo.environment
            guard let home = home ?? environment["KURA_HOME"], !home.isEmpty else {
                throw ValidationError("name the home with --home DIR or KURA_HOME")
            }
            let directory = FilePath(FileManager.default.currentDirectoryPath)
            return directory.pushing(FilePath(home)).lexicallyNormalized()
        }
    }

    struct ServeCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "serve", abstract: "Serve until SIGTERM or SIGINT (the default).")

        @OptionGroup var home: HomeOption

        @Option(
            help: ArgumentHelp(
                "Where it listens; none for nowhere.", valueName: "host:port"))
        var listen = "127.0.0.1:8443"

        @Option(
            help: ArgumentHelp(
                "A local socket, too; users are known by the kernel's word.", valueName: "path"))
        var socket: String?

        @Option(help: ArgumentHelp("A certificate chain in PEM.", valueName: "path"))
        var certificate: String?

        @Option(help: ArgumentHelp("The key of the certificate.", valueName: "path"))
        var key: String?

        @Flag(help: "Use TLS, with a certificate that is made in the home.")
        var selfSigned = false

        @Flag(inversion: .prefixedNo, help: "Make the backups that are due.")
        var schedule = true

        func validate() throws {
            guard (certificate == nil) == (key == nil) else {
                throw ValidationError("--certificate and --key go together")
            }
            guard certificate == nil || !selfSigned else {
                throw ValidationError("choose either --certificate or --self-signed")
            }
            _ = try address()
        }

        /// Nil where it does not listen on TCP.
        private func address() throws -> (host: String, port: Int)? {
            if listen == "none" {
                guard socket != nil else { throw ValidationError("it would listen nowhere") }
                return nil
            }
            guard let colon = listen.lastIndex(of: ":"),
                let port = UInt16(listen[listen.index(after: colon)...])
            else { throw ValidationError("--listen takes HOST:PORT, not \(listen)") }
            var host = String(listen[..<colon])
            if host.hasPrefix("["), host.hasSuffix("]") {
                host = String(host.dropFirst().dropLast())
            }
            guard !host.isEmpty else { throw ValidationError("--listen has no host") }
            return (host, Int(port))
        }

        func run() async throws {
            LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
            var logger = Logger(label: "kurad")
            logger.logLevel = .notice
            let path = try home.path()
            do {
                try await serve(path, logger)
            } catch let error as KuraError {
                Messages.tell("error: \(error.message)")
                throw ExitCode.failure
            }
        }

        private func serve(_ home: FilePath, _ logger: Logger) async throws {
            var options = Kurad.Options(
                home: home, version: KuradCommand.version,
                environment: ProcessInfo.processInfo.environment, logger: logger)
            options.runsSchedule = schedule
            let kurad = try Kurad(options)
            var server = PortalServer(kurad, logger: logger)
            server.socketPath = socket
            if let (host, port) = try address() {
                server.host = host
                server.port = port
                server.certificate = try chosenCertificate(home, host)
                try ListenRule.check(
                    host, hasTLS: server.certificate != nil,
                    hasAccount: kurad.site.accounts.firstLink == nil)
            }
            let first = kurad.site.accounts.firstLink
            server.running = { address in
                Messages.tell("listening on \(address)")
                if let first, address.hasPrefix("http") {
                    Messages.tell("there is no account yet; make the first one here:")
                    Messages.tell("  \(address)\(first.text)")
                }
            }
            try await server.run()
            Messages.tell("stopping; jobs end at their next safe point")
            let isOver = await withCheckedContinuation { continuation in
                Threads.detach { continuation.resume(returning: kurad.stop(withinSeconds: 100)) }
            }
            Messages.tell(isOver ? "stopped" : "stopped; a job did not end in time")
        }

        private func chosenCertificate(
            _ home: FilePath, _ host: String
        ) throws -> PortalServer.Certificate? {
            if let certificate, let key {
                return PortalServer.Certificate(chainPath: certificate, keyPath: key)
            }
            guard selfSigned else { return nil }
            let made = try SelfMadeCertificate.ofHome(home, host: host)
            Messages.tell("certificate: \(made.certificatePath)")
            Messages.tell("its SHA-256: \(made.fingerprint)")
            return PortalServer.Certificate(
                chainPath: made.certificatePath.string, keyPath: made.keyPath.string)
        }
    }

    struct AccountCommand: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "account", abstract: "Who may sign in.",
            subcommands: [AddCommand.self, ListCommand.self, RemoveCommand.self])

        struct AddCommand: ParsableCommand {
            static let configuration = CommandConfiguration(
                commandName: "add",
                abstract: "Make an account. The password is the first line of standard input.")

            @Argument var name: String

            @Option(help: "reader, operator, contributor or owner.")
            var role = "reader"

            @OptionGroup var home: HomeOption

            func run() throws {
                guard let role = Role(rawValue: role) else {
                    throw ValidationError("--role takes reader, operator, contributor or owner")
                }
                try Messages.telling { () throws in
                    let accounts = try Accounts(ServerDatabase(home: home.path()))
                    try accounts.add(name, role, password: readLine() ?? "")
                }
            }
        }

        struct ListCommand: ParsableCommand {
            static let configuration = CommandConfiguration(
                commandName: "list", abstract: "List the accounts.")

            @OptionGroup var home: HomeOption

            func run() throws {
                try Messages.telling { () throws in
                    let accounts = try Accounts(ServerDatabase(home: home.path()))
                    for account in try accounts.all() {
                        print("\(account.name)\t\(account.role.rawValue)")
                    }
                }
            }
        }

        struct RemoveCommand: ParsableCommand {
            static let configuration = CommandConfiguration(
                commandName: "remove", abstract: "Delete an account; not the last owner.")

            @Argument var name: String
            @OptionGroup var home: HomeOption

            func run() throws {
                try Messages.telling { () throws in
                    try Accounts(ServerDatabase(home: home.path())).remove(name)
                }
            }
        }
    }

    /// Lines on standard error.
    enum Messages {
        static func tell(_ line: String) {
            _ = (line + "\n").utf8CString.withUnsafeBytes { bytes in
                write(STDERR_FILENO, bytes.baseAddress, bytes.count - 1)
            }
        }

        static func telling(_ body: () throws -> Void) throws {
            do {
                try body()
            } catch let error as KuraError {
                tell("error: \(error.message)")
                throw ExitCode.failure
            }
        }
    }
#endif
