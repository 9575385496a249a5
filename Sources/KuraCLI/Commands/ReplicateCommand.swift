import ArgumentParser
import KuraFormat
import KuraReplication
import KuraStore
import KuraVault

struct ReplicateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replicate", abstract: "Bring the paired region up to date.",
        discussion: """
            Copies what the paired region lacks: packs first, recovery points last, so that it shows
            complete recovery points at every moment. What only the paired region has is copied
            back. An interrupted copy goes on where it stopped.

            EXAMPLES
              kura replicate
              kura replicate --vault gold --dry-run
            """)

    @Option(help: ArgumentHelp("The vault; by default all that have a pair.", valueName: "name"))
    var vault: String?

    @Flag(help: "Only show what would be copied.")
    var dryRun = false

    @OptionGroup var progress: ProgressOptions
    @OptionGroup var global: GlobalOptions

    func run() throws {
        let subscription = try global.subscription()
        let places = try vault.map { [try subscription.place(named: $0)] }
            ?? subscription.places().filter { $0.record.pair != nil }
        if dryRun { return try showPlans(places, subscription) }
        var done: [(VaultPlace, ReplicationReport)] = []
        let meter = Progress()
        let reporter = ProgressReporter("replicating", meter, style: progress.style(global))
        do {
            for place in places {
                done.append(
                    (place, try subscription.replicate(
                        place, threads: progress.threads ?? Replication.defaultThreads,
                        progress: meter, cancellation: Interrupts.cancellation)))
            }
            reporter.stop()
        } catch {
            reporter.stop()
            throw error
        }
        let lines = done.flatMap { ReplicationView.lines($0, $1) }
        try global.show(
            text: lines.isEmpty ? "no vault has a paired region" : lines.joined(separator: "\n"),
            ids: done.map(\.0.name),
            json: ["vaults": .array(done.map { ReplicationView.json($0, $1) })])
        let problems = done.flatMap(\.1.allProblems)
        for problem in problems { Terminal.warn(problem) }
        if done.contains(where: { !$0.1.isComplete }) { throw EarlyExit.damage }
        if !problems.isEmpty { throw EarlyExit.warnings }
    }

    private func showPlans(_ places: [VaultPlace], _ subscription: Subscription) throws {
        let plans = try places.map { try subscription.replicationPlan(of: $0) }
            .flatMap { [$0.there, $0.back] }
        let lines = plans.filter { !$0.isEmpty || !$0.problems.isEmpty }.map { plan in
            "vault \(plan.vault), \(plan.source) to \(plan.target): \(plan.points.count) recovery "
                + "points, \(plan.packs.count) packs, \(plan.runs.count) index runs, "
                + Units.bytes(plan.byteCount)
        }
        try global.show(
            text: lines.isEmpty ? "nothing to copy" : lines.joined(separator: "\n"),
            ids: plans.flatMap(\.points).map(\.id.hex),
            json: ["plans": .array(plans.map(ReplicationView.json))])
        for problem in plans.flatMap(\.problems) { Terminal.warn(problem) }
    }
}

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

    private static func json(_ file: ReplicationPlan.File) -> JSON {
        ["id": .string(file.id.hex), "bytes": .number(file.byteCount)]
    }

    static func json(_ place: VaultPlace, _ report: ReplicationReport) -> JSON {
        [
            "vault": .string(place.name), "seconds": .fraction(report.seconds),
            "complete": .bool(report.isComplete),
            "copies": [
                json(report.there, from: place.activeName, to: place.passiveName ?? ""),
                json(report.back, from: place.passiveName ?? "", to: place.activeName),
            ],
        ]
    }

    private static func json(_ report: RegionCopyReport, from source: String, to target: String) -> JSON {
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
        return "vault \(place.name): \(report.points) recovery points, \(report.packs) packs, "
            + "\(Units.bytes(report.bytes)) copied to \(target) in \(Units.duration(seconds))"
    }
}
