import ArgumentParser
import KuraFormat
import KuraIO
import KuraOperations
import KuraVault
import SystemPackage

struct InventoryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inventory", abstract: "Where virtual machines are discovered.",
        discussion: Help.flowing(
            """
            The folder has REGION/CLOUD-SERVICE/VM/ folders with disk images. A vm.json in such a
            folder can describe the machine. Disks lie in the folder of their machine, or where
            --allow lets all machines have disks. Symbolic links are not followed.

            EXAMPLES
              kura inventory set /srv/machines
              kura inventory set /srv/machines --allow /var/lib/images --allow /dev/vg0
            """),
        subcommands: [InventorySetCommand.self, InventoryShowCommand.self])
}

struct InventorySetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Name the folder.",
        discussion: Help.examples(
            "kura inventory set /srv/machines"))

    @Argument(help: ArgumentHelp("The folder.", valueName: "dir"))
    var directory: String

    @Option(
        help: ArgumentHelp(
            "A directory, an image or a block device that disks may be in, besides. Replaces "
                + "what was allowed before.", valueName: "dir"))
    var allow: [String] = []

    @Flag(help: "Allow nothing besides.")
    var allowNone = false

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let subscription = try global.subscription()
        let allowed = allow.isEmpty && !allowNone ? nil : allow.map { FilePath($0) }
        let path = try subscription.setInventory(FilePath(directory), allowing: allowed)
        try InventoryView(
            text: "virtual machines are discovered in \(path)", path: path,
            allowed: subscription.allowedDisks()
        ).show(global)
    }
}

struct InventoryShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show the folder.",
        discussion: Help.examples(
            "kura inventory show"))

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let subscription = try global.subscription()
        let path = try subscription.inventory()
        try InventoryView(
            text: path?.string ?? "no folder is set; name one with: kura inventory set DIR",
            path: path, allowed: subscription.allowedDisks()
        ).show(global)
    }
}

private struct InventoryView {
    var text: String
    var path: FilePath?
    var allowed: [FilePath]

    func show(_ global: GlobalOptions) throws {
        let lines = [text] + allowed.map { "disks may also be in \($0)" }
        try global.show(
            text: lines.joined(separator: "\n"), ids: path.map { [$0.string] } ?? [],
            json: [
                "inventory": JSON(path?.string),
                "allowed": .array(allowed.map { .string($0.string) }),
            ])
    }
}

struct CatalogCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "catalog", abstract: "The home's list of what its regions hold.",
        subcommands: [CatalogRebuildCommand.self])
}

struct CatalogRebuildCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rebuild", abstract: "Make a new catalog from the directories of regions.",
        discussion: Help.flowing(
            """
            Everything comes back, except the history of jobs. The name of the inventory folder
            comes from the old catalog; where that cannot be read, a warning says so. One replica
            of each region is enough; Kura finds the others beside it. With --replica, a kura.json
            that is damaged is made anew, too. Old files are kept beside the new ones.

            EXAMPLES
              kura catalog rebuild
              kura --home /srv/kura catalog rebuild --replica /mnt/a/replica-0
            """))

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "Replica directories; by default those the home knows.", valueName: "dir"))
    var replica: [String] = []

    @OptionGroup var progress: ProgressOptions
    @OptionGroup var global: GlobalOptions

    func run() throws {
        let meter = Progress()
        let reporter = ProgressReporter(
            "rebuilding", meter, style: progress.style(global), unit: "recovery points")
        defer { reporter.stop() }
        let (_, report) = try Operations.rebuildCatalog(
            home: global.homePath(), replicas: replica.map { FilePath($0) },
            context: global.context(progress: meter))
        reporter.stop()
        try global.show(
            text: "\(Units.count(report.regions.count, "region")), "
                + "\(Units.count(report.vaults, "vault")), "
                + "\(Units.count(report.items, "registered machine")), "
                + "\(Units.count(report.points, "recovery point"))"
                + (report.inventory.map { "\nvirtual machines are discovered in \($0)" } ?? "")
                + (report.setAside.map {
                    "\nthe old catalog, with the history of jobs, is \($0)"
                } ?? "") + (report.homeSetAside.map { "\nthe damaged file is \($0)" } ?? ""),
            ids: report.regions,
            json: [
                "regions": .array(report.regions.map(JSON.string)), "vaults": JSON(report.vaults),
                "items": JSON(report.items), "policies": JSON(report.policies),
                "recovery_points": JSON(report.points), "set_aside": JSON(report.setAside?.string),
                "home_set_aside": JSON(report.homeSetAside?.string),
                "inventory": JSON(report.inventory?.string),
                "warnings": .array(report.warnings.map { .string($0.text) }),
            ])
        for warning in report.warnings { Terminal.warn(warning) }
        if !report.warnings.isEmpty { throw EarlyExit.warnings }
    }
}

