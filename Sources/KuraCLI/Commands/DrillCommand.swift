import ArgumentParser
import KuraFormat
import KuraIO
import KuraOperations
import SystemPackage

struct DrillCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drill",
        abstract: "Rehearse the loss of a region: restore from the paired one, and compare.",
        discussion: Help.flowing(
            """
            Simulates the loss of the active region: restores the newest recovery point that the
            paired region has to a scratch directory, compares it with what the active region
            restores, and reports the achieved recovery point and recovery time. It writes nothing
            to the two regions, except an entry in the audit journal and repairs of damage that it
            met. Exit code 12 means that the restored disks differ.

            EXAMPLES
              kura drill --vault gold
              kura drill --vault gold --scratch /mnt/scratch --json
            """))

    @Option(help: ArgumentHelp("The vault.", valueName: "name"))
    var vault: String

    @Option(
        help: ArgumentHelp(
            "A directory with room for the disks; by default TMPDIR or /tmp.", valueName: "dir"))
    var scratch: String?

    @OptionGroup var progress: ProgressOptions
    @OptionGroup var global: GlobalOptions

    func run() throws {
        let subscription = try global.subscription()
        let request = DrillRequest(
            vault: vault, scratch: FilePath(scratch ?? Self.temporaryDirectory))
        let report = try progress.shown(as: "restoring", subscription, global) {
            operations throws(KuraError) in try operations.drill(request)
        }
        try global.show(text: Self.text(report), ids: [report.id.hex], json: Self.json(report))
        for warning in report.warnings { Terminal.warn(warning) }
        if !report.differing.isEmpty { throw EarlyExit.damage }
        if !report.warnings.isEmpty { throw EarlyExit.warnings }
    }

    private static var temporaryDirectory: String {
        CommandContext.environment["TMPDIR"] ?? "/tmp"
    }

    private static func text(_ report: DrillReport) -> String {
        let result =
            report.differing.isEmpty
            ? (report.isCompared ? "equal" : "not compared")
            : "DIFFERENT: \(report.differing.joined(separator: ", "))"
        return """
            drill of vault \(report.vault): recovery point \(report.id.short) of \
            \(report.point.item) came back from \(report.region)
              recovery point  \(Units.duration(Double(report.lag) / 1e9)) behind the newest, \
            \(Units.duration(Double(report.age) / 1e9)) old
              recovery time   \(Units.duration(report.seconds)) for \(Units.bytes(report.bytes))
              comparison      \(result); \(report.comparison)
            """
    }

    private static func json(_ report: DrillReport) -> JSON {
        [
            "vault": .string(report.vault), "region": .string(report.region),
            "recovery_point": .string(report.id.hex), "item": .string(report.point.item),
            "time": .string(Units.utc(report.point.time)),
            "rpo_seconds": .fraction(Double(report.lag) / 1e9),
            "age_seconds": .fraction(Double(report.age) / 1e9),
            "rto_seconds": .fraction(report.seconds), "bytes": .number(report.bytes),
            "job": .string(report.job),
            "damaged": .array(report.damage.map { DamageView($0).json() }),
            "compared": .bool(report.isCompared), "comparison": .string(report.comparison),
            "differing": .array(report.differing.map(JSON.string)),
        ]
    }
}
