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
    /// What is worked on; empty where that is not one thing.
    private let subject: String
    private let style: ProgressStyle
    /// What is counted; nil for bytes.
    private let unit: String?
    private let progress: Progress
    private let start = Clock.steady()
    private let ticker = Mutex<Ticker?>(nil)
    private let speedometer = Mutex(Speedometer())

    private static let lineMilliseconds: Int64 = 100
    private static let logMilliseconds: Int64 = 30_000
    private static let jsonMilliseconds: Int64 = 1_000

    /// Columns that stay free at the end of a line: what a terminal shows of Ctrl-C stands there.
    private static let freeColumns = 3

    init(
        _ verb: String, of subject: String = "", _ progress: Progress, style: ProgressStyle,
        unit: String? = nil
    ) {
        self.verb = verb
        self.subject = Terminal.oneLine(subject)
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
        let seconds = Double(Clock.steady() - start) / 1e9
        let line = speedometer.withLock { speedometer in
            speedometer.add(values, at: seconds)
            return ProgressLine(
                verb: values.stage ?? verb, subject: subject, values: values,
                speed: speedometer.speed, secondsLeft: speedometer.secondsLeft, seconds: seconds,
                unit: unit)
        }
        switch style {
        case .line:
            Terminal.writeError(
                "\r\(line.text(columns: Terminal.columns - Self.freeColumns))\u{1B}[K")
        case .log: Terminal.writeError("kura: \(line.text)\n")
        case .json: Terminal.writeError(json(line).text(pretty: false) + "\n")
        case .none: break
        }
    }

    private func json(_ line: ProgressLine) -> JSON {
        let values = line.values
        let counts: [String: JSON] =
            if let unit {
                [
                    "unit": .string(unit), "done": .number(values.doneBytes),
                    "total": .number(values.totalBytes),
                ]
            } else {
                [
                    "done_bytes": .number(values.doneBytes),
                    "total_bytes": .number(values.totalBytes),
                    "data_bytes": .number(values.dataBytes),
                    "new_bytes": .number(values.newBytes),
                    "bytes_per_second": .fraction(line.speed),
                ]
            }
        return .object(
            counts.merging([
                "message_type": "progress", "operation": .string(line.verb),
                "item": subject.isEmpty ? .null : .string(subject),
                "share": ProgressLine.share(values).map(JSON.fraction) ?? .null,
                "eta_seconds": line.secondsLeft.map(JSON.fraction) ?? .null,
                "seconds": .fraction(line.seconds),
            ]) { first, _ in first })
    }
}
