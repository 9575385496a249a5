import ArgumentParser
import FoundationEssentials
import KuraFormat
import KuraIO
import KuraOperations
import KuraPolicy
import KuraVault
import Synchronization

struct SchedulerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scheduler", abstract: "Run the backups and prunes that are due.",
        subcommands: [SchedulerRunCommand.self, SchedulerTickCommand.self])
}

struct SchedulerRunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run what is due, until the command is stopped.",
        discussion: Help.flowing(
            """
            Looks every 30 seconds. Backups that became due while it did not run are made once. It
            can be stopped at any moment; work that this interrupts is done again later. SIGTERM
            ends it with exit status 0. Lines on standard error tell of its start, and of the start
            and the end of each job. A backup that was cut short, that failed, or whose machine was
            in use is made again: after two minutes, then after longer pauses, an hour at most,
            until the policy's next run takes its place.

            One process of a home runs the schedule: kurad, or one of these commands. Others stand
            by, and one of them takes over when that process ends.

            EXAMPLES
              kura scheduler run --jobs 2
            """))

    @Option(help: "Jobs at the same time, 1 to \(Operations.jobsAtOnceMax).")
    var jobs = 2

    @OptionGroup var global: GlobalOptions

    private static let pauseNanoseconds: Int64 = 30_000_000_000

    func validate() throws { try SchedulerJobs.check(jobs) }

    func run() throws {
        // Without a home there is nothing that could become due.
        _ = try global.subscription()
        Terminal.writeError(
            "scheduler started: it looks every 30 s and runs \(jobs) jobs at the same time\n")
        // Told when they change: the scheduler looks every half minute.
        var absences: [Absence] = []
        let log = SchedulerLog()
        var tick = Tick()
        tick.jobsAtOnce = jobs
        tick.observe = { log.tell($0) }
        var seat: SchedulerSeat?
        while !Interrupts.cancellation.isCancelled {
            log.beginStep()
            do throws(KuraError) {
                // Opened anew each time: regions and vaults may have come.
                let operations = try global.operations(
                    context: global.context(surface: .scheduler))
                if seat == nil { seat = try operations.takeSchedule() }
                guard seat != nil else {
                    log.standBy()
                    Interrupts.cancellation.wait(until: Clock.steady() + Self.pauseNanoseconds)
                    continue
                }
                let report = try operations.tick(tick)
                if report.absences != absences {
                    for absence in report.absences { _ = tell(absence, json: global.json) }
                    absences = report.absences
                }
            } catch {
                // The cause may be gone in half a minute.
                log.tell(.failed(TickFailure(what: "scheduler", error: error)))
            }
            Interrupts.cancellation.wait(until: Clock.steady() + Self.pauseNanoseconds)
        }
        if Interrupts.isTermination {
            Terminal.writeError("scheduler stopped\n")
            // Warnings of the past are no warning of how it ended.
            throw EarlyExit.done
        }
        throw KuraError(
            .interrupted,
            "the scheduler was stopped; work that is due runs when it is started again")
    }
}

/// Lines of a scheduler that goes on: what is wrong in each of its steps is told once.
private final class SchedulerLog: Sendable {
    private let told = Mutex((before: Set<String>(), now: Set<String>()))

    func beginStep() { told.withLock { $0 = ($0.now, []) } }

    /// Another process runs the schedule.
    func standBy() { tell("another process runs the schedule of this home; standing by") }

    private func tell(_ text: String) {
        let isKnown = told.withLock { told in
            told.now.insert(text)
            return told.before.contains(text)
        }
        if !isKnown { Terminal.writeError(Terminal.printable(text) + "\n") }
    }

    func tell(_ event: TickEvent) {
        let text = TickView.text(of: event)
        if event.isOfEachStep { return tell(text) }
        Terminal.writeError(Terminal.printable(text) + "\n")
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
        commandName: "tick", abstract: "Run what is due now, and end.",
        discussion: Help.examples(
            "kura scheduler tick",
            "kura scheduler tick --now 2026-01-31T23:00:00Z --json"))

    @Option(help: ArgumentHelp("The moment; by default now.", valueName: "utc-iso-8601"))
    var now: String?

    @Option(help: "Jobs at the same time, 1 to \(Operations.jobsAtOnceMax).")
    var jobs = 2

    @Flag(help: "Show what is due and what would be pruned, and change nothing.")
    var dryRun = false

    @Flag(help: "Take a time that is far ahead of the clock and of every recovery point.")
    var force = false

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
        let operations = try global.operations(
            context: global.context(clock: clock, surface: .scheduler))
        if dryRun { return try show(operations.tickPlan()) }
        var tick = Tick()
        tick.jobsAtOnce = jobs
        tick.isForced = force
        let report = try operations.tick(tick)
        try global.show(
            text: TickView.text(report), ids: report.backups.compactMap { $0.report?.id.hex },
            json: TickView.json(report))
        if Interrupts.cancellation.isCancelled { throw KuraError(.interrupted, "stopped") }
        show(report.failures)
        var exit: EarlyExit?
        let hasWarnings =
            report.backups.contains { !$0.warnings.isEmpty }
            || report.pruned.contains { !$0.warnings.isEmpty }
            || !report.warnings.isEmpty || !report.skipped.isEmpty
        if hasWarnings { exit = .warnings }
        if !report.failures.isEmpty || report.backups.contains(where: { $0.error != nil }) {
            exit = .failure
        }
        for absence in report.absences {
            exit = EarlyExit.worse(exit, tell(absence, json: global.json))
        }
        if let exit { throw exit }
    }

    private func show(_ plan: TickPlan) throws {
        try global.show(
            text: TickView.text(plan), ids: plan.due.map(\.item), json: TickView.json(plan))
        show(plan.failures)
        if !plan.failures.isEmpty { throw EarlyExit.failure }
    }

    private func show(_ failures: [TickFailure]) {
        for failure in failures {
            Terminal.error(
                "\(failure.what): \(failure.error.message)", remedy: failure.error.remedy?.text)
        }
    }
}
