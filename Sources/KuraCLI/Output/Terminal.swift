import CLinux
import Glibc
import KuraIO
import Synchronization

/// Owns standard output and standard error: data goes to the one, everything else to the other.
enum Terminal {
    private enum Descriptor {
        static let output: Int32 = 1
        static let error: Int32 = 2
    }

    /// Whether standard output was open when the process started.
    nonisolated(unsafe) private static var outputWasOpen = true

    /// Call once, before any file is opened: a closed standard descriptor would be given to the
    /// next file, and what is printed would land in it.
    static func prepare() {
        for descriptor in Int32(0)...2 where fcntl(descriptor, F_GETFD) < 0 {
            if descriptor == Descriptor.output { outputWasOpen = false }
            _ = kura_open("/dev/null", O_RDWR, 0)
        }
        signal(SIGPIPE, SIG_IGN)
    }

    static var errorIsTerminal: Bool { isatty(Descriptor.error) == 1 }

    static var inputDescriptor: Int32 { 0 }
    static var outputDescriptor: Int32 { Descriptor.output }

    static var isOutputOpen: Bool { outputWasOpen }

    private static let columnsWhereUnknown = 80

    /// Columns of the terminal behind standard error.
    static var columns: Int {
        let columns = Int(kura_terminal_columns(Descriptor.error))
        return columns > 0 ? columns : columnsWhereUnknown
    }

    /// Columns of the terminal behind standard output; nil where that is none.
    static var outputColumns: Int? {
        guard isatty(Descriptor.output) == 1 else { return nil }
        let columns = Int(kura_terminal_columns(Descriptor.output))
        return columns > 0 ? columns : columnsWhereUnknown
    }

    /// Colour means something or is not there: only on a terminal, never with NO_COLOR.
    static var usesColour: Bool {
        guard errorIsTerminal, CommandContext.environment["NO_COLOR"] == nil else { return false }
        guard let terminal = CommandContext.environment["TERM"] else { return false }
        return terminal != "dumb"
    }

    /// Writes one line of data. A reader that went away (a closed pipe) is no error.
    static func print(_ line: String) throws {
        guard outputWasOpen else { throw closedOutput("it is closed") }
        if let reason = write(Descriptor.output, printable(line) + "\n"), reason != EPIPE {
            throw closedOutput(String(cString: strerror(reason)))
        }
    }

    /// Writes a document, a part at a time.
    static func print(_ document: JSON) throws {
        guard outputWasOpen else { throw closedOutput("it is closed") }
        var failure: Int32?
        var writer = JSONWriter(pretty: true) { bytes in
            if failure == nil { failure = write(Descriptor.output, bytes) }
        }
        writer.append(document)
        writer.flush()
        failure = failure ?? write(Descriptor.output, [UInt8(ascii: "\n")])
        if let failure, failure != EPIPE {
            throw closedOutput(String(cString: strerror(failure)))
        }
    }

    static func closedOutput(_ reason: String) -> KuraError {
        KuraError(
            .io, "cannot write to standard output: \(reason)",
            remedy: .advice("give the command a standard output; what it did is done"))
    }

    /// Writes to standard error; when that fails, there is no way left to say so.
    static func writeError(_ text: String) { _ = write(Descriptor.error, text) }

    /// What a note is about, as JSON says it.
    enum NoteKind: String { case waiting, note }

    /// Something that the user may want to know while he waits. Takes the place of a progress line.
    static func note(_ message: String, _ kind: NoteKind, json: Bool) {
        if json {
            let line: JSON = .object([
                "message_type": .string(kind.rawValue), "message": .string(message),
            ])
            return writeError(line.text(pretty: false) + "\n")
        }
        let start = errorIsTerminal ? "\r\u{1B}[K" : ""
        writeError("\(start)kura: \(printable(message))\n")
    }

    /// Warnings that were printed: after one, a command that did its work ends with code 3.
    static var warningCount: Int { warnings.load(ordering: .relaxed) }
    private static let warnings = Atomic<Int>(0)

