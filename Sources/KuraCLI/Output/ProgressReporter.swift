import KuraIO
import Synchronization

/// How progress is shown.
enum ProgressStyle {
    /// One rewritten line on a terminal.
    case line
    /// One plain line now and then.
    case log
    /// JSON Lines.
    case json
    case none
}

/// Draws the progress of one operation on standard error until it is stopped.
final class ProgressReporter: Sendable {
    private let verb: String
    private let style: ProgressStyle
    /// What is counted; nil for bytes.
    private let unit: String?
    private let progress: Progress
    private let start = Clock.steady()
    private let ticker = Mutex<Ticker?>(nil)

    private static let lineMilliseconds: Int64 = 100
    private static let logMilliseconds: Int64 = 30_000
    private static let jsonMilliseconds: Int64 = 1_000

    init(_ verb: String, _ progress: Progress, style: ProgressStyle, unit: String? = nil) {
        self.verb = verb
        self.unit = unit
        self.style = style
        self.progress = progress
        let interval: Int64
        switch style {
        case .line: interval = Self.lineMilliseconds
        case .log: interval = Self.logMilliseconds
        case .json: interval = Self.jsonMilliseconds
        case .none: return
        }
        let ticker = Ticker(everyMilliseconds: interval) { [weak self] in self?.draw() }
        self.ticker.withLock { $0 = ticker }
    }

    /// Ends drawing and leaves the terminal's line clean. Called again, it does nothing.
    func stop() {
        let running = ticker.withLock { ticker in
            defer { ticker = nil }
            return ticker
        }
        guard let ticker = running else { return }
        ticker.stop()
        switch style {
        case .line: Terminal.writeError("\r\u{1B}[K")
        case .json: draw()
        case .log, .none: break
        }
    }

    private func draw() {
        let values = progress.current
        let verb = values.stage ?? verb
        let seconds = Double(Clock.steady() - start) / 1e9
        switch style {
        case .line:
            let text = line(verb, values, after: seconds)
            Terminal.writeError("\r\(text.prefix(Terminal.columns - 1))\u{1B}[K")
        case .log:
            Terminal.writeError("kura: \(line(verb, values, after: seconds))\n")
        case .json:
            let document: JSON =
                if let unit {
                    [
                        "message_type": "progress", "operation": .string(verb),
                        "unit": .string(unit),
                        "done": .number(values.doneBytes), "total": .number(values.totalBytes),
                        "seconds": .fraction(seconds),
                    ]
                } else {
                    [
                        "message_type": "progress", "operation": .string(verb),
                        "done_bytes": .number(values.doneBytes),
                        "total_bytes": .number(values.totalBytes),
                        "data_bytes": .number(values.dataBytes),
                        "new_bytes": .number(values.newBytes), "seconds": .fraction(seconds),
                    ]
                }
            Terminal.writeError(document.text(pretty: false) + "\n")
        case .none:
            break
        }
    }

    private func line(
        _ verb: String, _ values: Progress.Values, after seconds: Double
    ) -> String {
        guard let unit else { return Self.line(verb, values, after: seconds) }
        return "\(verb)  \(Units.count(values.doneBytes)) of \(Units.count(values.totalBytes)) "
            + "\(unit)  \(Units.percent(values.doneBytes, of: values.totalBytes))"
    }

    /// "backing up  1.2 GiB of 6.0 GiB  20.1 %  512.0 MiB/s  deduplicated 31.0 %  ETA 9.4 s".
    /// Where no bytes are to be worked through, only the time passes: "pruning  9.4 s".
    static func line(
        _ verb: String, _ values: Progress.Values, after seconds: Double
    ) -> String {
        guard values.totalBytes > 0 || values.doneBytes > 0 else {
            return "\(verb)  \(Units.duration(seconds))"
        }
        var parts = [verb]
        if values.totalBytes > 0 {
            parts.append(
                "\(Units.bytes(values.doneBytes)) of \(Units.bytes(values.totalBytes))")
            parts.append(Units.percent(values.doneBytes, of: values.totalBytes))
        } else {
            parts.append(Units.bytes(values.doneBytes))
        }
        parts.append(Units.rate(values.doneBytes, seconds: seconds))
        if values.newBytes > 0 || verb == "backing up", values.dataBytes > 0 {
            let known = values.dataBytes - values.newBytes
            parts.append("deduplicated \(Units.percent(known, of: values.dataBytes))")
        }
        if values.doneBytes > 0, values.totalBytes > values.doneBytes {
            let left = Double(values.totalBytes - values.doneBytes) / Double(values.doneBytes)
            parts.append("ETA \(Units.duration(seconds * left))")
        }
        return parts.joined(separator: "  ")
    }
}
