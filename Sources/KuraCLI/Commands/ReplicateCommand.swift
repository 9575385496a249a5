import ArgumentParser
import KuraIO
import KuraOperations

struct ReplicateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replicate", abstract: "Bring every copy up to date.",
        discussion: Help.flowing(
            """
            Copies missing files to each replica: to one that was away, that was restored from an
            old copy, or that is new. To replace a replica, put an empty directory in its place;
            Kura fills it from the others, and it becomes a replica when it is complete.

            Then copies missing files to the paired region: packs first, recovery points last, so
            that every recovery point there is complete at every moment. Files that only the paired
            region has are copied back. If the command is killed, run it again to continue.

            EXAMPLES
              kura replicate
              kura replicate --dry-run --json
              kura replicate --vault gold
            """))

    @Option(
        help: ArgumentHelp("Only this vault; then no new directory is filled.", valueName: "name"))
    var vault: String?

    @Flag(help: "Show what would be copied, and change nothing.")
    var dryRun = false

    @OptionGroup var progress: ProgressOptions
    @OptionGroup var global: GlobalOptions

    func run() throws {
        let subscription = try global.subscription()
        let request = CopiesUpdate(vault: vault)
        if dryRun {
            let plan = try progress.shown(as: "copying", subscription, global) {
                operations throws(KuraError) in try operations.replicationPlan(request)
            }
            return try end(
                plan.replicas, AcrossRegions(plan), warnings: plan.warnings,
                isSound: plan.replicas.lost.isEmpty)
        }
        let report = try progress.shown(as: "copying", subscription, global) {
            operations throws(KuraError) in try operations.replicate(request)
        }
        try end(
            report.replicas, AcrossRegions(report), warnings: report.warnings,
            isSound: report.isSound)
    }

    private func end(
        _ replicas: ReplicaCatchUpReport, _ across: AcrossRegions, warnings: [Warning],
        isSound: Bool
    ) throws {
        try show(replicas, across)
        for warning in warnings { Terminal.warn(warning) }
        if !isSound { throw EarlyExit.damage }
        if !warnings.isEmpty { throw EarlyExit.warnings }
    }

    /// From region to region, as it is shown.
    private struct AcrossRegions {
        var lines: [String] = []
        /// Per name of a vault.
        var json: [String: JSON] = [:]

        init(_ plan: CopiesUpdatePlan) {
            for (there, back) in plan.regions {
                lines += ReplicationView.lines([there, back])
                json[there.vault] = ReplicationView.json([there, back])
            }
        }

        init(_ report: CopiesUpdateReport) {
            for copied in report.regions {
                lines += ReplicationView.lines(copied)
                json[copied.vault] = ReplicationView.json(copied)
            }
        }
    }

    private func show(_ report: ReplicaCatchUpReport, _ across: AcrossRegions) throws {
        var table = Table([
            ("vault", .left), ("region", .left), ("replica", .right),
            (dryRun ? "to copy" : "copied", .right), ("size", .right), ("points", .right),
            ("state", .left), ("directory", .left),
        ])
        for target in report.targets {
            table.add([
                target.vault, target.region, "\(target.replica)", "\(target.files)",
                Units.bytes(target.bytes), "\(target.points)", state(target),
                target.path,
            ])
        }
        var text = table.text(
            shortening: ["vault", "region", "directory"], leavingOut: ["points"])
        for (region, replica) in report.filled {
            text += "\nreplica \(replica) of region \(region) is filled"
        }
        text += across.lines.map { "\n" + $0 }.joined()
        try global.show(
            text: text,
            json: [
                "dry_run": .bool(dryRun), "seconds": .fraction(report.seconds),
                "vaults": .array(Self.vaults(report, across)),
                "filled": .array(
                    report.filled.map {
                        ["region": .string($0.region), "replica": JSON($0.replica)]
                    }),
                "lost": .array(report.lost.map(JSON.string)),
            ])
    }

    private func state(_ target: ReplicaCopies) -> String {
        if target.problem != nil { return "failed" }
        if target.isNew { return dryRun ? "empty" : "filled" }
        return dryRun && target.files > 0 ? "behind" : "up to date"
    }

    private static func vaults(_ report: ReplicaCatchUpReport, _ across: AcrossRegions) -> [JSON] {
        var names = across.json.keys.sorted()
        for target in report.targets where !names.contains(target.vault) {
            names.append(target.vault)
        }
        return names.map { name in
            let targets = report.targets.filter { $0.vault == name }
            return [
                "vault": .string(name), "across_regions": across.json[name] ?? .null,
                "targets": .array(
                    targets.map { target in
                        [
                            "region": .string(target.region), "replica": JSON(target.replica),
                            "path": .string(target.path), "files": JSON(target.files),
                            "bytes": .number(target.bytes),
                            "points": JSON(target.points), "new": .bool(target.isNew),
                            "problem": JSON(target.problem?.message),
                        ]
                    }),
            ]
        }
    }
}
