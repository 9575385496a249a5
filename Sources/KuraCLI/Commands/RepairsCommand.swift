import ArgumentParser
import KuraFormat
import KuraOperations
import KuraStore
import KuraVault

struct RepairsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "repairs", abstract: "Show what was healed, and in which directory.",
        discussion: """
            Every file that was healed is a line of the vault's ledger. A directory that needs
            repair again and again is on a disk that dies.

            EXAMPLES
              kura repairs
              kura repairs --vault gold --json
            """)

    @Option(help: ArgumentHelp("The vault; by default all.", valueName: "name"))
    var vault: String?

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let subscription = try global.subscription()
        let vaults = try vault.map { [try subscription.vault(named: $0)] } ?? subscription.vaults()
        var lines = Table([
            ("time", .left), ("vault", .left), ("replica", .right), ("damage", .left),
            ("healed from", .left), ("size", .right), ("file", .left),
        ])
        var totals = Table([
            ("vault", .left), ("replica", .right), ("repairs", .right), ("missing", .right),
            ("size", .right), ("last", .left), ("directory", .left),
        ])
        var repairs: [JSON] = []
        var counters: [JSON] = []
        for vault in vaults {
            let ledger = try vault.repairs()
            for record in ledger {
                lines.add([
                    Units.local(record.time), vault.record.name, "\(record.replica)",
                    record.damage.name, record.source.name, Units.bytes(record.byteCount),
                    record.path,
                ])
                repairs.append(Self.json(record, vault))
            }
            for counter in vault.counters(ledger) {
                let path = vault.region.replicas[counter.replica].place
                totals.add([
                    vault.record.name, "\(counter.replica)", "\(counter.repairs)",
                    "\(counter.missing)", Units.bytes(counter.bytes),
                    counter.last.map(Units.local) ?? "never", path,
                ])
                counters.append(Self.json(counter, vault, path))
            }
        }
        let ledger = repairs.isEmpty ? "nothing was ever repaired" : lines.text
        try global.show(
            text: ledger + "\n\n" + totals.text,
            json: ["repairs": .array(repairs), "counters": .array(counters)])
        for vault in vaults {
            for damage in vault.damage { Terminal.warn(damage.text()) }
        }
        if vaults.contains(where: { !$0.damage.isEmpty }) { throw EarlyExit.warnings }
    }

    private static func json(_ record: RepairRecord, _ vault: Vault) -> JSON {
        [
            "time": .string(Units.utc(record.time)), "vault": .string(vault.record.name),
            "region": .string(
                record.region == vault.region.id ? vault.region.name : record.region.hex),
            "replica": JSON(Int(record.replica)), "path": .string(record.path),
            "kind": .string(record.damage.name), "source": .string(record.source.name),
            "bytes": .number(record.byteCount),
        ]
    }

    private static func json(_ counter: RepairCounter, _ vault: Vault, _ path: String) -> JSON {
        [
            "vault": .string(vault.record.name), "region": .string(vault.region.name),
            "replica": JSON(counter.replica), "path": .string(path),
            "repairs": JSON(counter.repairs), "missing": JSON(counter.missing),
            "bytes": .number(counter.bytes), "last": JSON(counter.last.map(Units.utc)),
        ]
    }
}
