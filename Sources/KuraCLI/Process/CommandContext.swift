import FoundationEssentials
import Glibc
import KuraIO
import SystemPackage

/// What this process knows of its caller: the only place that reads its user, its environment, its
/// working directory and its clock.
enum CommandContext {
    static let environment = ProcessInfo.processInfo.environment

    /// user@host.
    static let actor: String = {
        let user = getpwuid(geteuid()).map { String(cString: $0.pointee.pw_name) }
        return "\(user ?? "uid \(Process.userID)")@\(Process.hostName)"
    }()

    /// The user's own directory by the password database.
    static var userDirectory: String? {
        getpwuid(geteuid()).map { String(cString: $0.pointee.pw_dir) }
    }

    static var directory: FilePath { FilePath(FileManager.default.currentDirectoryPath) }
}
