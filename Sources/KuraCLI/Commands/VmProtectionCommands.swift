import ArgumentParser
import KuraFormat
import KuraIO
import KuraOperations
import KuraPolicy
import KuraVault
import SystemPackage

struct VmProtectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "protect", abstract: "Give registered machines a policy, one job each.",
        discussion: Help.flowing(
            """
            EXAMPLES
              kura vm protect web-1 --policy DefaultPolicy
              kura vm protect db-1 --policy gold --exclude-lun 3
            """))

    @Argument(help: ArgumentHelp("NAME or CLOUD-SERVICE/NAME.", valueName: "name"))
    var names: [String]

    @Option(help: ArgumentHelp("A policy of the vault.", valueName: "name"))
    var policy: String

    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp("Back up only this data disk; may be given again.", valueName: "lun"))
    var includeLun: [Int] = []

    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp("Leave out this data disk; may be given again.", valueName: "lun"))
    var excludeLun: [Int] = []

    @OptionGroup var options: MachineOptions
    @OptionGroup var global: GlobalOptions

    func validate() throws { try DiskChoice.check(includeLun, excludeLun) }

    func run() throws {
        let operations = try global.operations()
        try OutcomeView(done: "protected").show(
            operations.protect(
                names, cloudService: options.cloudService, policy: policy, vault: options.vault,
                disks: DiskChoice.of(includeLun, excludeLun)), global)
    }
}

/// Disks by their logical unit numbers: those named, or all but those named.
enum DiskChoice {
    static func check(_ included: [Int], _ excluded: [Int]) throws {
        guard included.isEmpty || excluded.isEmpty else {
            throw ValidationError("choose either --include-lun or --exclude-lun")
        }
    }

    /// Nil for all disks.
    static func of(_ included: [Int], _ excluded: [Int]) -> ItemState.DiskChoice? {
        if !included.isEmpty { return .init(isExclusion: false, luns: included) }
        return excluded.isEmpty ? nil : .init(isExclusion: true, luns: excluded)
    }
}

struct VmBackupCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup", abstract: "Back up protected machines now.",
        discussion: Help.examples(
            "kura vm backup db-1 web/web-1",
            "kura vm backup db-1 --retain-until 2026-12-31"))

    @Argument(help: ArgumentHelp("NAME or CLOUD-SERVICE/NAME.", valueName: "name"))
    var names: [String]

    @Option(help: ArgumentHelp("Keep the points until this day.", valueName: "yyyy-mm-dd"))
    var retainUntil: String?

    @Flag(help: "Take disks that have less than half the bytes they had before, or none.")
    var allowShrink = false

    @OptionGroup var options: MachineOptions
    @OptionGroup var progress: ProgressOptions
    @OptionGroup var global: GlobalOptions

    func validate() throws {
        guard let retainUntil else { return }
        if let day = LocalDate(retainUntil), RetentionSimulation.years ~= day.parts.year { return }
        throw ValidationError("--retain-until takes a day such as 2027-01-31, not \(retainUntil)")
    }

    func run() throws {
        let subscription = try global.subscription()
        var occasion = BackupOccasion.onDemand
        occasion.allowsShrinking = allowShrink
        if let day = retainUntil.flatMap({ LocalDate($0) }) {
            occasion.retainUntil = PolicyZone.utc.instant(of: day, second: 0)
        }
        var outcomes: [MachineOutcome] = []
        for name in names where !Interrupts.cancellation.isCancelled {
            outcomes.append(
                try progress.shown(as: "backing up", of: name, subscription, global) {
                    [occasion] operations throws(KuraError) in
                    operations.backUp(
                        name, cloudService: options.cloudService, vault: options.vault, occasion)
                })
        }
        try OutcomeView(done: "backed up").show(outcomes, global)
    }
}

struct VmRestoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore", abstract: "Restore a machine's disks into a folder.",
        discussion: Help.flowing(
            """
            Writes the disks under their own names, and a vm.json, so that the folder can be used as
            a machine of the inventory. Existing files are never overwritten.

            EXAMPLES
              kura vm restore web-1 --output /tmp/web-1
              kura vm restore web-1 --point 3f2a --new-name copy --output /srv/machines/east/lab
              kura vm restore web-1 --exclude-lun 3 --output /tmp/web-1
            """))

    @Argument(help: ArgumentHelp("NAME or CLOUD-SERVICE/NAME.", valueName: "name"))
    var name: String

    @Option(help: ArgumentHelp("The recovery point; by default the newest.", valueName: "rp"))
    var point: PointName?

    @Option(
        name: [.customShort("o"), .long], help: ArgumentHelp("The folder.", valueName: "dir"))
    var output: String

    @OptionGroup var rights: RightsOptions

    @Option(help: ArgumentHelp("A new name: a folder of its own in --output.", valueName: "name"))
    var newName: String?

    @Option(
        name: [.customLong("include-lun"), .customLong("lun")], parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "Restore only this disk; may be given again; -1 is the system disk.", valueName: "lun"))
    var includeLun: [Int] = []

    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp("Leave out this disk; may be given again.", valueName: "lun"))
    var excludeLun: [Int] = []

    @OptionGroup var options: MachineOptions
    @OptionGroup var progress: ProgressOptions
    @OptionGroup var global: GlobalOptions

    func validate() throws {
        guard !output.isEmpty else { throw ValidationError("--output is empty") }
        try DiskChoice.check(includeLun, excludeLun)
    }

    func run() throws {
        let subscription = try global.subscription()
        var request = MachineRestore(
            name, cloudService: options.cloudService, vault: options.vault, point: point?.reference,
            to: FilePath(output), newName: newName, disks: DiskChoice.of(includeLun, excludeLun))
        request.outputUser = rights.user
        let asked = request
        let report = try progress.shown(as: "restoring", of: name, subscription, global) {
            operations throws(KuraError) in try operations.restoreMachine(asked)
        }
        let lines = report.outputs.map { output in
            "restored \(output.disk) to \(output.path): \(Units.bytes(output.report.bytesWritten))"
        }
        try global.show(
            text: lines.joined(separator: "\n"), ids: report.outputs.map(\.path.string),
            json: [
                "item": .string(report.item), "job": .string(report.job),
                "recovery_point": .string(report.point.hex),
                "bytes_written": .number(report.outputs.reduce(0) { $0 + $1.report.bytesWritten }),
                "data_bytes": .number(report.outputs.reduce(0) { $0 + $1.report.dataBytes }),
                "outputs": .array(
                    report.outputs.map { output in
                        ["disk": .string(output.disk), "path": .string(output.path.string)]
                    }),
            ])
        for warning in report.warnings { Terminal.warn(warning) }
        if !report.warnings.isEmpty { throw EarlyExit.warnings }
    }
}

