import KuraFormat
import KuraStore
import KuraVault
import SystemPackage

/// Where the copies of a recovery point are and since when: its durability receipt.
struct ReceiptView {
    private let found: LocatedPoint
    private let copies: [PointCopy]
    private let place: VaultPlace

    init(_ found: LocatedPoint, _ copies: [PointCopy], _ place: VaultPlace) {
        self.found = found
        self.copies = copies
        self.place = place
    }

    /// A region holds the point since the earliest of its receipts: they are written when enough
    /// replicas have it, and again for each that gets it later.
    private func durable(in region: String) -> Int64? {
        copies.filter { $0.region == region }.compactMap(\.receipt?.time).min()
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
            "merkle_root": .string(found.id.hex),
            "disk_roots": .array(
                found.point.disks.map { disk in
                    ["disk": .string(disk.name), "root": JSON(disk.root?.hex)]
                }),
            "regions": .array(
                regions.map { region in
                    [
                        "region": .string(region), "active": .bool(region == place.activeName),
                        "durable_at": JSON(durable(in: region).map(Units.utc)),
                        "lag_seconds": lag(of: region).map(JSON.fraction) ?? .null,
                    ]
                }),
            "copies": .array(
                copies.map { copy in
                    [
                        "region": .string(copy.region), "replica": JSON(copy.ordinal),
                        "path": .string(copy.place), "state": .string(copy.state.rawValue),
                        "durable_at": JSON(copy.receipt.map { Units.utc($0.time) }),
                        "how": JSON(copy.receipt?.arrival.name),
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
                let time =
                    copy.receipt.map {
                        " since \(Units.local($0.time)) (\($0.arrival.name))"
                    } ?? ""
                let read = copy.lastFullRead.map { ", read in full \(Units.local($0))" } ?? ""
                let state = copy.state.rawValue + time + read
                lines.append("  replica \(copy.ordinal)     \(state): \(copy.place)")
            }
        }
        return lines
    }
}
