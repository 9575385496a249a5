import ArgumentParser
import KuraIO
import KuraVault

struct JobCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "job", abstract: "Look at jobs, and cancel them.",
        discussion: Help.flowing(
            """
            EXAMPLES
              kura job list --status Failed
              kura job watch 3f2a
              kura job cancel 3f2a
            """),
        subcommands: [
            JobListCommand.self, JobShowCommand.self, JobWatchCommand.self, JobCancelCommand.self,
        ])
}

/// One of the raw values of an enumeration, in whatever case.
struct NamedValue<Value>: ExpressibleByArgument
where Value: RawRepresentable<String> & CaseIterable & Sendable {
    var value: Value

    init?(argument: String) {
        let found = Value.allCases.first { $0.rawValue.lowercased() == argument.lowercased() }
        guard let found else { return nil }
        value = found
    }

    static var allValueStrings: [String] { Value.allCases.map(\.rawValue) }
}

struct JobListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List jobs, newest first; kept for 180 days.",
        discussion: Help.examples(
            "kura job list",
            "kura job list --status Failed --operation Backup"),
        aliases: ["ls"])

    @Option(help: "Only jobs with this status.")
    var status: NamedValue<Job.Status>?

    @Option(help: "Only jobs of this operation.")
    var operation: NamedValue<Job.Operation>?

    @Option(help: ArgumentHelp("Only jobs of this vault.", valueName: "name"))
    var vault: String?

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let subscription = try global.subscription()
        let jobs = try subscription.jobs(
            JobFilter(status: status?.value, operation: operation?.value, vault: vault))
        var table = Table([
            ("id", .left), ("operation", .left), ("vault", .left), ("item", .left),
            ("started", .left), ("duration", .right), ("progress", .right), ("status", .left),
        ])
        for job in jobs {
            table.add([
                String(job.id.prefix(8)), job.operation.rawValue,
                job.vault.isEmpty ? "-" : job.vault,
                job.item.isEmpty ? "-" : job.item, Units.local(job.started),
                job.seconds.map(Units.duration) ?? "-",
                "\(Int(job.progress * 100)) %", job.status.rawValue,
            ])
        }
        try global.show(
            text: table.text(
                shortening: ["item", "vault", "operation"],
                leavingOut: ["progress", "duration", "vault"]), ids: jobs.map(\.id),
            json: ["jobs": .array(jobs.map(JobView.json))])
    }
}

struct JobShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show one job in full.",
        discussion: Help.examples(
            "kura job show 3f2a"))

    @Argument(help: "The job's id, or its first digits.")
    var id: String

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let job = try global.subscription().job(id)
        try global.show(text: JobView.text(job), ids: [job.id], json: JobView.json(job))
    }
}

struct JobWatchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch", abstract: "Wait until a job is over, then show it.",
        discussion: Help.examples(
            "kura job watch 3f2a"))

    @Argument(help: "The job's id, or its first digits.")
    var id: String

    @OptionGroup var global: GlobalOptions

    /// Looks at least this often: the system cannot always tell when the catalog changes.
    private static let pauseNanoseconds: Int64 = 1_000_000_000

    func run() throws {
        let subscription = try global.subscription()
        let changes = FileWatch(subscription.catalogPath, for: .change)
        var job = try subscription.job(id)
        var shown = -1
        while !job.status.isOver {
            if Interrupts.cancellation.isCancelled {
                throw KuraError(.interrupted, "no longer watching; the job continues")
            }
            let percent = Int(job.progress * 100)
            if percent != shown, !global.quiet {
                let item = Terminal.oneLine(job.item)
                Terminal.writeError("\(job.operation.rawValue) \(item): \(percent) %\n")
                shown = percent
            }
            let deadline = Clock.steady() + Self.pauseNanoseconds
            if let changes {
                _ = changes.wait(until: deadline, Interrupts.cancellation)
            } else {
                Interrupts.cancellation.wait(until: deadline)
            }
            job = try subscription.job(job.id)
        }
        try global.show(text: JobView.text(job), ids: [job.id], json: JobView.json(job))
        if job.status == .failed { throw EarlyExit.failure }
        if job.status == .completedWithWarnings { throw EarlyExit.warnings }
    }
}

struct JobCancelCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel",
        abstract: "Ask a job to end at its next safe point. Data that it committed stays.",
        discussion: Help.examples(
            "kura job cancel 3f2a"))

    @Argument(help: "The job's id, or its first digits.")
    var id: String

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let job = try global.subscription().cancelJob(id)
        try global.show(
            text: "job \(job.id.prefix(8)) is \(job.status.rawValue)", ids: [job.id],
            json: JobView.json(job))
    }
}

enum JobView {
    static func text(_ job: Job) -> String {
        var lines = [
            "job        \(job.id)",
            "operation  \(job.operation.rawValue)",
            "status     \(job.status.rawValue), \(Int(job.progress * 100)) %",
            "item       \(job.item.isEmpty ? "-" : job.item)",
            "vault      \(job.vault.isEmpty ? "-" : job.vault)",
            "started    \(Units.local(job.started)) by process \(job.process) on \(job.host)",
            "ended      \(job.ended.map(Units.local) ?? "-")",
        ]
        for task in job.tasks { lines.append("task       \(task.name): \(task.status.rawValue)") }
        if let point = job.recoveryPoint { lines.append("point      \(point)") }
        for warning in job.warnings { lines.append("warning    \(warning.text)") }
        if let error = job.error {
            lines.append("error      \(error.message) (\(error.code))")
            if let remedy = error.remedy { lines.append("help       \(remedy.text)") }
        }
        if !job.output.isEmpty { lines.append("output\n\(job.output)") }
        return lines.joined(separator: "\n")
    }

    static func json(_ job: Job) -> JSON {
        [
            "id": .string(job.id), "operation": .string(job.operation.rawValue),
            "status": .string(job.status.rawValue), "vault": .string(job.vault),
            "item": .string(job.item), "started": .string(Units.utc(job.started)),
            "ended": JSON(job.ended.map(Units.utc)),
            "duration_seconds": job.seconds.map(JSON.fraction) ?? .null,
            "progress": .fraction(job.progress), "recovery_point": JSON(job.recoveryPoint),
            "tasks": .array(
                job.tasks.map { task in
                    ["name": .string(task.name), "status": .string(task.status.rawValue)]
                }),
            "error": job.error.map { error in
                [
                    "code": .string(error.code), "message": .string(error.message),
                    "remedy": JSON(error.remedy?.text),
                ]
            } ?? .null,
            "warnings": .array(job.warnings.map { .string($0.text) }),
            "output": .string(job.output),
        ]
    }
}