struct VmStopCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop", abstract: "Stop protecting machines.",
        discussion: Help.flowing(
            """
            --retain (the default) keeps every recovery point until it is deleted; --per-policy
            drops points as the policy says, except the newest; --delete-data deletes all of them,
            which kura vm undelete takes back for 14 days.

            EXAMPLES
              kura vm stop db-1
              kura vm stop db-1 --delete-data --comment "decommissioned"
            """))

    @Argument(help: ArgumentHelp("NAME or CLOUD-SERVICE/NAME.", valueName: "name"))
    var names: [String]

    @Flag(help: "Keep every recovery point.")
    var retain = false
    @Flag(help: "Drop recovery points as the policy says, except the newest.")
    var perPolicy = false
    @Flag(help: "Delete every recovery point.")
    var deleteData = false
    @Flag(help: "With --delete-data: the next kura prune removes the data; it cannot be undone.")
    var atOnce = false
    @Option(help: ArgumentHelp("Why; it is kept in the audit journal.", valueName: "text"))
    var comment: String?

    @OptionGroup var options: MachineOptions
    @OptionGroup var global: GlobalOptions

    func validate() throws {
        guard [retain, perPolicy, deleteData].count(where: { $0 }) <= 1 else {
            throw ValidationError("choose one of --retain, --per-policy, --delete-data")
        }
        guard deleteData || !atOnce else {
            throw ValidationError("--at-once goes with --delete-data")
        }
    }

    func run() throws {
        let operations = try global.operations()
        let kind: Operations.StopKind =
            if deleteData {
                atOnce ? .deleteDataAtOnce : .deleteData
            } else {
                perPolicy ? .perPolicy : .retain
            }
        try OutcomeView(done: deleteData ? "deleted the backup data of" : "stopped").show(
            names.map {
                operations.stopProtection(
                    $0, cloudService: options.cloudService, kind, comment: comment,
                    vault: options.vault)
            }, global)
    }
}

struct VmResumeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Protect machines again.",
        discussion: Help.examples(
            "kura vm resume db-1 --policy gold"))

    @Argument(help: ArgumentHelp("NAME or CLOUD-SERVICE/NAME.", valueName: "name"))
    var names: [String]

    @Option(help: ArgumentHelp("A policy of the vault.", valueName: "name"))
    var policy: String

    @Flag(help: "Show which points would be dropped, and change nothing.")
    var dryRun = false

    @OptionGroup var options: MachineOptions
    @OptionGroup var global: GlobalOptions

    func run() throws {
        let operations = try global.operations()
        guard dryRun else {
            return try OutcomeView(done: "protected").show(
                names.map {
                    operations.resume(
                        $0, cloudService: options.cloudService, policy: policy,
                        vault: options.vault)
                }, global)
        }
        var decisions: [RetentionPreview] = []
        for name in names {
            decisions.append(
                try operations.previewResume(
                    name, cloudService: options.cloudService, policy: policy,
                    vault: options.vault))
        }
        try PreviewView(previews: decisions).show(global)
    }
}

struct VmUndeleteCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "undelete", abstract: "Bring deleted backup data back.",
        discussion: Help.examples(
            "kura vm undelete db-1"))

    @Argument(help: ArgumentHelp("NAME or CLOUD-SERVICE/NAME.", valueName: "name"))
    var names: [String]

    @OptionGroup var options: MachineOptions
    @OptionGroup var global: GlobalOptions

    func run() throws {
        let operations = try global.operations()
        try OutcomeView(done: "brought back").show(
            names.map {
                operations.undelete(
                    $0, cloudService: options.cloudService, vault: options.vault)
            }, global)
    }
}

/// Which points would go, before anything is changed.
struct PreviewView {
    let previews: [RetentionPreview]

    func show(_ global: GlobalOptions) throws {
        let dropped = previews.flatMap(\.dropped)
        let kept = previews.reduce(0) { $0 + $1.decisions.count } - dropped.count
        var lines = dropped.map { decision in
            "would drop \(decision.id.short) of \(decision.item), \(Units.local(decision.time))"
        }
        lines.append(
            "\(Units.count(dropped.count, "recovery point")) would be dropped, \(kept) kept")
        try global.show(
            text: lines.joined(separator: "\n"), ids: dropped.map(\.id.hex),
            json: [
                "dry_run": true, "kept": JSON(kept),
                "dropped": .array(
                    dropped.map { decision in
                        [
                            "id": .string(decision.id.hex), "item": .string(decision.item),
                            "time": .string(Units.utc(decision.time)),
                        ]
                    }),
            ])
    }
}
