import ArgumentParser
import KuraFormat
import KuraIO
import KuraOperations
import KuraPolicy

struct PruneCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prune",
        abstract: "Drop expired recovery points and free what nothing else needs.",
        discussion: Help.flowing(
            """
            Drops recovery points whose time is over, but never the newest of an item. Then removes
            chunks that no other point needs: it deletes packs without live chunks, and writes
            packs with many dead bytes again without them. Backups and restores may run at the same
            time; packs that one of them may still need wait for the next prune. A prune that would
            drop much at once, or by a rule or a clock that changed, stops, says why, and prints a
            token that lets exactly this plan through with --confirm.

            EXAMPLES
              kura prune --dry-run
              kura prune --vault gold
              kura prune --drop 3f2a91c0
            """))

    @Option(help: ArgumentHelp("Only this vault.", valueName: "name"))
    var vault: String?

    @Option(
        help: ArgumentHelp(
            "Also drop this recovery point, whatever its age. May be given again.",
            valueName: "rp"))
    var drop: [PointName] = []

    @Option(
        help: ArgumentHelp(
            "Make a prune that was stopped, as it was planned.", valueName: "token"))
    var confirm: String?

    @Flag(help: "Show what would be dropped, and change nothing.")
    var dryRun = false

    @OptionGroup var progress: ProgressOptions
    @OptionGroup var global: GlobalOptions

    func run() throws {
        let subscription = try global.subscription()
        let request = Pruning(
            vault: vault, dropping: drop.map(\.reference), confirmed: confirm)
        let (reports, failure) = try progress.shown(as: "pruning", subscription, global) {
            operations throws(KuraError) in
            dryRun ? (try operations.prunePlan(request), nil) : try operations.prune(request)
        }
        if failure == nil || !reports.isEmpty { try show(reports) }
        if let failure { throw failure }
        let warnings = reports.flatMap(\.warnings)
        for warning in warnings { Terminal.warn(warning) }
        if !warnings.isEmpty { throw EarlyExit.warnings }
    }

    private func show(_ reports: [PruneReport]) throws {
        var lines: [String] = []
        for report in reports {
            let dropped = report.decisions.filter { !$0.isKept }
            let kept = report.decisions.count - dropped.count
            for decision in dropped {
                lines.append(
                    "\(dryRun ? "would drop" : "dropped") \(decision.id.short) of "
                        + "\(decision.item.isEmpty ? "an unknown item" : decision.item), "
                        + decision.reasons.joined(separator: ", "))
            }
            let bytes = report.space
            lines.append(
                "\(report.vault): \(Units.count(dropped.count, "recovery point")) "
                    + "\(dryRun ? "would go" : "dropped"), \(kept) kept; "
                    + "\(Units.bytes(bytes.freedBytes)) \(dryRun ? "would be freed" : "freed") in "
                    + "each replica"
                    + (bytes.repackedBytes > 0
                        ? ", \(Units.bytes(bytes.repackedBytes)) written again" : ""))
            if let brake = report.brake {
                lines += brake.reasons.map { "  stops without --confirm: \($0.message)" }
                lines.append("  token: \(brake.token)")
            }
            if bytes.deadBytesLeft > 0 {
                lines.append(
                    "  \(Units.bytes(bytes.deadBytesLeft)) that nothing needs stay in packs "
                        + "with live chunks ("
                        + Units.percent(bytes.deadBytesLeft, of: bytes.packBytes) + ")")
            }
            if bytes.waitingBytes > 0 {
                lines.append(
                    "  \(Units.bytes(bytes.waitingBytes)) more wait for "
                        + "\(bytes.waitingSessions) running "
                        + "\(bytes.waitingSessions == 1 ? "operation" : "operations"); the next "
                        + "kura prune frees them")
            }
        }
        try global.show(
            text: lines.joined(separator: "\n"),
            ids: reports.flatMap { $0.decisions.filter { !$0.isKept }.map(\.id.hex) },
            json: json(reports))
    }

    private func json(_ reports: [PruneReport]) -> JSON {
        let sum = { (value: (FreedSpace) -> UInt64) in
            JSON.number(reports.reduce(0) { $0 + value($1.space) })
        }
        return [
            "dry_run": .bool(dryRun),
            "dropped": .array(reports.flatMap { points($0, areKept: false) }),
            "kept": .array(reports.flatMap { points($0, areKept: true) }),
            "freed_bytes": sum(\.freedBytes), "removed_bytes": sum(\.removedBytes),
            "written_bytes": sum(\.writtenBytes), "repacked_bytes": sum(\.repackedBytes),
            "dead_bytes": sum(\.deadBytesLeft), "waiting_bytes": sum(\.waitingBytes),
            "removed_packs": .number(
                reports.reduce(0) { $0 + UInt64($1.space.removedPacks) }),
            "brake": .array(
                reports.compactMap { report in
                    report.brake.map { brake in
                        [
                            "vault": .string(report.vault), "token": .string(brake.token),
                            "reasons": .array(brake.reasons.map { .string($0.message) }),
                        ]
                    }
                }),
            "warnings": .array(reports.flatMap(\.warnings).map { .string($0.text) }),
        ]
    }

    private func points(_ report: PruneReport, areKept: Bool) -> [JSON] {
        report.decisions.filter { $0.isKept == areKept }.map { decision in
            [
                "id": .string(decision.id.hex), "vault": .string(report.vault),
                "item": .string(decision.item), "time": .string(Units.utc(decision.time)),
                "expires": JSON(decision.expires.map(Units.utc)),
                "reasons": .array(decision.reasons.map(JSON.string)),
            ]
        }
    }
}
