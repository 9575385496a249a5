internal import CLinux
internal import Glibc
internal import KuraIO
internal import SystemPackage

/// What hooks print: the first bytes are kept, and the rest is read and thrown away, so that no
/// hook waits for a full pipe, and none fills the memory.
///
/// A process of its own reads, which lives until the last hook has closed its end: hooks go on when
/// this process is killed, and must not meet a pipe without a reader.
final class HookOutput {
    static let byteCountMax = 64 << 10

    private let kept: FileDescriptor
    private let reader: ChildProcess
    /// Where hooks write to.
    private(set) var target: FileDescriptor?

    /// - Parameter environment: variables of the process that reads.
    init(environment: [String: String]) throws(KuraError) {
        let memory = kura_memory_file()
        var ends: [Int32] = [-1, -1]
        guard memory >= 0, kura_pipe_cloexec(&ends) == 0 else {
            let reason = Errno(rawValue: errno)
            if memory >= 0 { close(memory) }
            throw KuraError(.io, "no memory for the output of hooks: \(reason)")
        }
        let script = "head -c \(Self.byteCountMax); exec cat >/dev/null"
        let result = withProgramWords(["/bin/sh", "-c", script], environment: environment) {
            kura_spawn_session($0, $1, "/", ends[0], memory)
        }
        close(ends[0])
        guard result > 0 else {
            close(ends[1])
            close(memory)
            throw KuraError(
                .io, "/bin/sh cannot be started: \(Errno(rawValue: -result))",
                remedy: .advice("check that it is there and may be executed"))
        }
        kept = FileDescriptor(rawValue: memory)
        target = FileDescriptor(rawValue: ends[1])
        reader = ChildProcess(result)
    }

    /// This process writes nothing more; hooks that hold the other end may.
    func closeTarget() {
        if let target { close(target.rawValue) }
        target = nil
    }

    /// What hooks that left something behind, which still may write, are waited for.
    private static let restNanoseconds: Int64 = 1_000_000_000

    /// What was printed, once all hooks are done.
    func text() -> String {
        closeTarget()
        _ = reader.wait(until: Clock.steady() + Self.restNanoseconds, Cancellation())
        var bytes = [UInt8](repeating: 0, count: Self.byteCountMax)
        let count = bytes.withUnsafeMutableBytes {
            pread(kept.rawValue, $0.baseAddress, $0.count, 0)
        }
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }

    deinit {
        closeTarget()
        close(kept.rawValue)
    }
}
