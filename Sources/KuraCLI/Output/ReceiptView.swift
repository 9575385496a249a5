import KuraFormat
import KuraOperations

/// Where the copies of a recovery point are and since when: its durability receipt.
struct ReceiptView {
    private let detail: PointDetail
    private var copies: [PointDetail.Copy] { detail.copies }

    init(_ detail: PointDetail) { self.detail = detail }

    /// A region holds the point since the earliest of its receipts: they are written when enough
    /// replicas have it, and again for each that gets it later.
    private func durable(in region: String) -> Int64? {
        copies.filter { $0.region == region }.compactMap(\.durable).min()
    }

    private var regions: [String] {
        copies.reduce(into: []) { if !$0.contains($1.region) { $0.append($1.region) } }
    }

    /// Seconds from the first region that had the point to `region`.
    private func lag(of region: String) -> Double? {
        guard let first = regions.compactMap(durable).min(), let time = durable(in: region) else {
            return nil
        }
        return Double(time - first) / 1e9
    }

    var json: JSON {
        [
            "merkle_root": .string(detail.report.id.hex),
            "disk_roots": .array(
                detail.report.point.disks.map { disk in
                    ["disk": .string(disk.name), "root": JSON(disk.root?.hex)]
                }),
            "regions": .array(
                regions.map { region in
                    [
                        "region": .string(region), "active": .bool(region == detail.activeRegion),
                        "durable_at": JSON(durable(in: region).map(Units.utc)),
                        "lag_seconds": lag(of: region).map(JSON.fraction) ?? .null,
                    ]
                }),
            "copies": .array(
                copies.map { copy in
                    [
                        "region": .string(copy.region), "replica": JSON(copy.ordinal),
                        "path": .string(copy.path), "state": .string(copy.state.rawValue),
                        "durable_at": JSON(copy.durable.map(Units.utc)),
                        "how": JSON(copy.arrival?.name),
                        "last_full_read": JSON(copy.lastFullRead.map(Units.utc)),
                    ]
                }),
        ]
    }

    /// For people: each region with its time, then each replica.
    var lines: [String] {
        var lines: [String] = []
        for region in regions {
            var title = "region          \(region)"
            if copies.filter({ $0.region == region }).allSatisfy({ $0.state == .missing }) {
                title += ": not there yet"
            } else if let time = durable(in: region) {
                title += ": since \(Units.local(time))"
                if let lag = lag(of: region), lag > 0 {
                    title += ", \(Units.duration(lag)) after the first"
                }
            }
            lines.append(title)
            for copy in copies where copy.region == region {
                var state = copy.state.rawValue
                if let time = copy.durable, let arrival = copy.arrival {
                    state += " since \(Units.local(time)) (\(arrival.name))"
                }
                if let time = copy.lastFullRead { state += ", read in full \(Units.local(time))" }
                lines.append("  replica \(copy.ordinal)     \(state): \(copy.path)")
            }
        }
        return lines
    }
}
