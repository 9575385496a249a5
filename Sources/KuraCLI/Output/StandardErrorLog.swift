import ArgumentParser
import KuraIO
import Logging

/// Writes log events to standard error, one line each:
///
///     2026-11-29T20:00:00Z info: backup begins item=web-1 job=3f2a... operation=Backup vault=tokyo
///
/// Under systemd (JOURNAL_STREAM is set) a line starts with its priority, `<6>`, instead of the
/// time: the journal has a time of its own.
struct StandardErrorLog: LogHandler {
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?
    var logLevel: Logger.Level = LogLevel.standard
    let isForJournal: Bool
    let clock: WallClock
    /// Gets each line, with its end.
    let write: @Sendable (String) -> Void

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let values = metadata.merging(event.metadata ?? [:]) { $1 }
            .sorted { $0.key < $1.key }.map { " \($0.key)=\(Self.quoted("\($0.value)"))" }
        let start =
            isForJournal
            ? "<\(Self.priority(event.level))>" : "\(Units.utc(clock.now())) "
        write("\(start)\(event.level): \(Terminal.oneLine("\(event.message)\(values.joined())"))\n")
    }

    /// Values with spaces in quotes, so that a line can be taken apart again.
    private static func quoted(_ text: String) -> String {
        text.contains { $0 == " " || $0 == "\"" }
            ? "\"\(text.replacing("\"", with: "\\\""))\"" : text
    }

    /// As in syslog(3).
    private static func priority(_ level: Logger.Level) -> Int {
        switch level {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }
}

/// Values of `--log-level`.
enum LogLevel: String, CaseIterable, Sendable {
    case trace, debug, info, notice, warning, error, critical

    /// What is logged without the option: nothing that a command does not print itself.
    static let standard = Logger.Level.critical

    var level: Logger.Level {
        switch self {
        case .trace: .trace
        case .debug: .debug
        case .info: .info
        case .notice: .notice
        case .warning: .warning
        case .error: .error
        case .critical: .critical
        }
    }
}

extension LogLevel: ExpressibleByArgument {}

extension StandardErrorLog {
    /// Makes every logger of this process write to standard error. Call once.
    static func install() {
        let isForJournal = CommandContext.environment["JOURNAL_STREAM"] != nil
        LoggingSystem.bootstrap { _ in
            StandardErrorLog(
                isForJournal: isForJournal, clock: .system, write: Terminal.writeError)
        }
    }
}
