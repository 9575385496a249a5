internal import CLinux
internal import Glibc
internal import KuraIO
internal import KuraNBD
internal import SystemPackage

/// A `qemu-nbd` that reads images in a jail, and connections to it. It ends with this object, and
/// with this process.
final class JailedServer: Sendable {
    let streams: [SocketStream]
    /// What its jail is without, in words; empty where nothing is missing.
    let weaknesses: [String]
    private let process: ChildProcess
    /// The program lives while this end of a pipe is open.
    private let alive: Int32
    private let output: ProgramOutput
    private let files: [FileSource]

    private static let programs = ["/usr/bin/qemu-nbd", "/usr/local/bin/qemu-nbd"]

    /// How the program finds a file.
    /// - Parameter index: in the list of its files.
    static func path(of index: Int) -> String {
        "/proc/self/fd/\(Int(KURA_JAIL_FIRST_FILE) + index)"
    }

    /// - Parameters:
    ///   - options: of qemu-nbd, without those that say how it is reached.
    ///   - files: all that it sees.
    ///   - connections: how many there are to be, at least 1.
    init(
        _ options: [String], files: [FileSource], connections: Int, cancellation: Cancellation
    ) throws(KuraError) {
        guard let program = Self.programs.first(where: { access($0, X_OK) == 0 }) else {
            throw KuraError(
                .unsupported, "there is no qemu-nbd, which reads images of this format",
                remedy: .anyOf([
                    .advice("install it: qemu-utils on Debian and Ubuntu, qemu-img elsewhere"),
                    .advice("convert the image to a raw one"),
                ]))
        }
        let name = files.first?.name ?? program
        let output = try ProgramOutput(of: "qemu-nbd")
        let sockets = try Sockets(connections: connections)
        var ends: [Int32] = [-1, -1]
        guard kura_pipe_cloexec(&ends) == 0 else {
            let reason = Errno(rawValue: errno)
            sockets.closeAll()
            throw KuraError(.io, "qemu-nbd cannot be started: \(reason)")
        }
        let words = [program, "--read-only", "--shared=\(connections)"] + options
        var missing: Int32 = 0
        let result = withProgramWords(words, environment: [:]) { words, _ in
            files.map(\.openDescriptor).withUnsafeBufferPointer { descriptors in
                words.withUnsafeBufferPointer { words in
                    var jail = kura_jail(
                        arguments: words.baseAddress, files: descriptors.baseAddress,
                        file_count: Int32(files.count), listener: sockets.listener,
                        output: output.descriptor, alive: ends[0])
                    return kura_spawn_jailed(&jail, &missing)
                }
            }
        }
        close(ends[0])
        close(sockets.listener)
        guard result > 0 else {
            for descriptor in sockets.connected + [ends[1]] { close(descriptor) }
            throw KuraError(
                .io, "\(program) cannot be started: \(Errno(rawValue: -result))",
                remedy: .advice("check that it is there and may be executed"))
        }
        self.files = files
        self.output = output
        alive = ends[1]
        process = ChildProcess(result)
        weaknesses = Self.weaknesses(missing)
        streams = sockets.connected.map {
            SocketStream(adopting: $0, name: name, cancellation: cancellation)
        }
    }

    deinit { close(alive) }

    private static func weaknesses(_ missing: Int32) -> [String] {
        var found: [String] = []
        if missing & Int32(KURA_JAIL_NO_NAMESPACES) != 0 {
            found.append("it has the network and the processes of this machine")
        }
        if missing & Int32(KURA_JAIL_NO_FILES) != 0 {
            found.append("it can open every file that its user can")
        }
        if missing & Int32(KURA_JAIL_ROOT) != 0 {
            found.append("its user is root, without any of root's rights")
        }
        return found
    }

    // MARK: What it says

    /// How long it may take to end, when it has closed a connection.
    private static let endNanoseconds: Int64 = 2_000_000_000

    /// An error of its connections, with what it said before it ended.
    func explain(_ error: KuraError) -> KuraError {
        guard error.code == .io,
            process.wait(until: Clock.steady() + Self.endNanoseconds, Cancellation()) != nil
        else { return error }
        let said = words()
        let name = files.first?.name ?? "the image"
        return KuraError(
            .io,
            said.isEmpty
                ? "\(name) cannot be read: qemu-nbd ended without a word"
                : "\(name) cannot be read: \(said)",
            remedy: .advice("check the image with qemu-img check"), cause: error)
    }

    /// Its last words, without its name and without the names that files have in its jail.
    private func words() -> String {
        output.text(of: "qemu-nbd") { text in
            var text = text
            if let end = text.firstRange(of: "}': ") { text = String(text[end.upperBound...]) }
            for (index, file) in files.enumerated().reversed() {
                text = text.split(
                    separator: Self.path(of: index), omittingEmptySubsequences: false
                ).joined(separator: file.name)
            }
            return text
        }
    }
}

/// A socket that a server is to listen on, with connections that wait for it. Its path is gone
/// already: nothing else can connect.
private struct Sockets {
    let listener: Int32
    private(set) var connected: [Int32] = []

    init(connections: Int) throws(KuraError) {
        let folder = try PrivateFolder()
        defer { folder.remove("socket") }
        let path = folder.path.appending("socket")
        listener = try UnixSocket.listen(at: path, backlog: Int32(connections))
        do throws(KuraError) {
            for _ in 0..<connections {
                let descriptor = try UnixSocket.make()
                connected.append(descriptor)
                try UnixSocket.connect(descriptor, to: path)
            }
        } catch {
            closeAll()
            throw error
        }
    }

    func closeAll() { for descriptor in connected + [listener] { close(descriptor) } }
}
