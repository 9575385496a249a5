internal import CLinux
internal import Glibc
public import KuraIO
internal import KuraNBD
internal import Synchronization
internal import SystemPackage

/// Writes a disk as an image by `qemu-img`, which reads the disk from a server in this process.
public struct ImageConversion: Sendable {
    public var format: OutputFormat
    /// Whether the bytes in a qcow2 are compressed.
    public var isCompressed = false
    /// Of the server.
    public var threads = 2
    public var cancellation = Cancellation()
    /// Is told how far the disk was read.
    public var reached: @Sendable (UInt64) -> Void = { _ in }

    /// Of the server: the program may wait for a slow disk between two replies.
    private static let patience: Int64 = 3_600_000_000_000
    private static let programs = ["/usr/bin/qemu-img", "/usr/local/bin/qemu-img"]

    public init(_ format: OutputFormat) { self.format = format }

    /// Writes the image into the file that `target` makes.
    /// - Parameters:
    ///   - target: opened for a file without bytes. Stays the caller's, to finish or to abandon.
    ///   - name: of the file, which some formats repeat inside.
    public func write(
        _ disk: any DiskSource, to target: NewFileSink, name: String
    ) throws(KuraError) {
        guard let program = Self.programs.first(where: { access($0, X_OK) == 0 }) else {
            throw KuraError(
                .unsupported,
                "there is no qemu-img, which writes images of the format \(format.rawValue)",
                remedy: .anyOf([
                    .advice("install it: qemu-utils on Debian and Ubuntu, qemu-img elsewhere"),
                    .advice("restore to a raw image or a fixed VHD"),
                ]))
        }
        let place = try PrivateFolder()
        let linkName = Self.plainName(name, format)
        defer { place.remove(linkName) }
        let failure = Mutex<KuraError?>(nil)
        let server = NBDServer(
            [NBDServer.Disk("disk", ReachingSource(disk, reached))], threads: threads
        ) { error in failure.withLock { $0 = $0 ?? error } }
        let listener = try NBDListener(.socket(place.path.appending("socket")))
        let link = try place.link(linkName, to: "/proc/self/fd/0")
        let serving = cancellation.child()
        let output = try ProgramOutput(of: "qemu-img")
        let words =
            [program, "convert", "-q", "-f", "raw", "-m", "8"] + format.conversion
            + (isCompressed ? ["-c"] : []) + [listener.address, link.string]
        let results = Threads.map(2) { number -> Result<Int32?, KuraError> in
            do throws(KuraError) {
                if number == 0 {
                    try listener.run(
                        server, cancellation: serving, patience: Self.patience)
                    return .success(nil)
                }
                defer { serving.cancel() }
                return .success(
                    try Self.run(
                        words, into: target.openDescriptor, saying: output.descriptor, serving))
            } catch {
                serving.cancel()
                return .failure(error)
            }
        }
        if cancellation.isCancelled { throw .interruptedByUser }
        if let error = failure.withLock({ $0 }) { throw error }
        for result in results { _ = try result.get() }
        let status = try results[1].get() ?? -1
        guard status == 0 else {
            throw error(status, said: output.text(of: "qemu-img"), target)
        }
        reached(disk.knownByteCount ?? 0)
    }

    /// Runs the program until it ends, or the work does.
    private static func run(
        _ words: [String], into file: Int32, saying output: Int32, _ cancellation: Cancellation
    ) throws(KuraError) -> Int32? {
        let environment = ["LC_ALL": "C", "PATH": "/usr/bin:/bin"]
        let result = withProgramWords(words, environment: environment) {
            kura_spawn_session($0, $1, "/", file, output)
        }
        guard result > 0 else {
            throw KuraError(
                .io, "\(words[0]) cannot be started: \(Errno(rawValue: -result))",
                remedy: .advice("check that it is there and may be executed"))
        }
        let program = ChildProcess(result)
        if let status = program.wait(cancellation) { return status }
        program.send(SIGKILL)
        return program.wait(Cancellation())
    }

    private func error(_ status: Int32, said: String, _ target: NewFileSink) -> KuraError {
        if said.contains("No space left on device") {
            return KuraError(io: IOError("write", place: target.name, .noSpace))
        }
        let signal = status & 0x7f
        let reason =
            signal == 0
            ? said.isEmpty ? "qemu-img ended without a word" : said
            : "signal \(signal) ended qemu-img"
        return KuraError(
            .io, "\(target.name) cannot be written as \(format.rawValue): \(reason)",
            remedy: .advice("restore to a raw image or a fixed VHD"))
    }

    /// A name that no program takes for anything but a name.
    static func plainName(_ name: String, _ format: OutputFormat) -> String {
        let plain = PlainName.of(name)
        return plain.hasPrefix("-") || plain.hasPrefix(".") ? "disk.\(format.fileEnding)" : plain
    }
}

/// Names of letters, digits and a few signs, which mean the same everywhere.
enum PlainName {
    static func of(_ name: String) -> String {
        String(
            name.unicodeScalars.map { scalar in
                let isPlain =
                    ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar)
                    || ("0"..."9").contains(scalar) || "._-".unicodeScalars.contains(scalar)
                return isPlain ? Character(scalar) : "-"
            })
    }
}

/// A disk that tells how far it was read.
private final class ReachingSource: DiskSource {
    private let disk: any DiskSource
    private let reached: @Sendable (UInt64) -> Void

    init(_ disk: any DiskSource, _ reached: @escaping @Sendable (UInt64) -> Void) {
        self.disk = disk
        self.reached = reached
    }

    var name: String { disk.name }
    var knownByteCount: UInt64? { disk.knownByteCount }
    func hasChanged() throws(KuraError) -> Bool { try disk.hasChanged() }

    func nextData(in range: Range<UInt64>) throws(KuraError) -> Range<UInt64>? {
        try disk.nextData(in: range)
    }

    func read(
        at offset: UInt64, into target: UnsafeMutableRawBufferPointer
    ) throws(KuraError) -> Int {
        let count = try disk.read(at: offset, into: target)
        reached(offset + UInt64(count))
        return count
    }
}
