import ArgumentParser
import KuraFormat
import KuraIO
import KuraReplication
import KuraStore
import KuraVault

struct ReplicateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replicate", abstract: "Bring every copy up to date.",
        discussion: """
            Copies to each replica what it lacks: one that was away, was put back from an old
            copy, or is new. A new replica is an empty directory in the place of the old one;
            it is filled from the others, and becomes a replica when it is complete.

            Then copies to the paired region what that lacks: packs first, recovery points last, so
            that it shows complete recovery points at every moment. What only the paired region has
            is copied back. Killed anywhere, the same command goes on.

            EXAMPLES
              kura replicate
              kura replicate --dry-run --json
              kura replicate --vault gold
            """)

    @Option(
        help: ArgumentHelp("Only this vault; no new directory is filled then.", valueName: "name"))
    var vault: String?

    @Flag(help: "Say what would be copied, and change nothing.")
    var dryRun = false

    @OptionGroup var progress: ProgressOptions
    @OptionGroup var global: GlobalOptions

    private func replicate(
        _ subscription: Subscription, _ meter: Progress
    ) throws(KuraError) -> ReplicateReport {
        guard !dryRun else {
            return try subscription.replicate(
                vault: vault, isDryRun: true, progress: meter,
                cancellation: Interrupts.cancellation)
        }
        return try subscription.runJob(
            .replicate, vault: vault ?? "", progress: meter,
            cancellation: Interrupts.cancellation
        ) { run throws(KuraError) in
            try subscription.replicate(
                vault: vault, isDryRun: false, progress: run.progress,
                cancellation: run.cancellation)
        }.value
    }

    func run() throws {
        var subscription = try global.subscription()
        if !dryRun, try !subscription.repairIdentities().isEmpty {
            subscription = try global.subscription()
        }
        let meter = Progress()
        let reporter = ProgressReporter("copying", meter, style: progress.style(global))
        let report: ReplicateReport
        let across: AcrossRegions
        do {
            report = try replicate(subscription, meter)
            // What was filled just now is usable from here on.
            if !report.filled.isEmpty { subscription = try global.subscription() }
            across = try copyAcross(subscription, meter)
            reporter.stop()
        } catch {
            reporter.stop()
            throw error
        }
        try show(report, across)
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
        for warning in across.warnings { Terminal.warn(warning) }
        if !report.lost.isEmpty || !across.isSound { throw EarlyExit.damage }
        if !report.isComplete || !across.warnings.isEmpty { throw EarlyExit.warnings }
    }

    /// From region to region: plans when nothing is to be changed, else reports.
    private struct AcrossRegions {
        var lines: [String] = []
        /// Per name of a vault.
        var json: [String: JSON] = [:]
        var warnings: [String] = []
        /// Whether everything that was to be copied had a good copy.
        var isSound = true
    }

    private func copyAcross(
        _ subscription: Subscription, _ meter: Progress
    ) throws(KuraError) -> AcrossRegions {
        var across = AcrossRegions()
        let places: [VaultPlace]
        if let vault {
            places = [try subscription.place(named: vault)]
        } else {
            places = try subscription.places()
        }
        for place in places where place.record.pair != nil {
            do throws(KuraError) {
                if dryRun {
                    let plans = try subscription.replicationPlan(of: place)
                    across.lines += ReplicationView.lines([plans.there, plans.back])
                    across.warnings += plans.there.problems + plans.back.problems
                    across.json[place.name] = ReplicationView.json([plans.there, plans.back])
                } else {
                    let report = try subscription.replicate(
                        place, threads: progress.threads ?? Replication.defaultThreads,
                        progress: meter, cancellation: Interrupts.cancellation)
                    across.lines += ReplicationView.lines(place, report)
                    across.warnings += report.allProblems
                    across.isSound = across.isSound && report.isComplete
                    across.json[place.name] = ReplicationView.json(place, report)
                }
            } catch {
                // One vault whose regions cannot be reached does not keep the others waiting.
                guard error.code == .replicaMissing, vault == nil else { throw error }
                across.warnings.append(
                    error.message + (error.remedy.map { "; \($0)" } ?? ""))
            }
        }
        return across
    }

    private func show(_ report: ReplicateReport, _ across: AcrossRegions) throws {
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
        return dryRun && target.amount.files > 0 ? "behind" : "up to date"
    }

    private static func vaults(_ report: ReplicateReport, _ across: AcrossRegions) -> [JSON] {
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
