internal import CLinux
internal import Glibc
internal import KuraIO
internal import SystemPackage

/// A child process in a session of its own, so that no signal for this process reaches it.
///
/// Its standard input is one end of a socket that both sides write to and read from; only this
/// process holds the other end, so the child reads an end of file however this process ends.
final class HookProcess {
    private let process: ChildProcess
    private var socket: Int32

    /// - Parameters:
    ///   - arguments: the program first, by its path.
    ///   - folder: working directory.
    ///   - environment: all of its variables.
    ///   - output: where its standard output and error go.
    ///   - user: whose rights it has; nil for this process's.
    init(
        _ arguments: [String], folder: String, environment: [String: String],
        output: FileDescriptor, as user: FileUser?
    ) throws(KuraError) {
        var ends: [Int32] = [-1, -1]
        guard kura_socket_pair_cloexec(&ends) == 0 else {
            throw KuraError(.io, "no socket for a hook: \(Errno(rawValue: errno))")
        }
        defer { close(ends[0]) }
        let program = arguments.first ?? ""
        let result = withProgramWords(arguments, environment: environment) { words, variables in
            guard let user else {
                return kura_spawn_session(words, variables, folder, ends[0], output.rawValue)
            }
            return kura_spawn_session_as(
                words, variables, folder, ends[0], output.rawValue, user.id, user.group)
        }
        guard result > 0 else {
            close(ends[1])
            throw KuraError(
                .io, "\(program) in \(folder) cannot be started: \(Errno(rawValue: -result))",
                remedy: .advice("check that it is there and may be executed"))
        }
        process = ChildProcess(result)
        socket = ends[1]
    }

    /// The child reads an end of file.
    func closeSocket() {
        if socket >= 0 { close(socket) }
        socket = -1
    }

    /// The child reads a line. One that has ended reads nothing.
    func send(line: String) {
        let bytes = Array("\(line)\n".utf8)
        if socket >= 0 { _ = Glibc.send(socket, bytes, bytes.count, Int32(MSG_NOSIGNAL)) }
    }

    private static let lineBytesMax = 80

    /// The next line that the child writes to its standard input.
    /// - Parameter deadline: in nanoseconds of `Clock.steady`.
    /// - Returns: nil when the child closes its end, or says nothing in time, or the work is
    ///   cancelled.
    func readLine(until deadline: Int64, _ cancellation: Cancellation) -> String? {
        guard let wake = WakeDescriptor() else { return nil }
        return cancellation.notifying(
            { wake.wake() },
            during: {
                var line: [UInt8] = []
                while socket >= 0, line.count < Self.lineBytesMax, !cancellation.isCancelled {
                    let left = deadline - Clock.steady()
                    guard left > 0 else { return nil }
                    var wanted = [
                        pollfd(fd: socket, events: Int16(POLLIN), revents: 0),
                        pollfd(fd: wake.descriptor, events: Int16(POLLIN), revents: 0),
                    ]
                    let ready = poll(
                        &wanted, nfds_t(wanted.count), Int32(clamping: left / 1_000_000 + 1))
                    guard ready >= 0 || errno == EINTR else { return nil }
                    guard ready > 0, wanted[0].revents != 0 else { continue }
                    var byte: UInt8 = 0
                    let count = read(socket, &byte, 1)
                    if count < 0, errno == EINTR { continue }
                    guard count == 1 else { return nil }
                    if byte == UInt8(ascii: "\n") { return String(decoding: line, as: UTF8.self) }
                    line.append(byte)
                }
                return nil
            })
    }

    var isRunning: Bool { process.isRunning }

    /// How waiting for a process ended.
    enum End: Equatable {
        /// With an exit status; 128 and the signal's number where one ended it.
        case status(Int32)
        /// It was late, and it was killed with all it started.
        case late
        /// The work was cancelled first. It runs on.
        case cancelled
    }

    /// Waits for its end.
    /// - Parameter deadline: when it is killed, in nanoseconds of `Clock.steady`.
    func wait(until deadline: Int64, _ cancellation: Cancellation) -> End {
        if let status = process.wait(until: deadline, cancellation) { return .status(code(status)) }
        if cancellation.isCancelled { return .cancelled }
        process.send(SIGKILL, toGroup: true)
        return .late
    }

    /// Likewise, however the work stands, and for a given time only, after which it runs on.
    func wait(nanoseconds: Int64) -> End {
        guard let status = process.wait(until: Clock.steady() + nanoseconds, Cancellation()) else {
            return .cancelled
        }
        return .status(code(status))
    }

    private func code(_ status: Int32) -> Int32 {
        let signal = status & 0x7f
        return signal == 0 ? (status >> 8) & 0xff : 128 + signal
    }

    deinit { closeSocket() }
}
