import ArgumentParser
import KuraOperations
import KuraVault

struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Look at what backups depend on, and say what to do.",
        discussion: Help.flowing(
            """
            EXAMPLES
              kura doctor
              kura doctor --json
            """))

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let checks = try global.operations().examine()
        var table = Table([("check", .left), ("status", .left), ("detail", .left)])
        for check in checks { table.add([check.name, check.status.rawValue, check.detail]) }
        let remedies = checks.compactMap { check in
            check.remedy.map { "  \(check.name): \($0.text)" }
        }
        let advice = remedies.isEmpty ? "" : "\n\nwhat to do:\n" + remedies.joined(separator: "\n")
        try global.show(
            text: table.text + advice, ids: checks.filter { $0.status != .ok }.map(\.name),
            json: [
                "checks": .array(
                    checks.map { check in
                        [
                            "name": .string(check.name), "status": .string(check.status.rawValue),
                            "detail": .string(check.detail), "remedy": JSON(check.remedy?.text),
                        ]
                    })
            ])
        if checks.contains(where: { $0.status == .absent }) { throw EarlyExit.damage }
        if checks.contains(where: { $0.status == .failed }) { throw EarlyExit.failure }
        if checks.contains(where: { $0.status == .warning }) { throw EarlyExit.warnings }
    }
}
