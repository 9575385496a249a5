import KuraFormat
import KuraIO
import KuraOperations
import KuraPolicy

extension TickEvent {
    /// Whether the next step of the scheduler will say the same while nothing changes.
    var isOfEachStep: Bool {
        switch self {
        case .failed(let failure): failure.again == nil
        case .warned: true
        case .backupBegins, .backupEnds, .replicationBegins, .replicationEnds, .pruneBegins,
            .pruneEnds:
            false
        }
    }
}

/// What the scheduler says.
enum TickView {
    static func text(of event: TickEvent) -> String {
        switch event {
        case .backupBegins(let item): "backup of \(item) begins"
        case .backupEnds(let outcome): text(of: outcome)
        case .replicationBegins(let vault): "replication of vault \(vault) begins"
        case .replicationEnds(let vault, let warnings):
            lines("replicated vault \(vault)", warnings)
        case .pruneBegins(let vault): "prune of vault \(vault) begins"
        case .pruneEnds(let report):
            lines("pruned \(report.vault): \(dropped(report)) dropped", report.warnings)
        case .failed(let failure):
            "failed: \(failure.what): \(failure.error.message)\(again(failure.again))"
        case .warned(let warning): "warning: \(warning.text)"
        }
    }

    private static func text(of outcome: MachineOutcome) -> String {
        let item = outcome.item ?? outcome.name
        if let error = outcome.error {
            let verb = error.code == .locked ? "skipped" : "failed:"
            return lines(
                "\(verb) \(item): \(error.message)\(again(outcome.again))", outcome.warnings)
        }
        let made = outcome.report.map { report in
            ": recovery point \(report.id.short), \(report.point.tags.joined(separator: ", "))"
        }
        return lines("backed up \(item)\(made ?? "")", outcome.warnings)
    }

    private static func again(_ time: Int64?) -> String {
        time.map { "; tried again from \(Units.local($0)) on" } ?? ""
    }

    private static func lines(_ first: String, _ warnings: [Warning]) -> String {
        ([first] + warnings.map { "  warning: \($0.text)" }).joined(separator: "\n")
    }

    private static func dropped(_ report: PruneReport) -> String {
        Units.count(report.decisions.count { !$0.isKept }, "recovery point")
    }

    static func text(_ report: TickReport) -> String {
        let events =
            (report.backups + report.skipped).map(TickEvent.backupEnds)
            + report.replicated.map { .replicationEnds(vault: $0, warnings: []) }
            + report.pruned.map(TickEvent.pruneEnds) + report.failures.map(TickEvent.failed)
            + report.warnings.map(TickEvent.warned)
        return events.isEmpty
            ? "nothing is due" : events.map(text).joined(separator: "\n")
    }

    static func json(_ report: TickReport) -> JSON {
        [
            "time": .string(Units.utc(report.time)),
            "backups": .array(
                report.backups.map { backup in
                    [
                        "item": JSON(backup.item), "job": JSON(backup.job),
                        "recovery_point": JSON(backup.report?.id.hex),
                        "tags": .array((backup.report?.point.tags ?? []).map(JSON.string)),
                        "error": JSON(backup.error?.message),
                        "retry": JSON(backup.again.map(Units.utc)),
                    ]
                }),
            "skipped": .array(
                report.skipped.map { skipped in
                    [
                        "item": .string(skipped.item ?? skipped.name),
                        "reason": JSON(skipped.error?.message),
                        "retry": JSON(skipped.again.map(Units.utc)),
                    ]
                }),
            "replicated": .array(report.replicated.map(JSON.string)),
            "dropped": dropped(report.pruned),
            "errors": errors(report.failures),
            "warnings": .array(report.warnings.map { .string($0.text) }),
        ]
    }

    static func text(_ plan: TickPlan) -> String {
        var lines = plan.due.map {
            "\($0.item) in vault \($0.vault) is due since \(Units.local($0.time))"
        }
        lines += plan.pruned.map { "\($0.vault): \(dropped($0)) would go" }
        lines += plan.failures.map { text(of: .failed($0)) }
        return lines.isEmpty ? "nothing is due" : lines.joined(separator: "\n")
    }

    static func json(_ plan: TickPlan) -> JSON {
        [
            "time": .string(Units.utc(plan.time)), "dry_run": .bool(true),
            "due": .array(
                plan.due.map { run in
                    [
                        "item": .string(run.item), "vault": .string(run.vault),
                        "since": .string(Units.utc(run.time)),
                    ]
                }),
            "dropped": dropped(plan.pruned),
            "errors": errors(plan.failures),
        ]
    }

    private static func dropped(_ reports: [PruneReport]) -> JSON {
        .array(
            reports.flatMap { report in
                report.decisions.filter { !$0.isKept }.map { .string($0.id.hex) }
            })
    }

    private static func errors(_ failures: [TickFailure]) -> JSON {
        .array(failures.map { .string("\($0.what): \($0.error.message)") })
    }
}