struct AuditCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "Show who changed what in a vault.",
        discussion: Help.flowing(
            """
            Each entry has the hash of the one before it, so that a change or a removal
            is noticed: --verify checks the chain.

            EXAMPLES
              kura audit --vault gold
              kura audit --verify
            """))

    @Option(help: ArgumentHelp("The vault; by default all.", valueName: "name"))
    var vault: String?

    @Flag(help: "Check that the chain is whole.")
    var verify = false

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let operations = try global.operations()
        let trail = try operations.auditTrail(ofVault: vault, verifies: verify)
        var table = Table([
            ("vault", .left), ("entry", .right), ("time", .left), ("who", .left),
            ("operation", .left), ("what", .left),
        ])
        for found in trail.entries {
            let entry = found.entry
            table.add([
                found.vault, "\(entry.sequence)", Units.local(entry.time), entry.actor,
                entry.operation,
                entry.subject.isEmpty ? Self.shortened(entry.note) : entry.subject,
            ])
        }
        for found in trail.problems {
            Terminal.warn("vault \(found.vault): \(found.problem.message)")
        }
        for damage in trail.damage { Terminal.warn("\(damage.place): \(damage.detail)") }
        let (count, problems) = (trail.entries.count, trail.problems.count)
        let summary =
            "\(count) \(count == 1 ? "entry" : "entries"): "
            + (problems == 0 ? "the chain is whole" : Units.count(problems, "problem"))
        try global.show(
            text: verify
                ? summary : table.text(shortening: ["vault", "who", "operation", "what"]),
            json: [
                "entries": .array(trail.entries.map(json)),
                "problems": .array(
                    trail.problems.map { found in
                        [
                            "vault": .string(found.vault),
                            "sequence": .number(found.problem.sequence),
                            "message": .string(found.problem.message),
                        ]
                    }),
                "verified": .bool(verify && problems == 0),
            ])
        try finish(
            operations.subscription, vault: vault, json: global.json,
            exit: problems > 0 ? .damage : nil)
    }

    /// Ids with their first digits, as everywhere in tables.
    private static func shortened(_ note: String) -> String {
        note.split(separator: " ", omittingEmptySubsequences: false).map { word in
            let digits = word.prefix { "0123456789abcdef".contains($0) }
            return digits.count >= 32
                ? String(digits.prefix(8)) + word.dropFirst(digits.count)
                : String(word)
        }.joined(separator: " ")
    }

    private func json(_ found: AuditEntry) -> JSON {
        let entry = found.entry
        return [
            "id": .string(found.id.hex), "vault": .string(found.vault),
            "sequence": .number(entry.sequence), "previous": JSON(entry.previous?.hex),
            "time": .string(Units.utc(entry.time)), "actor": .string(entry.actor),
            "operation": .string(entry.operation), "subject": .string(entry.subject),
            "before": .string(entry.before), "after": .string(entry.after),
            "note": .string(entry.note),
        ]
    }
}
