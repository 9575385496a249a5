import FoundationEssentials
import Glibc
import KuraIO
import Logging
import SystemPackage

/// What this process knows of its caller: the only place that reads its user, its environment, its
/// working directory and its clock.
enum CommandContext {
    static let environment = ProcessInfo.processInfo.environment

    /// The context of one request of this command.
    static func make(
        threads: Int? = nil, clock: WallClock = .system, progress: Progress = Progress(),
        surface: Caller.Surface = .commandLine
    ) -> Context {
        Context(
            caller: Caller(name: actor, surface: surface), directory: directory,
            environment: environment, clock: clock, budget: Budget(threads: threads),
            logger: Logger(label: "kura"), progress: progress,
            cancellation: Interrupts.cancellation)
    }

    /// user@host.
    private static let actor: String = {
        let user = getpwuid(geteuid()).map { String(cString: $0.pointee.pw_name) }
        return "\(user ?? "uid \(Process.userID)")@\(Process.hostName)"
    }()

    private static var directory: FilePath { FilePath(FileManager.default.currentDirectoryPath) }
}
