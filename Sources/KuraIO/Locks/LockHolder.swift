/// Who holds a lock, as the lock file says: a service to those who wait.
///
/// Nothing depends on it. The lock is the kernel's; a file whose lock is free may still name its
/// last holder, and one that was just taken may name the one before. Anybody who may write to the
/// file may write anything there, so what is read is cut and cleaned.
public struct LockHolder: Equatable, Sendable, CustomStringConvertible {
    /// What it does, as a command of Kura is called: "backup".
    public var operation: String
    public var process: UInt32
    public var host: String
    /// Nanoseconds since 1970-01-01T00:00:00Z.
    public var since: Int64

    /// Length of what is written: always the same, so that nothing of an earlier holder is left.
    public static let byteCount = 256
    private static let textBytesMax = 64
    private static let firstLine = "kura-lock 1"

    public init(operation: String, process: UInt32, host: String, since: Int64) {
        self.operation = Self.clean(operation)
        self.process = process
        self.host = Self.clean(host)
        self.since = since
    }

    /// This process.
    public static func current(_ operation: String, since: Int64 = Clock.now()) -> LockHolder {
        LockHolder(
            operation: operation, process: Process.id, host: Process.hostName, since: since)
    }

    public var description: String { "kura \(operation) (process \(process) on host \(host))" }

    /// Lines of plain text, filled up with spaces to `byteCount` bytes.
    public func encoded() -> [UInt8] {
        let lines = [
            Self.firstLine, "operation \(operation)", "process \(process)", "host \(host)",
            "since \(since)", "",
        ]
        var bytes = Array(lines.joined(separator: "\n").utf8)
        let missing = Self.byteCount - bytes.count
        bytes += [UInt8](repeating: UInt8(ascii: " "), count: missing - 1) + [UInt8(ascii: "\n")]
        return bytes
    }

    /// Nil for a file that says nothing of its holder, or nothing that can be read.
    public init?(decoding bytes: some Collection<UInt8>) {
        guard bytes.count <= Self.byteCount else { return nil }
        var values: [Substring: Substring] = [:]
        // Split as bytes: of characters, a carriage return and a line feed are one.
        let lines = bytes.split(separator: UInt8(ascii: "\n"))
            .map { String(decoding: $0, as: UTF8.self) }
        guard lines.first == Self.firstLine else { return nil }
        for line in lines.dropFirst() {
            let parts = line.split(separator: " ", maxSplits: 1)
            if parts.count == 2 { values[parts[0]] = parts[1] }
        }
        guard let operation = values["operation"], let host = values["host"],
            let process = values["process"].flatMap({ UInt32($0) }),
            let since = values["since"].flatMap({ Int64($0) })
        else { return nil }
        self.init(
            operation: String(operation), process: process, host: String(host), since: since)
    }

    /// One short word of printable ASCII.
    private static func clean(_ text: String) -> String {
        let bytes = text.utf8.prefix(textBytesMax).map {
            0x21...0x7e ~= $0 ? $0 : UInt8(ascii: "?")
        }
        return bytes.isEmpty ? "?" : String(decoding: bytes, as: UTF8.self)
    }
}
