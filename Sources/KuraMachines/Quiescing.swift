internal import Glibc
public import KuraIO
internal import SystemPackage

/// How freezing and thawing a machine ended.
public struct QuiesceReport: Sendable {
    /// Whether the machine stayed frozen until `thaw`, and both commands succeeded.
    public var heldThroughout: Bool
    /// Why not; nil where it did.
    public var problem: String?
    /// What both commands printed, 64 KiB at most.
    public var output: String
}

/// A machine that its freeze command has frozen.
///
/// Both commands belong to a watchdog, a process in a session of its own: it runs the freeze
/// command, then waits for the other end of a socket to close, then runs the thaw command. Only
/// this process holds that end. So the thaw command runs exactly once, never while the freeze
/// command still runs: after `thaw`, when this process is killed, and when the time is over. Where
/// the work is cancelled while it is frozen, the freeze command is killed first.
public final class FrozenMachine {
    private let watchdog: HookProcess
    private let deadline: Int64
    private let output: HookOutput
    private let cancellation: Cancellation
    private var report: QuiesceReport?

    /// What the watchdog runs. Its arguments: seconds, the number of words of the freeze command,
    /// then both commands. `timeout` ends freezing and waiting when the time is over; it leads the
    /// group of processes that is killed when the socket says so while the freeze command runs.
    /// `read` ends when the socket is closed.
    private static let script = #"""
        seconds=$1 count=$2
        shift 2
        freeze= number=0
        while [ $number -lt $count ]; do
            number=$((number + 1))
            freeze="$freeze \"\${$number}\""
        done
        timeout -s KILL $seconds sh -c "exec 3>&0
            { $freeze </dev/null 3>&-; echo \$? >&3; } &
            job=\$!
            read word
            [ \"\$word\" = cancel ] && kill -0 \$job && kill -KILL 0
            wait \$job" sh "$@"
        shift $count
        exec "$@"
        """#

    /// Starts the watchdog and waits until the freeze command is done.
    ///
    /// When that fails, or is not done in time, the machine is thawed all the same, and the error
    /// has what both commands printed.
    /// - Parameters:
    ///   - rights: with whose rights the commands run.
    ///   - environment: of the caller; the commands get PATH and LANG of it, and nothing else but
    ///     KURA_VM and KURA_CLOUD_SERVICE.
    ///   - cancellation: ends the freeze command, and no wait is longer than that takes.
    /// - Throws: `interrupted` after a cancellation: the machine is thawed, or is being thawed.
    public init(
        _ machine: VirtualMachine, _ quiesce: VirtualMachine.Quiesce, as rights: HookRights = .own,
        environment: [String: String], cancellation: Cancellation = Cancellation()
    ) throws(KuraError) {
        let user: FileUser? =
            switch rights {
            case .own: nil
            case .owner(let user): user
            case .refused(let reason): throw KuraError(.refused, reason)
            }
        let environment = Self.clean(environment, for: machine)
        let output = try HookOutput(environment: environment)
        let seconds = quiesce.timeoutSeconds
        deadline = Clock.steady() + Int64(seconds) * 1_000_000_000
        self.output = output
        self.cancellation = cancellation
        guard let target = output.target else { throw KuraError(.io, "hooks have no output") }
        watchdog = try HookProcess(
            ["/bin/sh", "-c", Self.script, "sh", "\(seconds)", "\(quiesce.freeze.count)"]
                + quiesce.freeze + quiesce.thaw,
            folder: machine.folder, environment: environment, output: target, as: user)
        output.closeTarget()
        let status = watchdog.readLine(until: deadline, cancellation).flatMap { Int32($0) }
        guard status == 0 else {
            if status == nil, cancellation.isCancelled {
                watchdog.send(line: "cancel")
                _ = finish()
                throw .interruptedByUser
            }
            let printed = finish().output
            let what = status.map { "failed with status \($0)" } ?? "was not done in \(seconds) s"
            throw KuraError(
                .io, "the freeze command of \(machine.name) \(what)" + Self.quoted(printed),
                remedy: .advice("run it by hand in \(machine.folder), and look at what it says"))
        }
    }

    /// Where programs are looked for, unless the caller says so.
    public static let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    /// Variables of the caller may be secret, and may change what programs do.
    private static func clean(
        _ environment: [String: String], for machine: VirtualMachine
    ) -> [String: String] {
        var clean = environment.filter { $0.key == "PATH" || $0.key == "LANG" }
        clean["PATH"] = clean["PATH"] ?? path
        clean["KURA_VM"] = machine.name
        clean["KURA_CLOUD_SERVICE"] = machine.cloudService
        return clean
    }

    private static func quoted(_ output: String) -> String {
        output.isEmpty ? "" : "; it said: \(output.prefix(2000))"
    }

    /// Whether the machine is still frozen: the time is not over yet.
    public var isHeld: Bool { report == nil && Clock.steady() < deadline && watchdog.isRunning }

    /// Thaws the machine, and waits until the thaw command is done; not much longer once the work
    /// is cancelled. Can be called again.
    public func thaw() -> QuiesceReport { finish() }

    private func finish() -> QuiesceReport {
        if let report { return report }
        let isLate = !(Clock.steady() < deadline && watchdog.isRunning)
        watchdog.closeSocket()
        var end = watchdog.wait(until: Clock.steady() + Self.thawNanoseconds, cancellation)
        if end == .cancelled {
            // Most commands are done in no time. Another one goes on by itself.
            end = watchdog.wait(nanoseconds: Self.cancelledNanoseconds)
        }
        let problem: String? =
            if isLate {
                "the time to stay frozen was over before the disks were read"
            } else {
                switch end {
                case .status(0): nil
                case .status(let status): "the thaw command failed with status \(status)"
                case .late: "the thaw command was not done in 10 minutes"
                case .cancelled: "the thaw command was not waited for"
                }
            }
        let made = QuiesceReport(
            heldThroughout: problem == nil, problem: problem,
            output: end == .cancelled ? "" : output.text())
        report = made
        return made
    }

    private static let thawNanoseconds: Int64 = 600_000_000_000
    private static let cancelledNanoseconds: Int64 = 2_000_000_000

    deinit { _ = finish() }
}
