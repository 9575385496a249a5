internal import CLinux
internal import Glibc
internal import KuraIO
internal import SystemPackage

/// A child process in a session of its own, so that no signal for this process reaches it.
///
/// Its standard input is one end of a socket that both sides write to and read from; only this
/// process holds the other end, so the child reads an end of file however this process ends.
final class HookProcess {
    private let process: pid_t
    private var socket: Int32
    private var status: Int32?

    /// - Parameters:
    ///   - arguments: the program first; without a slash it is looked for in PATH.
    ///   - folder: working directory.
    ///   - environment: all of its variables.
    ///   - output: where its standard output and error go.
    init(
        _ arguments: [String], folder: String, environment: [String: String],
        output: FileDescriptor
    ) throws(KuraError) {
        var ends: [Int32] = [-1, -1]
        guard kura_socket_pair_cloexec(&ends) == 0 else {
            throw KuraError(.io, "no socket for a hook: \(Errno(rawValue: errno))")
        }
        defer { close(ends[0]) }
        let program = arguments.first ?? ""
        let arguments = arguments.map { strdup($0) } + [nil]
        let variables = environment.map { strdup("\($0)=\($1)") } + [nil]
        defer { for text in arguments + variables { free(text) } }
        let result = kura_spawn_session(arguments, variables, folder, ends[0], output.rawValue)
        guard result > 0 else {
            close(ends[1])
            throw KuraError(
                .io, "\(program) in \(folder) cannot be started: \(Errno(rawValue: -result))",
                remedy: .advice("check that it is there and may be executed"))
        }
        process = result
        socket = ends[1]
    }

    /// The child reads an end of file.
    func closeSocket() {
        if socket >= 0 { close(socket) }
        socket = -1
    }

    private static let lineBytesMax = 80

    /// The next line that the child writes to its standard input.
    /// - Parameter deadline: in nanoseconds of `Clock.steady`.
    /// - Returns: nil when the child closes its end, or says nothing in time.
    func readLine(until deadline: Int64) -> String? {
        var line: [UInt8] = []
        while socket >= 0, line.count < Self.lineBytesMax {
            let left = (deadline - Clock.steady()) / 1_000_000
            guard left > 0 else { return nil }
            var wanted = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
            let ready = poll(&wanted, 1, Int32(clamping: left))
            if ready == 0 || (ready < 0 && errno == EINTR) { continue }
            guard ready > 0 else { return nil }
            var byte: UInt8 = 0
            let count = read(socket, &byte, 1)
            if count < 0, errno == EINTR { continue }
            guard count == 1 else { return nil }
            if byte == UInt8(ascii: "\n") { return String(decoding: line, as: UTF8.self) }
            line.append(byte)
        }
        return nil
    }

    /// Whether it has not ended. Collects its status when it has.
    var isRunning: Bool {
        guard status == nil else { return false }
        var value: Int32 = 0
        let found = waitpid(process, &value, WNOHANG)
        if found == process { status = value }
        return status == nil
    }

    /// Waits for its end. When it comes too late, the process and all it started are killed.
    /// - Parameter deadline: in nanoseconds of `Clock.steady`.
    /// - Returns: its exit status, 128 and the signal's number where one ended it; nil when late.
    func wait(until deadline: Int64) -> Int32? {
        if isRunning, !hasEnded(by: deadline) { return nil }
        guard let status else { return nil }
        let signal = status & 0x7f
        return signal == 0 ? (status >> 8) & 0xff : 128 + signal
    }

    /// Waits for its end, kills it when it is late, and collects its status in either case.
    private func hasEnded(by deadline: Int64) -> Bool {
        let process = process
        let ended = Latch(1)
        let observer = SerialWorker()
        observer.submit {
            // Leaves the status: until it is collected, no other process gets this number, so
            // that the signal below cannot reach a stranger.
            var information = siginfo_t()
            while waitid(P_PID, id_t(process), &information, WEXITED | WNOWAIT) != 0,
                errno == EINTR
            {}
            ended.signal()
        }
        let isInTime = ended.wait(until: deadline)
        if !isInTime { kill(-process, SIGKILL) }
        observer.stop()
        var value: Int32 = 0
        waitpid(process, &value, 0)
        status = value
        return isInTime
    }

    deinit { closeSocket() }
}
