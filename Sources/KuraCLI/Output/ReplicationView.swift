import KuraFormat
import KuraOperations

/// Plans and reports of replications as commands show them.
enum ReplicationView {
    static func json(_ point: WaitingPoint) -> JSON {
        [
            "id": .string(point.id.hex), "item": .string(point.item),
            "sequence": .number(point.sequence), "time": .string(Units.utc(point.time)),
            "bytes": .number(point.byteCount),
        ]
    }

    static func json(_ plan: PlannedCopies) -> JSON {
        [
            "vault": .string(plan.vault), "source": .string(plan.source),
            "target": .string(plan.target), "points": .array(plan.points.map(json)),
            "packs": .array(plan.packs.map(json)), "runs": .array(plan.runs.map(json)),
            "copies_record": .bool(plan.copiesRecord), "bytes": .number(plan.byteCount),
            "problems": .array(plan.problems.map(JSON.string)),
        ]
    }

    static func json(_ plans: [PlannedCopies]) -> JSON { ["plans": .array(plans.map(json))] }

    static func lines(_ plans: [PlannedCopies]) -> [String] {
        plans.filter { !$0.isEmpty }.map { plan in
            "vault \(plan.vault), \(plan.source) to \(plan.target): "
                + "\(Units.count(plan.points.count, "recovery point")), "
                + "\(Units.count(plan.packs.count, "pack")), "
                + "\(Units.count(plan.runs.count, "index run")), "
                + Units.bytes(plan.byteCount)
        }
    }

    private static func json(_ file: PlannedCopies.File) -> JSON {
        ["id": .string(file.id.hex), "bytes": .number(file.byteCount)]
    }

    static func json(_ report: ReplicatedVault) -> JSON {
        [
            "seconds": .fraction(report.seconds), "complete": .bool(report.isComplete),
            "copies": [
                json(report.there), json(report.back),
            ],
        ]
    }

    private static func json(_ copies: FinishedCopies) -> JSON {
        [
            "source": .string(copies.source), "target": .string(copies.target),
            "points": JSON(copies.points), "packs": JSON(copies.packs), "runs": JSON(copies.runs),
            "bytes": .number(copies.bytes), "stuck": .array(copies.stuck.map(json)),
            "problems": .array((copies.problems + copies.warnings).map(JSON.string)),
        ]
    }

    static func lines(_ report: ReplicatedVault) -> [String] {
        var lines = [line(report.there, of: report)]
        if report.back.bytes > 0 { lines.append(line(report.back, of: report)) }
        return lines
    }

    private static func line(_ copies: FinishedCopies, of report: ReplicatedVault) -> String {
        guard copies.bytes > 0 else {
            return copies.problems.isEmpty
                ? "vault \(report.vault): \(copies.target) has everything"
                : "vault \(report.vault): nothing could be copied to \(copies.target)"
        }
        return "vault \(report.vault): \(Units.count(copies.points, "recovery point")), "
            + "\(Units.count(copies.packs, "pack")), "
            + "\(Units.bytes(copies.bytes)) copied to \(copies.target) in "
            + Units.duration(report.seconds)
    }
}
