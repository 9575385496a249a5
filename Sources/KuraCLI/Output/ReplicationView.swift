import KuraFormat
import KuraReplication
import KuraStore
import KuraVault

/// Plans and reports of replications as commands show them.
enum ReplicationView {
    static func json(_ point: ReplicationPlan.Point) -> JSON {
        [
            "id": .string(point.id.hex), "item": .string(point.item),
            "sequence": .number(point.sequence), "time": .string(Units.utc(point.time)),
            "bytes": .number(point.byteCount),
        ]
    }

    static func json(_ plan: ReplicationPlan) -> JSON {
        [
            "vault": .string(plan.vault), "source": .string(plan.source),
            "target": .string(plan.target), "points": .array(plan.points.map(json)),
            "packs": .array(plan.packs.map(json)), "runs": .array(plan.runs.map(json)),
            "copies_record": .bool(plan.copiesRecord), "bytes": .number(plan.byteCount),
            "problems": .array(plan.problems.map(JSON.string)),
        ]
    }

    static func json(_ plans: [ReplicationPlan]) -> JSON { ["plans": .array(plans.map(json))] }

    static func lines(_ plans: [ReplicationPlan]) -> [String] {
        plans.filter { !$0.isEmpty }.map { plan in
            "vault \(plan.vault), \(plan.source) to \(plan.target): "
                + "\(Units.count(plan.points.count, "recovery point")), "
                + "\(Units.count(plan.packs.count, "pack")), "
                + "\(Units.count(plan.runs.count, "index run")), "
                + Units.bytes(plan.byteCount)
        }
    }

    private static func json(_ file: ReplicationPlan.File) -> JSON {
        ["id": .string(file.id.hex), "bytes": .number(file.byteCount)]
    }

    static func json(_ place: VaultPlace, _ report: ReplicationReport) -> JSON {
        [
            "seconds": .fraction(report.seconds), "complete": .bool(report.isComplete),
            "copies": [
                json(report.there, from: place.activeName, to: place.passiveName ?? ""),
                json(report.back, from: place.passiveName ?? "", to: place.activeName),
            ],
        ]
    }

    private static func json(
        _ report: RegionCopyReport, from source: String, to target: String
    ) -> JSON {
        [
            "source": .string(source), "target": .string(target), "points": JSON(report.points),
            "packs": JSON(report.packs), "runs": JSON(report.runs), "bytes": .number(report.bytes),
            "stuck": .array(report.stuck.map(json)),
            "problems": .array((report.problems + report.warnings).map(JSON.string)),
        ]
    }

    static func lines(_ place: VaultPlace, _ report: ReplicationReport) -> [String] {
        var lines = [
            line(place, report.there, to: place.passiveName ?? "", report.seconds)
        ]
        if report.back.bytes > 0 {
            lines.append(line(place, report.back, to: place.activeName, report.seconds))
        }
        return lines
    }

    private static func line(
        _ place: VaultPlace, _ report: RegionCopyReport, to target: String, _ seconds: Double
    ) -> String {
        guard report.bytes > 0 else {
            return report.problems.isEmpty
                ? "vault \(place.name): \(target) has everything"
                : "vault \(place.name): nothing could be copied to \(target)"
        }
        return "vault \(place.name): \(Units.count(report.points, "recovery point")), "
            + "\(Units.count(report.packs, "pack")), "
            + "\(Units.bytes(report.bytes)) copied to \(target) in \(Units.duration(seconds))"
    }
}
