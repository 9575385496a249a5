import ArgumentParser
import FoundationEssentials
import KuraFormat
import KuraIO
import KuraOperations
import KuraPolicy
import KuraVault

struct SchedulerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scheduler", abstract: "Run the backups and prunes that are due.",
        subcommands: [SchedulerRunCommand.self, SchedulerTickCommand.self])
}

struct SchedulerRunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run what is due, until the command is stopped.",
        discussion: """
            Looks every 30 seconds. Backups that became due while it did not run are made once. It
            can be stopped at any moment; work that this interrupts is done again later. SIGTERM
            ends it with exit status 0. One line on standard error tells of its start, and one of
            each job.
            """)

    @Option(help: "Jobs at the same time, 1 to \(Operations.jobsAtOnceMax).")
    var jobs = 2

    @OptionGroup var global: GlobalOptions

    private static let pauseNanoseconds: Int64 = 30_000_000_000

    func validate() throws { try SchedulerJobs.check(jobs) }

    func run() throws {
        Terminal.writeError(
            "scheduler started: it looks every 30 s and runs \(jobs) jobs at the same time\n")
        // Told when they change: the scheduler looks every half minute.
        var absences: [Absence] = []
        while !Interrupts.cancellation.isCancelled {
            do throws(KuraError) {
                // Opened anew each time: regions and vaults may have come.
                let report = try global.operations(
                    create: .defaultsIfEmpty, context: global.context(surface: .scheduler)
                ).tick(jobsAtOnce: jobs)
                if report.absences != absences {
                    for absence in report.absences { _ = tell(absence, json: global.json) }
                    absences = report.absences
                }
                if !report.isEmpty {
                    Terminal.writeError(Terminal.printable(TickView.text(report)) + "\n")
                }
            } catch {
                // The cause may be gone in half a minute.
                Terminal.error(error.message, remedy: error.remedy?.text)
            }
            Interrupts.cancellation.wait(until: Clock.steady() + Self.pauseNanoseconds)
        }
        if Interrupts.isTermination { return Terminal.writeError("scheduler stopped\n") }
        throw KuraError(
            .interrupted,
            "the scheduler was stopped; work that is due runs when it is started again")
    }
}

private enum SchedulerJobs {
    static func check(_ count: Int) throws {
        guard 1...Operations.jobsAtOnceMax ~= count else {
            throw ValidationError(
                "--jobs takes 1 to \(Operations.jobsAtOnceMax), not \(count)")
        }
    }
}

struct SchedulerTickCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tick", abstract: "Run what is due now, and end.")

    @Option(help: ArgumentHelp("The moment; by default now.", valueName: "utc-iso-8601"))
    var now: String?

    @Option(help: "Jobs at the same time, 1 to \(Operations.jobsAtOnceMax).")
    var jobs = 2

    @OptionGroup var global: GlobalOptions

    func validate() throws {
        try SchedulerJobs.check(jobs)
        if let now, Self.instant(now) == nil {
            throw ValidationError("--now takes a time such as 2026-01-31T23:00:00Z, not \(now)")
        }
    }

    /// Nil for what is no time, or none from 1970 to 2199.
    private static func instant(_ text: String) -> Int64? {
        guard let day = LocalDate(text.prefix(10)), RetentionSimulation.years ~= day.parts.year
        else {
            return nil
        }
        if text.utf8.count == 10 { return PolicyZone.utc.instant(of: day, second: 0) }
        do {
            return Int64(try Date(text, strategy: .iso8601).timeIntervalSince1970) * 1_000_000_000
        } catch {
            return nil
        }
    }

    func run() throws {
        let clock = now.flatMap(Self.instant).map(WallClock.fixed) ?? .system
        let report = try global.operations(
            create: .defaultsIfEmpty,
            context: global.context(clock: clock, surface: .scheduler)
        ).tick(jobsAtOnce: jobs)
        try global.show(
            text: TickView.text(report), ids: report.backups.compactMap { $0.report?.id.hex },
            json: TickView.json(report))
        if Interrupts.cancellation.isCancelled { throw KuraError(.interrupted, "stopped") }
        for error in report.errors { Terminal.error(error.message, remedy: error.remedy?.text) }
        var exit: EarlyExit?
        let hasWarnings =
            report.backups.contains { !$0.warnings.isEmpty }
            || report.pruned.contains { !$0.warnings.isEmpty }
        if hasWarnings { exit = .warnings }
        if !report.errors.isEmpty || report.backups.contains(where: { $0.error != nil }) {
            exit = .failure
        }
        for absence in report.absences {
            exit = EarlyExit.worse(exit, tell(absence, json: global.json))
        }
        if let exit { throw exit }
    }
}

extension TickReport {
    var isEmpty: Bool { backups.isEmpty && skipped.isEmpty && pruned.isEmpty && errors.isEmpty }
}

enum TickView {
    static func text(_ report: TickReport) -> String {
        guard !report.isEmpty else { return "nothing is due" }
        var lines: [String] = []
        for backup in report.backups {
            let item = backup.item ?? backup.name
            if let error = backup.error {
                lines.append("failed: \(item): \(error.message)")
            } else if let made = backup.report {
                lines.append(
                    "backed up \(item): recovery point \(made.id.short), "
                        + made.point.tags.joined(separator: ", "))
            }
            for warning in backup.warnings { lines.append("  warning: \(warning.text)") }
        }
        for (item, reason) in report.skipped { lines.append("skipped \(item): \(reason)") }
        for pruned in report.pruned {
            let count = pruned.decisions.count { !$0.isKept }
            lines.append("pruned \(pruned.vault): \(Units.count(count, "recovery point")) dropped")
            for warning in pruned.warnings { lines.append("  warning: \(warning.text)") }
        }
        for error in report.errors { lines.append("failed: \(error.message)") }
        return lines.joined(separator: "\n")
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
                    ]
                }),
            "skipped": .array(
                report.skipped.map { skipped in
                    ["item": .string(skipped.item), "reason": .string(skipped.reason)]
                }),
            "dropped": .array(
                report.pruned.flatMap { pruned in
                    pruned.decisions.filter { !$0.isKept }.map { .string($0.id.hex) }
                }),
            "errors": .array(report.errors.map { .string($0.message) }),
        ]
    }
}
