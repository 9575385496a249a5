import ArgumentParser
import KuraFormat
import KuraIO
import KuraOperations

struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Read every copy and report what is damaged.",
        discussion: Help.flowing(
            """
            Level packs compares the hash and the structure of every file in every replica.
            Level chunks also decodes and hashes every chunk and follows every recovery point
            down to its chunks. Exit code 12 means that damage was found and is still there, 3
            that all of it was healed (--repair). Where no copy is good, --repair keeps the chunks
            that are left and records the others as lost, so that the next backup stores them
            again.

            Each replica remembers when each of its copies was read. With --max-age, verify skips
            copies that were read since then; with --max-duration, it ends in time. It begins with
            the copies that were not read for the longest time, so a short run every night reads
            all of them.

            EXAMPLES
              kura verify
              kura verify --repair
              kura verify --max-age 7d --max-duration 30m
              kura verify --level chunks --json
              kura verify --replica 1 --point web@latest
            """))

    @Option(help: ArgumentHelp("The vault; by default all.", valueName: "name"))
    var vault: String?

    enum Level: String, ExpressibleByArgument, CaseIterable { case packs, chunks }

    @Option(help: "How deep the check goes: packs or chunks.")
    var level: Level = .packs

    @Option(help: ArgumentHelp("Only this replica: 0, 1 or 2.", valueName: "number"))
    var replica: Int?

    @Option(help: ArgumentHelp("Only what this recovery point needs.", valueName: "rp"))
    var point: PointName?

    @Flag(help: "Heal damaged files from good copies.")
    var repair = false

    @Option(
        help: ArgumentHelp(
            "Skip copies read within this time: 90s, 30m, 12h, 7d.", valueName: "time"),
        transform: TimeSpan.parse)
    var maxAge: TimeSpan?

    @Option(
        help: ArgumentHelp("Begin no pack after this long: 90s, 30m, 12h, 7d.", valueName: "time"),
        transform: TimeSpan.parse)
    var maxDuration: TimeSpan?

    @OptionGroup var progress: ProgressOptions
    @OptionGroup var global: GlobalOptions

    func run() throws {
        let subscription = try global.subscription()
        let request = Verification(
            vault: vault, point: point?.reference, level: level == .packs ? .packs : .chunks,
            replica: replica, maxAge: maxAge?.nanoseconds, maxDuration: maxDuration?.nanoseconds,
            repairs: repair)
        let report = try progress.shown(as: "verifying", subscription, global) {
            operations throws(KuraError) in try operations.verify(request)
        }
        progress.printStages(
            report.stages, seconds: report.seconds,
            threads: progress.threads ?? Threads.processorCount)
        try show(report)
        for warning in report.warnings { Terminal.warn(warning) }
        var exit: EarlyExit?
        if !report.damaged.isEmpty || !report.warnings.isEmpty { exit = .warnings }
        if !report.remaining.isEmpty { exit = .damage }
        for absence in report.absences {
            exit = EarlyExit.worse(exit, tell(absence, json: global.json))
        }
        if let exit { throw exit }
    }

    private func show(_ report: VerificationReport) throws {
        var lines = report.damaged.map { "damaged: \($0.text(separator: "\n  "))" }
        let what = report.chunks > 0 ? ", \(Units.count(report.chunks)) chunks decoded" : ""
        lines.append(
            "read \(Units.count(UInt64(report.packs))) copies of packs\(what), "
                + "\(Units.bytes(report.bytes)) in \(Units.duration(report.seconds)) "
                + "(\(Units.rate(report.bytes, seconds: report.seconds)))")
        if report.copies > 0 {
            let oldest =
                report.oldestVerified.map { "the oldest on \(Units.local($0))" }
                ?? "some never"
            let within = maxAge == nil ? "" : " within the time asked for"
            lines.append(
                "proven good\(within): \(Units.count(UInt64(report.provenCopies))) of "
                    + "\(Units.count(UInt64(report.copies))) copies "
                    + "(\(Units.percent(UInt64(report.provenCopies), of: UInt64(report.copies)))), "
                    + oldest)
        }
        lines.append(conclusion(report))
        try global.show(
            text: lines.joined(separator: "\n"), ids: report.damaged.map(\.place),
            json: [
                "packs": JSON(report.packs), "chunks": .number(report.chunks),
                "bytes": .number(report.bytes), "seconds": .fraction(report.seconds),
                "skipped": JSON(report.skipped), "copies": JSON(report.copies),
                "proven_copies": JSON(report.provenCopies),
                "oldest_verified": JSON(report.oldestVerified.map(Units.utc)),
                "damaged": .array(report.damaged.map { DamageView($0).json() }),
            ])
    }

    private func conclusion(_ report: VerificationReport) -> String {
        let remaining = report.remaining.count
        let healed = report.damaged.count - remaining
        if report.damaged.isEmpty {
            return report.absences.isEmpty
                ? "no damage was found" : "no damage was found in what could be read"
        }
        if remaining == 0 { return "\(healed) damaged, all healed" }
        let count =
            healed > 0
            ? "\(healed) healed, \(remaining) still damaged" : "\(remaining) damaged"
        guard repair else {
            return count + "; to heal what can be healed, run: kura verify --repair"
        }
        guard report.remaining.contains(where: { $0.kind == .dangling }) else { return count }
        return """
            \(count)
            recovery points with missing chunks become whole when a backup stores those chunks
            again: back up every item now; to drop a point that stays damaged, run:
            kura prune --drop RP
            """
    }
}
