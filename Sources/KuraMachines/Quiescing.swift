internal import CLinux
internal import Glibc
public import KuraIO
internal import SystemPackage

/// How freezing and thawing a machine ended.
public struct QuiesceReport: Sendable {
    /// Whether the machine stayed frozen until `thaw`, and both commands succeeded.
    public var heldThroughout: Bool
    /// Why not; nil where it did.
    public var problem: String?
    /// What both commands printed, `outputBytesMax` at most.
    public var output: String
}

/// A machine that its freeze command has frozen.
///
/// Both commands belong to a watchdog, a process in a session of its own: it runs the freeze
/// command, then waits for the other end of a socket to close, then runs the thaw command. Only
/// this process holds that end. So the thaw command runs exactly once, never while the freeze
/// command still runs: after `thaw`, when this process is killed, and when the time is over.
public final class FrozenMachine {
    private let watchdog: HookProcess
    private let deadline: Int64
    private let output: FileDescriptor
    private var report: QuiesceReport?

    static let outputBytesMax = 64 << 10

    /// What the watchdog runs. Its arguments: seconds, the number of words of the freeze command,
    /// then both commands. `timeout` ends freezing and waiting when the time is over; `cat` ends
    /// when the socket is closed.
    private static let script = #"""
        seconds=$1 count=$2
        shift 2
        freeze= number=0
        while [ $number -lt $count ]; do
            number=$((number + 1))
            freeze="$freeze \"\${$number}\""
        done
        timeout -s KILL $seconds sh -c \
            "$freeze </dev/null; echo \$? >&0; exec cat >/dev/null" sh "$@"
        shift $count
        exec "$@"
        """#

    /// Starts the watchdog and waits until the freeze command is done.
    ///
    /// When that fails, or is not done in time, the machine is thawed all the same, and the error
    /// has what both commands printed.
    /// - Parameter environment: variables of both commands, besides KURA_VM and
    ///   KURA_CLOUD_SERVICE.
    public init(
        _ machine: VirtualMachine, _ quiesce: VirtualMachine.Quiesce,
        environment: [String: String]
    ) throws(KuraError) {
        var environment = environment
        environment["KURA_VM"] = machine.name
        environment["KURA_CLOUD_SERVICE"] = machine.cloudService
        let output = try Self.temporaryFile()
        let seconds = quiesce.timeoutSeconds
        deadline = Clock.steady() + Int64(seconds) * 1_000_000_000
        self.output = output
        do throws(KuraError) {
            watchdog = try HookProcess(
                ["/bin/sh", "-c", Self.script, "sh", "\(seconds)", "\(quiesce.freeze.count)"]
                    + quiesce.freeze + quiesce.thaw,
                folder: machine.folder,
                environment: environment, output: output)
        } catch {
            _ = close(output.rawValue)
            throw error
        }
        let status = watchdog.readLine(until: deadline).flatMap { Int32($0) }
        guard status == 0 else {
            let printed = finish().output
            let what = status.map { "failed with status \($0)" } ?? "was not done in \(seconds) s"
            throw KuraError(
                .io, "the freeze command of \(machine.name) \(what)" + Self.quoted(printed),
                remedy: .advice("run it by hand in \(machine.folder), and look at what it says"))
        }
    }

    private static func quoted(_ output: String) -> String {
        output.isEmpty ? "" : "; it said: \(output.prefix(2000))"
    }

    /// Whether the machine is still frozen: the time is not over yet.
    public var isHeld: Bool { report == nil && Clock.steady() < deadline && watchdog.isRunning }

    /// Thaws the machine, and waits until the thaw command is done. Can be called again.
    public func thaw() -> QuiesceReport { finish() }

    private func finish() -> QuiesceReport {
        if let report { return report }
        let isLate = !(Clock.steady() < deadline && watchdog.isRunning)
        watchdog.closeSocket()
        let status = watchdog.wait(until: Clock.steady() + Self.thawNanoseconds)
        let problem: String? =
            if isLate {
                "the time to stay frozen was over before the disks were read"
            } else if let status {
                status == 0 ? nil : "the thaw command failed with status \(status)"
            } else {
                "the thaw command was not done in 10 minutes"
            }
        let made = QuiesceReport(
            heldThroughout: problem == nil, problem: problem, output: printed())
        report = made
        return made
    }

    private static let thawNanoseconds: Int64 = 600_000_000_000

    deinit {
        _ = finish()
        _ = close(output.rawValue)
    }

    private func printed() -> String {
        var bytes = [UInt8](repeating: 0, count: Self.outputBytesMax)
        let count = bytes.withUnsafeMutableBytes {
            pread(output.rawValue, $0.baseAddress, $0.count, 0)
        }
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }

    /// A file without a name, so that no hook can block on a full pipe.
    private static func temporaryFile() throws(KuraError) -> FileDescriptor {
        let number = kura_memory_file()
        guard number >= 0 else {
            throw KuraError(.io, "no memory for the output of hooks: \(Errno(rawValue: errno))")
        }
        return FileDescriptor(rawValue: number)
    }
}
