package import KuraIO

/// What a line of progress says, in the room that there is.
package struct ProgressLine {
    /// What is done: "backing up".
    package var verb: String
    /// To what it is done: the name of an item; empty where there is none.
    package var subject: String
    package var values: Progress.Values
    /// Bytes of `doneBytes` a second, in the last seconds.
    package var speed: Double
    /// Seconds that are left; nil while it is not known.
    package var secondsLeft: Double?
    package var seconds: Double
    /// What is counted; nil for bytes.
    package var unit: String?

    package init(
        verb: String, subject: String, values: Progress.Values, speed: Double,
        secondsLeft: Double?, seconds: Double, unit: String? = nil
    ) {
        self.verb = verb
        self.subject = subject
        self.values = values
        self.speed = speed
        self.secondsLeft = secondsLeft
        self.seconds = seconds
        self.unit = unit
    }

    /// The share of the work that is done, 0...1; nil while it is not known.
    ///
    /// Of a sparse disk by its data: holes take no time.
    package static func share(_ values: Progress.Values) -> Double? {
        guard values.totalBytes > 0 else { return nil }
        let logical = Double(values.doneBytes) / Double(values.totalBytes)
        guard logical < 1, values.totalDataBytes > 0, values.totalDataBytes < values.totalBytes
        else { return min(1, logical) }
        return min(1, Double(values.dataBytes) / Double(values.totalDataBytes))
    }

    /// A field of the line; the higher its rank, the sooner it is left out.
    private struct Field {
        var text: String
        var rank: Int
    }

    private var fields: [Field] {
        let named = subject.isEmpty ? verb : "\(verb) \(subject)"
        guard values.totalBytes > 0 || values.doneBytes > 0 else {
            return [Field(text: named, rank: 0), Field(text: Units.duration(seconds), rank: 0)]
        }
        var fields = [Field(text: named, rank: 0)]
        if values.totalBytes > 0 {
            let count = { unit == nil ? Units.bytes($0) : Units.count($0) }
            let what = unit.map { " \($0)" } ?? ""
            fields.append(
                Field(
                    text: "\(count(values.doneBytes)) of \(count(values.totalBytes))\(what)",
                    rank: 2))
        } else {
            fields.append(Field(text: Units.bytes(values.doneBytes), rank: 0))
        }
        if let share = Self.share(values) {
            fields.append(Field(text: "\(Units.fixed(share * 100, 1)) %", rank: 0))
        }
        guard unit == nil else { return fields }
        if speed >= 1 { fields.append(Field(text: "\(Units.bytes(UInt64(speed)))/s", rank: 1)) }
        if values.newBytes > 0 || verb == "backing up", values.dataBytes >= values.newBytes,
            values.dataBytes > 0
        {
            let known = Units.percent(values.dataBytes - values.newBytes, of: values.dataBytes)
            fields.append(Field(text: "deduplicated \(known)", rank: 3))
        }
        if let secondsLeft {
            fields.append(Field(text: "ETA \(Units.duration(secondsLeft))", rank: 0))
        }
        return fields
    }

    private static let gap = "  "

    /// The whole line: "backing up web  1.2 GiB of 6.0 GiB  20.1 %  512.0 MiB/s  ETA 9.4 s". Where
    /// no bytes are to be worked through, only the time passes.
    package var text: String { Self.join(fields) }

    /// The line in at most so many columns. What matters least goes first; no number is cut.
    package func text(columns: Int) -> String {
        var fields = fields
        while DisplayWidth.of(Self.join(fields)) > columns,
            let least = fields.indices.max(by: { fields[$0].rank < fields[$1].rank }),
            fields[least].rank > 0
        {
            fields.remove(at: least)
        }
        let excess = DisplayWidth.of(Self.join(fields)) - columns
        if excess > 0 {
            let room = max(0, DisplayWidth.of(fields[0].text) - excess)
            fields[0].text = DisplayWidth.shortened(fields[0].text, to: room)
        }
        while fields.count > 1, DisplayWidth.of(Self.join(fields)) > columns {
            fields.removeFirst()
        }
        return Self.join(fields)
    }

    private static func join(_ fields: [Field]) -> String {
        fields.map(\.text).filter { !$0.isEmpty }.joined(separator: gap)
    }
}

/// How fast an operation was in the last seconds.
package struct Speedometer {
    private var samples: [(seconds: Double, values: Progress.Values)] = []
    private static let windowSeconds = 10.0

    package init() {}

    package mutating func add(_ values: Progress.Values, at seconds: Double) {
        // Another part of the operation counts anew.
        if let last = samples.last?.values,
            last.stage != values.stage || last.doneBytes > values.doneBytes
        {
            samples = []
        }
        samples.append((seconds, values))
        while samples.count > 2, samples[1].seconds <= seconds - Self.windowSeconds {
            samples.removeFirst()
        }
    }

    private func rate(_ measure: (Progress.Values) -> Double) -> Double {
        guard let first = samples.first, let last = samples.last, last.seconds > first.seconds
        else { return 0 }
        return (measure(last.values) - measure(first.values)) / (last.seconds - first.seconds)
    }

    /// Bytes a second.
    package var speed: Double { max(0, rate { Double($0.doneBytes) }) }

    /// Nil while nothing moves.
    package var secondsLeft: Double? {
        guard let values = samples.last?.values, let share = ProgressLine.share(values), share < 1
        else { return nil }
        let sharePerSecond = rate { ProgressLine.share($0) ?? 0 }
        return sharePerSecond > 0 ? (1 - share) / sharePerSecond : nil
    }
}
