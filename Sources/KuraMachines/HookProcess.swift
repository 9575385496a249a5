internal import CLinux
internal import Glibc
internal import KuraIO
internal import KuraStore
internal import SystemPackage

/// A child process in a session of its own, so that no signal for this process reaches it.
final class HookProcess {
    private let process: pid_t
    private var input: Int32
    private var status: Int32?

    /// - Parameters:
    ///   - arguments: the program first; without a slash it is looked for in PATH.
    ///   - folder: working directory.
    ///   - output: where its standard output and error go.
    ///   - hasInput: whether standard input is a pipe that `closeInput` closes; else it is empty.
    init(
        _ arguments: [String], folder: String, environment: [String], output: FileDescriptor,
        hasInput: Bool
    ) throws(StoreError) {
        var ends: [Int32] = [-1, -1]
        if hasInput {
            guard kura_pipe_cloexec(&ends) == 0 else {
                throw StoreError(.io, "no pipe for a hook: \(Errno(rawValue: errno))")
            }
        } else {
            ends[0] = open("/dev/null", O_RDONLY | O_CLOEXEC)
        }
        defer { close(ends[0]) }
        var known: [String] = []
        var entry = environ
        while let text = entry.pointee {
            known.append(String(cString: text))
            entry += 1
        }
        let arguments = arguments.map { strdup($0) } + [nil]
        let variables = (known + environment).map { strdup($0) } + [nil]
        defer { for text in arguments + variables { free(text) } }
        let result = kura_spawn_session(arguments, variables, folder, ends[0], output.rawValue)
        guard result > 0 else {
            if hasInput { close(ends[1]) }
            throw StoreError(
                .io, "\(arguments[0].map { String(cString: $0) } ?? "") in \(folder) cannot be "
                    + "started: \(Errno(rawValue: -result))",
                remedy: "check that it is there and may be executed")
        }
        process = result
        input = hasInput ? ends[1] : -1
    }

    func closeInput() {
        if input >= 0 { close(input) }
        input = -1
    }

    /// Whether it has not ended. Collects its status when it has.
    var isRunning: Bool {
        guard status == nil else { return false }
        var value: Int32 = 0
        let found = waitpid(process, &value, WNOHANG)
        if found == process { status = value }
        return status == nil
    }

    private static let pauseMicroseconds: UInt32 = 2000

    /// Waits for its end. When it comes too late, the process and all it started are killed.
    /// - Parameter deadline: in nanoseconds of `Clock.steady`.
    /// - Returns: its exit status, 128 and the signal's number where one ended it; nil when late.
    func wait(until deadline: Int64) -> Int32? {
        while isRunning {
            guard Clock.steady() < deadline else {
                kill(-process, SIGKILL)
                var value: Int32 = 0
                waitpid(process, &value, 0)
                status = value
                return nil
            }
            usleep(Self.pauseMicroseconds)
        }
        guard let status else { return nil }
        let signal = status & 0x7f
        return signal == 0 ? (status >> 8) & 0xff : 128 + signal
    }

    deinit { closeInput() }
}
