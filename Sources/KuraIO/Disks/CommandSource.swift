internal import CLinux
internal import Glibc
internal import Synchronization
public import SystemPackage

/// A disk that a program writes to its standard output. The disk is whole only when the program
/// ends with exit status 0: the read that meets the end of the output waits for the end of the
/// program, and throws otherwise.
///
/// The program shares this process's terminal and standard error, and has nothing to read.
public final class CommandSource: DiskSource {
    public let name: String
    private let stream: StreamSource
    private let program: ChildProcess
    private let output: Int32
    /// Thrown by each later read, too: who reads next must not find another reason.
    private let failure = Mutex<KuraError?>(nil)

    /// Starts the program.
    /// - Parameters:
    ///   - command: the program first; without a slash it is looked for in PATH.
    ///   - folder: working directory.
    ///   - environment: all of its variables.
    ///   - cancellation: ends the source early, and the program with it.
    public init(
        _ command: [String], folder: FilePath, environment: [String: String],
        cancellation: Cancellation
    ) throws(KuraError) {
        let name = command.first ?? ""
        var ends: [Int32] = [-1, -1]
        guard kura_pipe_cloexec(&ends) == 0 else {
            throw KuraError(.io, "no pipe for \(name): \(Errno(rawValue: errno))")
        }
        let result = withProgramWords(command, environment: environment) {
            kura_spawn_writer($0, $1, folder.string, ends[1])
        }
        close(ends[1])
        guard result > 0 else {
            close(ends[0])
            throw KuraError(
                .io, "\(name) cannot be started: \(Errno(rawValue: -result))",
                remedy: .advice("check that it is there and may be executed"))
        }
        // Not its arguments: recovery points keep the name, and they may be secret.
        self.name = "the output of \(name)"
        program = ChildProcess(result)
        output = ends[0]
        stream = StreamSource(descriptor: ends[0], name: self.name, cancellation: cancellation)
    }

    /// A program that still runs is ended: its output goes nowhere.
    deinit {
        close(output)
        program.send(SIGTERM)
    }

    public var knownByteCount: UInt64? { nil }

    public func nextData(in range: Range<UInt64>) throws(KuraError) -> Range<UInt64>? {
        try stream.nextData(in: range)
    }

    public func firstBytes(_ count: Int) throws(KuraError) -> [UInt8] {
        try stream.firstBytes(count)
    }

    public func read(
        at offset: UInt64, into target: UnsafeMutableRawBufferPointer
    ) throws(KuraError) -> Int {
        if let error = failure.withLock({ $0 }) { throw error }
        let count = try stream.read(at: offset, into: target)
        if count < target.count {
            do throws(KuraError) {
                try requireSuccess()
            } catch {
                failure.withLock { $0 = error }
                throw error
            }
        }
        return count
    }

    public func end(with cancellation: Cancellation) { stream.end(with: cancellation) }

    public func hasChanged() throws(KuraError) -> Bool { false }

    private func requireSuccess() throws(KuraError) {
        // After a cancellation the reader asks for that itself.
        let cancellation = stream.cancellation
        let status = program.wait(cancellation)
        guard let status, status != 0, !cancellation.isCancelled else { return }
        let signal = status & 0x7f
        let end =
            signal == 0
            ? "its program ended with exit status \(status >> 8 & 0xff)"
            : "signal \(signal) (\(String(cString: strsignal(signal)))) ended its program"
        throw KuraError(
            .io, "\(name) is not whole: \(end)",
            remedy: .steps([.advice("see what the program says"), .retry()]))
    }
}
