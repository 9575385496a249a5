internal import CLinux
internal import Glibc
public import KuraStore
internal import KuraIO
internal import SystemPackage

/// What freezing and thawing a machine came to.
public struct QuiesceReport: Sendable {
    /// Whether the machine stayed frozen until it was let go, and both commands succeeded.
    public var heldThroughout: Bool
    /// Why not; nil where it did.
    public var problem: String?
    /// What both commands printed, `outputBytesMax` at most.
    public var output: String
}

/// A machine that its freeze command has brought to rest.
///
/// The thaw command belongs to a watchdog, a process in a session of its own that waits for the
/// other end of a pipe to close. Only this process holds that end. So thaw runs exactly once, and
/// runs whether `thaw` is called, this process is killed, or the time is over.
public final class FrozenMachine {
    private let watchdog: HookProcess
    private let deadline: Int64
    private let output: FileDescriptor
    private var report: QuiesceReport?

    static let outputBytesMax = 64 << 10

    /// Starts the watchdog, then runs the freeze command.
    ///
    /// When that fails, or is not done in time, the machine is thawed all the same, and the error
    /// has what both commands printed.
    public init(_ machine: VirtualMachine, _ quiesce: VirtualMachine.Quiesce) throws(StoreError) {
        let output = try Self.temporaryFile()
        let folder = machine.folder
        let environment = ["KURA_VM=\(machine.name)", "KURA_CLOUD_SERVICE=\(machine.cloudService)"]
        let seconds = quiesce.timeoutSeconds
        deadline = Clock.steady() + Int64(seconds) * 1_000_000_000
        self.output = output
        do throws(StoreError) {
            // `cat` ends when the pipe is closed, `timeout` when the time is over.
            watchdog = try HookProcess(
                ["/bin/sh", "-c", "timeout \(seconds) cat >/dev/null; exec \"$@\"", "sh"]
                    + quiesce.thaw,
                folder: folder, environment: environment, output: output, hasInput: true)
        } catch {
            _ = try? output.close()
            throw error
        }
        let status: Int32?
        do throws(StoreError) {
            let freeze = try HookProcess(
                quiesce.freeze, folder: folder, environment: environment, output: output,
                hasInput: false)
            status = freeze.wait(until: deadline)
        } catch {
            let printed = finish().output
            throw StoreError(
                error.code, error.message + Self.quoted(printed), remedy: error.remedy)
        }
        guard status == 0 else {
            let printed = finish().output
            let what = status.map { "failed with status \($0)" } ?? "was not done in \(seconds) s"
            throw StoreError(
                .io, "the freeze command of \(machine.name) \(what)" + Self.quoted(printed),
                remedy: "run it by hand in \(folder), and look at what it says")
        }
    }

    private static func quoted(_ output: String) -> String {
        output.isEmpty ? "" : "; it said: \(output.prefix(2000))"
    }

    /// Whether the machine is still frozen: the time is not over yet.
    public var isHeld: Bool { report == nil && Clock.steady() < deadline && watchdog.isRunning }

    /// Lets the machine go on, and waits until the thaw command is done. Can be called again.
    public func thaw() -> QuiesceReport { finish() }

    private func finish() -> QuiesceReport {
        if let report { return report }
        let isLate = !(Clock.steady() < deadline && watchdog.isRunning)
        watchdog.closeInput()
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
        _ = try? output.close()
    }

    private func printed() -> String {
        var bytes = [UInt8](repeating: 0, count: Self.outputBytesMax)
        let count = bytes.withUnsafeMutableBytes { pread(output.rawValue, $0.baseAddress, $0.count, 0) }
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }

    /// A file without a name, so that no hook can block on a full pipe.
    private static func temporaryFile() throws(StoreError) -> FileDescriptor {
        let number = kura_memory_file()
        guard number >= 0 else {
            throw StoreError(.io, "no memory for the output of hooks: \(Errno(rawValue: errno))")
        }
        return FileDescriptor(rawValue: number)
    }
}
