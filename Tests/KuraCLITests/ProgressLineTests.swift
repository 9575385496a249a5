import KuraCLI
import KuraIO
import Testing

@Suite("The line of progress")
struct ProgressLineTests {
    private func line(subject: String = "web") -> ProgressLine {
        var values = Progress().current
        values.doneBytes = 704 << 20
        values.totalBytes = 4 << 30
        values.dataBytes = 300 << 20
        values.newBytes = 215 << 20
        return ProgressLine(
            verb: "backing up", subject: subject, values: values, speed: 37.7 * 1_048_576,
            secondsLeft: 89, seconds: 20)
    }

    private static let fields = [
        "704.0 MiB of 4.0 GiB", "17.2 %", "37.7 MiB/s", "deduplicated 28.3 %", "ETA 1:29",
    ]

    @Test("Where there is room all is said")
    func full() {
        #expect(line().text == (["backing up web"] + Self.fields).joined(separator: "  "))
        #expect(line().text(columns: 200) == line().text)
    }

    @Test("No width cuts a number", arguments: Array(40...200))
    func widths(_ columns: Int) {
        for subject in ["web", "a-very-long-name-of-an-item-of-a-machine", "仮想マシン一号", ""] {
            let text = line(subject: subject).text(columns: columns)
            #expect(DisplayWidth.of(text) <= columns, "\(text)")
            for part in text.components.dropFirst() {
                #expect(Self.fields.contains(part), "\(text)")
            }
            #expect(text.contains("17.2 %") && text.contains("ETA 1:29"), "\(text)")
        }
    }

    @Test("What matters least goes first")
    func order() {
        let line = line()
        #expect(!line.text(columns: 80).contains("deduplicated"))
        #expect(line.text(columns: 80).contains("704.0 MiB of 4.0 GiB"))
        #expect(line.text(columns: 50) == "backing up web  17.2 %  37.7 MiB/s  ETA 1:29")
        #expect(line.text(columns: 34) == "backing up web  17.2 %  ETA 1:29")
    }

    @Test("The share of a sparse disk is that of its data")
    func sparse() {
        var values = Progress().current
        values.totalBytes = 1000
        values.doneBytes = 10
        #expect(ProgressLine.share(values) == 0.01)
        values.totalDataBytes = 20
        values.dataBytes = 10
        #expect(ProgressLine.share(values) == 0.5)
        values.doneBytes = 1000
        #expect(ProgressLine.share(values) == 1)
    }

    @Test("Speed and time left follow the last ten seconds")
    func speed() throws {
        var meter = Speedometer()
        var values = Progress().current
        values.totalBytes = 10_000
        for second in 0...60 {
            values.doneBytes += second < 40 ? 10 : 100
            meter.add(values, at: Double(second))
        }
        #expect(abs(meter.speed - 100) < 0.001)
        let left = try #require(meter.secondsLeft)
        #expect(abs(left - (10_000 - Double(values.doneBytes)) / 100) < 0.001)
        values.stage = "replicating"
        values.doneBytes = 0
        meter.add(values, at: 61)
        #expect(meter.speed == 0 && meter.secondsLeft == nil)
    }
}

extension String {
    /// The fields of a line.
    fileprivate var components: [String] {
        var parts: [String] = []
        var rest = self[...]
        while let gap = rest.firstRange(of: "  ") {
            parts.append(String(rest[..<gap.lowerBound]))
            rest = rest[gap.upperBound...]
        }
        return parts + [String(rest)]
    }
}
