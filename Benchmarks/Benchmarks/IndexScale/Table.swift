import Foundation

/// One size of the index, with all that was measured.
struct Row: Codable {
    struct Value: Codable {
        var name: String
        var value: Double
    }

    let values: [Value]

    init(_ growth: Growth, _ found: Measurement) {
        let indexBytes = Double(growth.indexBytes)
        let all: [(String, Double)] = [
            ("chunks", Double(growth.chunks)),
            ("runs", Double(found.runs)),
            ("runs_most", Double(growth.runsMost)),
            ("index_mib", indexBytes / 1_048_576),
            ("write_amplification", Double(growth.writtenBytes) / indexBytes),
            ("open_ms", found.openMilliseconds),
            ("open_cold_ms", found.coldOpenMilliseconds),
            ("resident_mib", found.residentMiB),
            ("open_peak_mib", found.peakMiB),
            ("writer_peak_mib", Measurement.memory("VmHWM")),
            ("miss_ns", found.missNanoseconds),
            ("reads_per_miss", found.readsPerMiss),
            ("hit_ns", found.hitNanoseconds),
            ("reads_per_hit", found.readsPerHit),
            ("hit_cold_ns", found.coldHitNanoseconds),
            ("backup_ms", growth.backupMilliseconds),
            ("merge_ms_per_backup", growth.mergeMilliseconds),
            ("longest_merge_s", growth.longestMerge.milliseconds / 1e3),
        ]
        values = all.map { Value(name: $0, value: $1) }
    }
}

enum Table {
    static func csv(_ rows: [Row]) -> String {
        guard let first = rows.first else { return "" }
        let head = first.values.map(\.name).joined(separator: ",")
        let lines = rows.map { row in row.values.map { number($0.value) }.joined(separator: ",") }
        return ([head] + lines).joined(separator: "\n") + "\n"
    }

    /// One line a quantity, one column a size.
    static func markdown(_ rows: [Row]) -> String {
        guard let first = rows.first else { return "" }
        let bar = String(repeating: " ---: |", count: rows.count)
        var lines: [String] = []
        for (place, name) in first.values.map(\.name).enumerated() {
            let cells = rows.map { number($0.values[place].value) }.joined(separator: " | ")
            lines.append("| \(name.replacingOccurrences(of: "_", with: " ")) | \(cells) |")
            if place == 0 { lines.append("| --- |\(bar)") }
        }
        return lines.joined(separator: "\n")
    }

    private static func number(_ value: Double) -> String {
        if value == value.rounded() { return String(Int(value)) }
        return String(format: value < 10 ? "%.3f" : "%.1f", value)
    }
}
