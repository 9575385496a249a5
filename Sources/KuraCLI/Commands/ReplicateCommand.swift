import ArgumentParser
import KuraStore
import KuraVault

struct ReplicateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replicate", abstract: "Bring every copy up to date.",
        discussion: """
            Copies to each replica what it lacks: one that was away, was put back from an old
            copy, or is new. A new replica is an empty directory in the place of the old one;
            it is filled from the others, and becomes a replica when it is complete. Killed
            anywhere, the same command goes on.

            EXAMPLES
              kura replicate
              kura replicate --dry-run --json
            """)

    @Option(
        help: ArgumentHelp("Only this vault; no new directory is filled then.", valueName: "name"))
    var vault: String?

    @Flag(help: "Say what would be copied, and change nothing.")
    var dryRun = false

    @OptionGroup var progress: ProgressOptions
    @OptionGroup var global: GlobalOptions

    func run() throws {
        var subscription = try global.subscription(create: false)
        if !dryRun, try !subscription.repairIdentities().isEmpty {
            subscription = try global.subscription(create: false)
        }
        let meter = Progress()
        let reporter = ProgressReporter("copying", meter, style: progress.style(global))
        let report: ReplicateReport
        do {
            report = try subscription.replicate(
                vault: vault, isDryRun: dryRun, progress: meter,
                cancellation: Interrupts.cancellation)
            reporter.stop()
        } catch {
            reporter.stop()
            throw error
        }
        try show(report)
        for problem in report.problems {
            Terminal.warn(problem.message + (problem.remedy.map { "; \($0)" } ?? ""))
        }
        for target in report.targets {
            guard let problem = target.problem else { continue }
            Terminal.warn(
                "vault \(target.vault) in replica \(target.replica) of region \(target.region) is "
                    + "not up to date: \(problem.message)")
        }
        for file in report.lost { Terminal.warn("no replica has a good copy: \(file)") }
        if !report.lost.isEmpty { throw EarlyExit.damage }
        if !report.isComplete { throw EarlyExit.warnings }
    }

    private func show(_ report: ReplicateReport) throws {
        var table = Table([
            ("vault", .left), ("region", .left), ("replica", .right),
            (dryRun ? "to copy" : "copied", .right), ("size", .right), ("points", .right),
            ("state", .left), ("directory", .left),
        ])
        for target in report.targets {
            table.add([
                target.vault, target.region, "\(target.replica)", "\(target.amount.files)",
                Units.bytes(target.amount.bytes), "\(target.amount.points)", state(target),
                target.path,
            ])
        }
        var text = table.text
        for (region, replica) in report.filled {
            text += "\nreplica \(replica) of region \(region) is filled"
        }
        try global.show(
            text: text,
            json: [
                "dry_run": .bool(dryRun), "seconds": .fraction(report.seconds),
                "vaults": .array(Self.vaults(report)),
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
        return dryRun && target.amount.files > 0 ? "behind" : "up to date"
    }

    private static func vaults(_ report: ReplicateReport) -> [JSON] {
        var names: [String] = []
        for target in report.targets where !names.contains(target.vault) {
            names.append(target.vault)
        }
        return names.map { name in
            let targets = report.targets.filter { $0.vault == name }
            return [
                "vault": .string(name),
                "targets": .array(
                    targets.map { target in
                        [
                            "region": .string(target.region), "replica": JSON(target.replica),
                            "path": .string(target.path), "files": JSON(target.amount.files),
                            "bytes": .number(target.amount.bytes),
                            "points": JSON(target.amount.points), "new": .bool(target.isNew),
                            "problem": JSON(target.problem?.message),
                        ]
                    }),
            ]
        }
    }
}
