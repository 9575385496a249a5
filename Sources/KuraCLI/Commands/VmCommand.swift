import ArgumentParser
import KuraFormat
import KuraIO
import KuraMachines
import KuraOperations
import KuraVault

struct VmCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vm", abstract: "Discover, register, protect and back up virtual machines.",
        discussion: Help.flowing(
            """
            EXAMPLES
              kura inventory set /srv/machines
              kura vm discover
              kura vm register web-1 db-1
              kura vm protect web-1 db-1 --policy DefaultPolicy
              kura vm backup web-1
              kura vm restore web-1 --output /tmp/web-1
            """),
        subcommands: [
            VmDiscoverCommand.self, VmListCommand.self, VmRegisterCommand.self,
            VmUnregisterCommand.self, VmProtectCommand.self, VmBackupCommand.self,
            VmRestoreCommand.self, VmStopCommand.self, VmResumeCommand.self,
            VmUndeleteCommand.self,
        ])
}

/// Options of commands about named machines.
struct MachineOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The cloud service, where several machines have the name.", valueName: "name"))
    var cloudService: String?

    @Option(help: ArgumentHelp("The vault; needed where a region has several.", valueName: "name"))
    var vault: String?
}

/// Shows what became of several machines; one that failed does not hide the others.
struct OutcomeView {
    let done: String

    func show(_ outcomes: [MachineOutcome], _ global: GlobalOptions) throws {
        let good = outcomes.filter { $0.error == nil }
        let lines = good.map { outcome in
            "\(done) \(outcome.item ?? outcome.name)"
                + (outcome.job.map { " (job \($0.prefix(8)))" } ?? "")
                + (outcome.report.map { ": recovery point \($0.id.short)" } ?? "")
        }
        try global.show(
            text: lines.joined(separator: "\n"),
            ids: good.compactMap { $0.report?.id.hex ?? $0.job },
            json: ["results": .array(outcomes.map(json))])
        for outcome in outcomes {
            for warning in outcome.warnings {
                Terminal.warn("\(outcome.item ?? outcome.name): \(warning.text)")
            }
        }
        let errors = outcomes.compactMap { outcome in outcome.error.map { (outcome.name, $0) } }
        if let (_, error) = errors.first {
            for (name, error) in errors.dropFirst() {
                Terminal.error("\(name): \(error.message)", remedy: error.remedy?.text)
            }
            throw error
        }
        if outcomes.contains(where: { !$0.warnings.isEmpty }) { throw EarlyExit.warnings }
    }

    private func json(_ outcome: MachineOutcome) -> JSON {
        var members: [String: JSON] = [
            "name": .string(outcome.name), "item": JSON(outcome.item), "job": JSON(outcome.job),
            "warnings": .array(outcome.warnings.map { .string($0.text) }),
            "error": outcome.error.map { error in
                [
                    "code": .string(error.code.rawValue), "message": .string(error.message),
                    "remedy": JSON(error.remedy?.text),
                ]
            } ?? .null,
        ]
        if let report = outcome.report {
            members["recovery_point"] = .string(report.id.hex)
            members["consistency"] = .string(report.point.consistency.name)
            members["tags"] = .array(report.point.tags.map(JSON.string))
            members["logical_bytes"] = .number(report.point.counts.logicalBytes)
            members["new_bytes"] = .number(report.point.counts.newBytes)
            members["stored_bytes"] = .number(report.point.storedBytes)
            members["seconds"] = .fraction(report.seconds)
        }
        return .object(members)
    }
}

struct VmDiscoverCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "discover", abstract: "Look for virtual machines in the inventory folder.",
        discussion: Help.examples(
            "kura vm discover"))

    @Option(help: ArgumentHelp("Show the machines of this vault's region.", valueName: "name"))
    var vault: String?

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let subscription = try global.subscription()
        let region = try vault.map { try subscription.place(named: $0).homeRegionName }
        let report = try Operations(subscription, global.context()).discover()
        let machines = report.machines.filter { region == nil || $0.region == region }
        var lines = [
            "\(Units.count(report.machines.count, "virtual machine")): \(report.new.count) new, "
                + "\(report.changed.count) changed, \(report.vanished.count) gone"
                + (region.map { "; in \($0): \(machines.count)" } ?? "")
        ]
        for (word, keys) in [
            ("new", report.new), ("changed", report.changed), ("gone", report.vanished),
        ] {
            for key in keys where region == nil || key.region == region {
                lines.append("  \(word): \(key.cloudService)/\(key.name) in \(key.region)")
            }
        }
        let names = { (keys: [String]) in JSON.array(keys.map(JSON.string)) }
        try global.show(
            text: lines.joined(separator: "\n"), ids: machines.map(\.name),
            json: [
                "virtual_machines": names(machines.map { "\($0.cloudService)/\($0.name)" }),
                "new": names(report.new.map { "\($0.cloudService)/\($0.name)" }),
                "changed": names(report.changed.map { "\($0.cloudService)/\($0.name)" }),
                "vanished": names(report.vanished.map { "\($0.cloudService)/\($0.name)" }),
                "problems": .array(
                    report.problems.map { problem in
                        ["path": .string(problem.path), "message": .string(problem.message)]
                    }),
            ])
        for problem in report.problems { Terminal.warn("\(problem.path): \(problem.message)") }
        if !report.problems.isEmpty { throw EarlyExit.warnings }
    }
}