    static func warn(_ message: String) {
        warnings.add(1, ordering: .relaxed)
        let label = usesColour ? "\u{1B}[33mwarning:\u{1B}[0m" : "warning:"
        writeError("kura: \(label) \(printable(message))\n")
    }

    static func warn(_ warning: Warning) { warn(warning.text) }

    static func error(_ message: String, remedy: String?) {
        let label = usesColour ? "\u{1B}[31merror:\u{1B}[0m" : "error:"
        writeError("kura: \(label) \(printable(message))\n")
        guard let remedy else { return }
        let lines = printable(remedy).split(separator: "\n").joined(separator: "\n        ")
        writeError("  help: \(lines)\n")
    }

    /// What standard input gives, to its end.
    /// - Parameter limit: bytes; what comes behind them is not read.
    static func readInput(atMost limit: Int) throws(KuraError) -> [UInt8] {
        let source = StreamSource(
            descriptor: inputDescriptor, name: "standard input",
            cancellation: Interrupts.cancellation)
        let bytes = try source.firstBytes(limit)
        if Interrupts.cancellation.isCancelled { throw .interruptedByUser }
        return bytes
    }

    /// Whether a question can be asked, and answered.
    static var canAsk: Bool { isatty(inputDescriptor) == 1 && errorIsTerminal }

    private static let askMilliseconds: Int32 = 100
    private static let answerBytesMax = 1024

    /// Asks a question, which is answered with yes by that word alone.
    /// - Throws: `interrupted` where a signal came instead of an answer.
    static func ask(_ question: String) throws(KuraError) -> Bool {
        writeError("kura: \(printable(question)): ")
        var descriptor = pollfd(fd: inputDescriptor, events: Int16(POLLIN), revents: 0)
        while poll(&descriptor, 1, askMilliseconds) == 0 {
            if Interrupts.cancellation.isCancelled {
                writeError("\n")
                throw .interruptedByUser
            }
        }
        var bytes = [UInt8](repeating: 0, count: answerBytesMax)
        let count = max(0, read(inputDescriptor, &bytes, bytes.count))
        let answer = String(decoding: bytes[..<count], as: UTF8.self)
        return answer.filter { !$0.isWhitespace }.lowercased() == "yes"
    }

    /// The text without what a terminal would obey, what would turn its letters around, and what
    /// no one sees, so that no two names look the same by it: names come from disks and vaults.
    /// Each such character becomes its escape in JSON, so a JSON document says the same. Ends of
    /// lines stay; names in tables have none, see `Table`.
    static func printable(_ text: String) -> String {
        // Nearly all is plain ASCII, and a list is long.
        if text.utf8.allSatisfy({ 0x20...0x7e ~= $0 || $0 == UInt8(ascii: "\n") }) { return text }
        return text.unicodeScalars.reduce(into: "") { result, scalar in
            if isHarmful(scalar), scalar != "\n" {
                result += escape(scalar)
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
    }

    /// A text of one line: ends of lines are escaped, too.
    static func oneLine(_ text: String) -> String {
        let text = printable(text)
        guard text.utf8.contains(UInt8(ascii: "\n")) else { return text }
        return text.split(separator: "\n", omittingEmptySubsequences: false)
            .joined(separator: escape("\n"))
    }

    static func isHarmful(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }

    /// As in JSON: four digits for each unit of UTF-16.
    static func escape(_ scalar: Unicode.Scalar) -> String {
        // As JSON has it: one of the higher planes is two units.
        scalar.utf16.reduce(into: "") { text, unit in
            let digits = String(unit, radix: 16)
            text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        }
    }

    /// - Returns: errno, or nil when all was written.
    private static func write(_ descriptor: Int32, _ text: String) -> Int32? {
        write(descriptor, Array(text.utf8))
    }

    private static func write(_ descriptor: Int32, _ bytes: [UInt8]) -> Int32? {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress! + done, bytes.count - done)
            }
            if count < 0 {
                if errno == EINTR { continue }
                return errno
            }
            done += count
        }
        return nil
    }
}
