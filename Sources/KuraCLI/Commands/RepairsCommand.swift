import ArgumentParser
import KuraFormat
import KuraOperations

struct RepairsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "repairs", abstract: "Show what was healed, and in which directory.",
        discussion: Help.flowing(
            """
            The vault's ledger has a line for every file that was healed. A directory that needs
            repair again and again is on a failing disk.

            EXAMPLES
              kura repairs
              kura repairs --vault gold --json
            """))

    @Option(help: ArgumentHelp("The vault; by default all.", valueName: "name"))
    var vault: String?

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let operations = try global.operations()
        let report = try operations.repairs(ofVault: vault)
        var lines = Table([
            ("time", .left), ("vault", .left), ("replica", .right), ("damage", .left),
            ("healed from", .left), ("size", .right), ("file", .left),
        ])
        var totals = Table([
            ("vault", .left), ("replica", .right), ("repairs", .right), ("missing", .right),
            ("size", .right), ("last", .left), ("directory", .left),
        ])
        for repair in report.repairs {
            let record = repair.record
            lines.add([
                Units.local(record.time), repair.vault, "\(record.replica)", record.damage.name,
                record.source.name, Units.bytes(record.byteCount), record.path,
            ])
        }
        for counter in report.counters {
            totals.add([
                counter.vault, "\(counter.replica)", "\(counter.repairs)", "\(counter.missing)",
                Units.bytes(counter.bytes), counter.last.map(Units.local) ?? "never", counter.path,
            ])
        }
        let ledger =
            report.repairs.isEmpty
            ? "nothing was ever repaired"
            : lines.text(shortening: ["vault", "file"], leavingOut: ["vault", "size"])
        try global.show(
            text: ledger + "\n\n"
                + totals.text(shortening: ["vault", "directory"], leavingOut: ["missing"]),
            json: [
                "repairs": .array(report.repairs.map(Self.json)),
                "counters": .array(report.counters.map(Self.json)),
            ])
        for damage in report.damage { Terminal.warn(damage.text()) }
        try finish(
            operations.subscription, vault: vault, json: global.json,
            exit: report.damage.isEmpty ? nil : .warnings)
    }

    private static func json(_ repair: RepairListReport.Repair) -> JSON {
        let record = repair.record
        return [
            "time": .string(Units.utc(record.time)), "vault": .string(repair.vault),
            "region": .string(repair.region), "replica": JSON(Int(record.replica)),
            "path": .string(record.path), "kind": .string(record.damage.name),
            "source": .string(record.source.name), "bytes": .number(record.byteCount),
        ]
    }

    private static func json(_ counter: RepairListReport.Counter) -> JSON {
        [
            "vault": .string(counter.vault), "region": .string(counter.region),
            "replica": JSON(counter.replica), "path": .string(counter.path),
            "repairs": JSON(counter.repairs), "missing": JSON(counter.missing),
            "bytes": .number(counter.bytes), "last": JSON(counter.last.map(Units.utc)),
        ]
    }
}