struct VmListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List virtual machines and their protection.",
        discussion: Help.examples(
            "kura vm list --protectable"),
        aliases: ["ls"])

    @Flag(help: "Also machines that are not registered (the default).")
    var all = false
    @Flag(help: "Only registered machines.")
    var registered = false
    @Flag(help: "Only protected machines.")
    var protected = false
    @Flag(help: "Only machines that can be protected: registered and not yet protected.")
    var protectable = false

    @Option(help: ArgumentHelp("Only this vault and its region.", valueName: "name"))
    var vault: String?

    @OptionGroup var global: GlobalOptions

    func validate() throws {
        guard [all, registered, protected, protectable].count(where: { $0 }) <= 1 else {
            throw ValidationError("choose one of --all, --registered, --protected, --protectable")
        }
    }

    func run() throws {
        let subscription = try global.subscription()
        let filter: MachineFilter =
            registered ? .registered : protected ? .protected : protectable ? .protectable : .all
        let rows = try subscription.machineRows(filter, vault: vault)
        var table = Table([
            ("name", .left), ("cloud service", .left), ("region", .left), ("vault", .left),
            ("policy", .left), ("last backup", .left), ("next run", .left), ("points", .right),
            ("status", .left),
        ])
        for row in rows {
            table.add([
                row.name, row.cloudService, row.region, row.vault ?? "-", row.policy ?? "-",
                row.lastBackup.map(Units.local) ?? "-",
                row.nextRun.map(Units.local) ?? "-", "\(row.points)",
                row.status + (row.isOverdue ? ", backup overdue" : "")
                    + (row.isGone ? " (machine gone)" : "")
                    + (row.deletedUntil.map { ", until \(Units.local($0))" } ?? ""),
            ])
        }
        // Machines of one name are told apart by their cloud services.
        let isNameEnough = Set(rows.map(\.name)).count == rows.count
        try global.show(
            text: table.text(
                shortening: ["name", "cloud service", "vault", "policy"],
                leavingOut: ["points", "region"] + (isNameEnough ? ["cloud service"] : [])
                    + ["policy", "vault", "next run", "last backup"]),
            ids: rows.map(\.item),
            json: ["virtual_machines": .array(rows.map(json))])
        try finish(subscription, vault: vault, json: global.json)
    }

    private func json(_ row: MachineRow) -> JSON {
        [
            "name": .string(row.name), "cloud_service": .string(row.cloudService),
            "region": .string(row.region), "item": .string(row.item), "vault": JSON(row.vault),
            "status": .string(row.status), "policy": JSON(row.policy),
            "last_backup": JSON(row.lastBackup.map(Units.utc)), "points": JSON(row.points),
            "disks": JSON(row.disks), "deleted_until": JSON(row.deletedUntil.map(Units.utc)),
            "comment": JSON(row.comment), "gone": .bool(row.isGone),
            "next_run": JSON(row.nextRun.map(Units.utc)), "overdue": .bool(row.isOverdue),
        ]
    }
}

struct VmRegisterCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "register", abstract: "Register machines with a vault, one job each.",
        discussion: Help.examples(
            "kura vm register db-1 web/web-1"))

    @Argument(help: ArgumentHelp("NAME or CLOUD-SERVICE/NAME.", valueName: "name"))
    var names: [String]

    @OptionGroup var options: MachineOptions
    @OptionGroup var global: GlobalOptions

    func run() throws {
        let operations = try global.operations()
        try OutcomeView(done: "registered").show(
            operations.register(
                names, cloudService: options.cloudService, vault: options.vault), global)
    }
}

struct VmUnregisterCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unregister",
        abstract: "Remove machines without backup data from their vault.",
        discussion: Help.examples(
            "kura vm unregister db-1"))

    @Argument(help: ArgumentHelp("NAME or CLOUD-SERVICE/NAME.", valueName: "name"))
    var names: [String]

    @OptionGroup var options: MachineOptions
    @OptionGroup var global: GlobalOptions

    func run() throws {
        let operations = try global.operations()
        try OutcomeView(done: "unregistered").show(
            names.map {
                operations.unregister(
                    $0, cloudService: options.cloudService, vault: options.vault)
            }, global)
    }
}
