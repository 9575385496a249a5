import ArgumentParser
import KuraIO
import KuraOperations
import KuraPolicy
import KuraVault
import SystemPackage

struct PolicyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy", abstract: "When backups are made, and how long they are kept.",
        discussion: Help.flowing(
            """
            EXAMPLES
              kura policy create gold --file gold.json
              kura policy create simple --time 23:00 --time-zone Asia/Tokyo --daily 30
              kura policy simulate --file gold.json --from 2026-01-01 --days 365
              kura policy update gold --file gold.json --dry-run
              kura policy assign gold web-1 db-1
            """),
        subcommands: [
            PolicyCreateCommand.self, PolicyListCommand.self, PolicyShowCommand.self,
            PolicyUpdateCommand.self, PolicyDeleteCommand.self, PolicyAssignCommand.self,
            PolicySimulateCommand.self,
        ])
}

/// The vault that a policy belongs to.
struct PolicyVaultOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The vault; by default \(Subscription.defaultVault), or the only one there is.",
            valueName: "name"))
    var vault: String?

    func open(_ global: GlobalOptions) throws -> (Operations, VaultPlace) {
        let operations = try global.operations()
        return (operations, try operations.chosenVault(named: vault))
    }
}

/// A policy as a file, or as flags.
struct PolicyDefinition: ParsableArguments {
    @Option(help: ArgumentHelp("A policy file in JSON; - for standard input.", valueName: "path"))
    var file: String?

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp("When backups are made; may be given again.", valueName: "hh:mm"))
    var time: [String] = []

    @Option(help: ArgumentHelp("An IANA name such as Asia/Tokyo.", valueName: "name"))
    var timeZone: String?

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp("Back up on this weekday only; may be given again.", valueName: "day"))
    var day: [String] = []

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Keep each day's point for this many days.", valueName: "days"))
    var daily: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Keep each week's point for this many weeks.", valueName: "weeks"))
    var weekly: Int?

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp("The day of a week's point; by default sunday.", valueName: "day"))
    var weeklyDay: [String] = []

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Keep each month's point for this many months.", valueName: "months"))
    var monthly: Int?

    @Option(
        help: ArgumentHelp(
            "The day of a month's point: \"last sunday\" (the default), \"1\", \"last\".",
            valueName: "day"))
    var monthlyOn: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Keep each year's point for this many years.", valueName: "years"))
    var yearly: Int?

    @Option(
        help: ArgumentHelp(
            "The day of a year's point; by default \"first sunday of january\".",
            valueName: "day"))
    var yearlyOn: String?

    @Flag(
        inversion: .prefixedNo,
        help: "Let a later point count for a date without a backup (the default).")
    var substitute: Bool?

    var isEmpty: Bool {
        file == nil && time.isEmpty && day.isEmpty && timeZone == nil && daily == nil
            && weekly == nil && weeklyDay.isEmpty && monthly == nil && monthlyOn == nil
            && yearly == nil && yearlyOn == nil && substitute == nil
    }

    /// - Parameters:
    ///   - name: of the policy; nil for the one in the file.
    ///   - old: the policy that flags change; nil for a new one. A file replaces all of it.
    func policy(named name: String?, changing old: Policy? = nil) throws -> Policy {
        if let file {
            let bytes = try Self.contents(file)
            do throws(PolicyError) {
                var policy = try Policy.parse(bytes)
                if let name { policy.name = name }
                try policy.validate()
                return policy
            } catch {
                throw Self.storeError(error, in: file == "-" ? "standard input" : file)
            }
        }
        return try fromFlags(name ?? "policy", old)
    }

    private static func storeError(
        _ error: PolicyError, in source: String = "policy"
    ) -> KuraError {
        // Of the whole file and of the name, the rule says it all.
        let field = ["policy", "name"].contains(error.field) ? "" : "\(error.field): "
        return KuraError(
            .invalidInput, "\(source): \(field)\(error.rule)",
            remedy: error.allowed.isEmpty ? nil : .advice("allowed: \(error.allowed)"),
            cause: error)
    }

    private static func contents(_ path: String) throws(KuraError) -> [UInt8] {
        guard path != "-" else {
            return try Terminal.readInput(atMost: Policy.documentBytesMax + 1)
        }
        do throws(IOError) {
            return try LocalFileSystem().contents(
                FilePath(path), max: Policy.documentBytesMax + 1)
        } catch {
            throw KuraError(
                .invalidInput, "the policy file cannot be read: \(error)",
                remedy: .advice("name a file in JSON of \(Policy.documentBytesMax) bytes at most"),
                cause: error)
        }
    }

    /// Flags become the same document that a file has, so that both go through the same checks.
    private func fromFlags(_ name: String, _ old: Policy?) throws -> Policy {
        var document = (old.map { JSON($0.tree) } ?? [:]).members
        var schedule =
            document["schedule"]?.members
            ?? ["frequency": "daily", "times": ["23:00"]]
        var retention = document["retention"]?.members ?? [:]
        document["name"] = .string(old?.name ?? name)
        document["time_zone"] = timeZone.map(JSON.string) ?? document["time_zone"] ?? "UTC"
        if let substitute { document["substitute_missed"] = .bool(substitute) }
        if !time.isEmpty { schedule["times"] = .array(time.map(JSON.string)) }
        if !day.isEmpty {
            schedule["frequency"] = "weekly"
            schedule["days"] = .array(day.map(JSON.string))
            retention["daily"] = nil
        }
        if let daily { retention["daily"] = ["count": Self.count(daily)] }
        if old == nil, daily == nil, day.isEmpty { retention["daily"] = ["count": 30] }
        retention["weekly"] = weeklyRule(retention["weekly"]?.members)
        retention["monthly"] = try Self.rule(
            changing: retention["monthly"]?.members, count: monthly, on: monthlyOn,
            standard: "last sunday", isYearly: false)
        retention["yearly"] = try Self.rule(
            changing: retention["yearly"]?.members, count: yearly, on: yearlyOn,
            standard: "first sunday of january", isYearly: true)
        document["schedule"] = .object(schedule)
        document["retention"] = .object(retention)
        let text = JSON.object(document).text(pretty: false)
        do throws(PolicyError) {
            let policy = try Policy.parse(Array(text.utf8))
            try policy.validate()
            return policy
        } catch {
            throw Self.storeError(error)
        }
    }

    private static func count(_ value: Int) -> JSON { .number(UInt64(max(0, value))) }

    /// - Parameter old: the rule that flags change; nil where there is none.
    private func weeklyRule(_ old: [String: JSON]?) -> JSON? {
        guard old != nil || weekly != nil || !day.isEmpty else { return nil }
        var rule = old ?? ["count": 12, "days": ["sunday"]]
        if let weekly { rule["count"] = Self.count(weekly) }
        let days = weeklyDay.isEmpty ? day : weeklyDay
        if !days.isEmpty { rule["days"] = .array(days.map(JSON.string)) }
        return .object(rule)
    }

    private static func rule(
        changing old: [String: JSON]?, count: Int?, on text: String?, standard: String,
        isYearly: Bool
    ) throws -> JSON? {
        guard old != nil || count != nil else {
            guard text == nil else {
                throw ValidationError(
                    isYearly
                        ? "--yearly-on goes with --yearly" : "--monthly-on goes with --monthly")
            }
            return nil
        }
        var rule =
            try text.map { try day($0, isYearly: isYearly) }
            ?? old ?? day(standard, isYearly: isYearly)
        rule["count"] = count.map(Self.count) ?? old?["count"]
        return .object(rule)
    }

    /// "last sunday", "15", "last"; for a year followed by "of january".
    private static func day(_ text: String, isYearly: Bool) throws -> [String: JSON] {
        var words = text.lowercased().split(separator: " ").map(String.init)
        var members: [String: JSON] = [:]
        if isYearly {
            guard let place = words.firstIndex(of: "of"), place + 1 < words.count else {
                throw ValidationError(
                    "--yearly-on takes a day and a month, such as \"first sunday of january\"")
            }
            members["months"] = .array(words[(place + 1)...].map(JSON.string))
            words = Array(words[..<place])
        }
        switch words.count {
        case 1:
            members["dates"] = [UInt64(words[0]).map(JSON.number) ?? .string(words[0])]
        case 2:
            members["weeks"] = [.string(words[0])]
            members["days"] = [.string(words[1])]
        default:
            throw ValidationError("\"\(text)\" is no day: use \"last sunday\", \"15\" or \"last\"")
        }
        return members
    }
}

struct PolicyCreateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Make a policy.",
        discussion: Help.examples(
            "kura policy create gold --file gold.json",
            "kura policy create simple --time 23:00 --time-zone Asia/Tokyo --daily 30",
            "kura policy create year --weekly 104 --monthly 120 --yearly 99 --vault tokyo"))

    @Argument(help: "3 to 150 letters, digits and - _ !, a letter first.")
    var name: String

    @OptionGroup var definition: PolicyDefinition
    @OptionGroup var options: PolicyVaultOptions
    @OptionGroup var global: GlobalOptions

    func run() throws {
        let policy = try definition.policy(named: name)
        let (operations, place) = try options.open(global)
        let made = try operations.createPolicy(policy, in: place)
        try global.show(
            text: "policy \(policy.name) in vault \(place.name): \(policy.summary)",
            ids: [policy.name],
            json: PolicyView.json(made))
    }
}

struct PolicyListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the policies of a vault.",
        discussion: Help.examples(
            "kura policy list --vault tokyo"), aliases: ["ls"])

    @OptionGroup var options: PolicyVaultOptions
    @OptionGroup var global: GlobalOptions

    func run() throws {
        let (operations, place) = try options.open(global)
        let policies = try operations.policies(in: place)
        var table = Table([("name", .left), ("machines", .right), ("rules", .left)])
        for found in policies {
            table.add([found.policy.name, "\(found.items.count)", found.policy.summary])
        }
        try global.show(
            text: table.text, ids: policies.map(\.policy.name),
            json: ["policies": .array(policies.map(PolicyView.json))])
        try finish(operations.subscription, vault: place.name, json: global.json)
    }
}

struct PolicyShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show a policy, in the form of a policy file.",
        discussion: Help.flowing(
            """
            Standard output is a policy file, also with --json. What else there is to say of the
            policy goes to standard error.

            EXAMPLES
              kura policy show gold
              kura policy show gold > gold.json
            """))

    @Argument var name: String

    @OptionGroup var options: PolicyVaultOptions
    @OptionGroup var global: GlobalOptions

    func run() throws {
        let (operations, place) = try options.open(global)
        let found = try operations.policy(named: name, in: place)
        if !global.json, !global.quiet {
            // Standard output has the policy file alone, so that it can be one.
            let machines = found.items.isEmpty ? "none" : found.items.joined(separator: ", ")
            Terminal.note(
                "vault \(place.name): \(found.policy.summary); machines: \(machines)", .note,
                json: false)
        }
        try global.show(
            text: JSON(found.policy.tree).text(pretty: true), ids: [found.policy.name],
            json: PolicyView.json(found))
        try finish(operations.subscription, vault: place.name, json: global.json)
    }
}

struct PolicyUpdateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "update",
        abstract: "Change the rules of a policy. They apply to existing points, too.",
        discussion: Help.flowing(
            """
            Flags change what they name and leave the rest; a file replaces the policy.

            EXAMPLES
              kura policy update gold --daily 60 --dry-run
              kura policy update gold --file gold.json
            """))

    @Argument var name: String

    @Flag(help: "Show which points would be dropped, and change nothing.")
    var dryRun = false

    @OptionGroup var definition: PolicyDefinition
    @OptionGroup var options: PolicyVaultOptions
    @OptionGroup var global: GlobalOptions

    func run() throws {
        guard !definition.isEmpty else {
            throw ValidationError("name what to change: --file, or flags such as --daily")
        }
        let (operations, place) = try options.open(global)
        let old = try operations.policy(named: name, in: place).policy
        let policy = try definition.policy(named: name, changing: old)
        if dryRun {
            return try PreviewView(
                previews: [operations.previewUpdate(ofPolicy: name, to: policy, in: place)]
            ).show(global)
        }
        let changed = try operations.updatePolicy(named: name, to: policy, in: place)
        let lines =
            ["policy \(changed.policy.name): \(changed.policy.summary)"] + Self.losses(changed)
        try global.show(
            text: lines.joined(separator: "\n"),
            ids: [changed.policy.name],
            json: PolicyView.json(changed).merging([
                "going": .array(
                    changed.going.map { ["item": .string($0.item), "points": JSON($0.points)] }),
                "next_prune": JSON(changed.nextPrune.map(Units.utc)),
            ]))
    }

    /// What goes because of the change, and when.
    private static func losses(_ changed: PolicyReport) -> [String] {
        guard !changed.going.isEmpty else { return [] }
        var lines = changed.going.map { item, count in
            "\(Units.count(count, "recovery point")) of \(item) will go at the next prune"
        }
        if let next = changed.nextPrune {
            lines.append("the scheduler prunes this vault at \(Units.local(next)) or soon after")
        }
        if changed.asksFirst {
            lines.append(
                "they stay until you confirm that prune, because the policy keeps less now")
        }
        return lines + ["to see which, run: kura prune --dry-run"]
    }
}

struct PolicyDeleteCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Delete a policy that protects no machine.",
        discussion: Help.examples(
            "kura policy delete gold"))

    @Argument var name: String

    @OptionGroup var options: PolicyVaultOptions
    @OptionGroup var global: GlobalOptions

    func run() throws {
        let (operations, place) = try options.open(global)
        try operations.deletePolicy(named: name, in: place)
        try global.show(
            text: "deleted policy \(name)", ids: [name], json: ["deleted": .string(name)])
    }
}

struct PolicyAssignCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "assign", abstract: "Give protected machines another policy.",
        discussion: Help.examples(
            "kura policy assign gold web-1 db-1"))

    @Argument(help: "The policy.")
    var name: String

    @Argument(help: ArgumentHelp("NAME or CLOUD-SERVICE/NAME.", valueName: "vm"))
    var machines: [String]

    @OptionGroup var options: MachineOptions
    @OptionGroup var global: GlobalOptions

    func run() throws {
        let operations = try global.operations()
        try OutcomeView(done: "assigned \(name) to").show(
            operations.assignPolicy(
                name, to: machines, cloudService: options.cloudService, vault: options.vault),
            global)
    }
}

struct PolicySimulateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Show which points a policy would make and keep. Changes nothing.",
        discussion: Help.examples(
            "kura policy simulate --file gold.json --from 2026-01-01 --days 365",
            "kura policy simulate --daily 7 --from 2026-01-01 --days 60 --missed 2026-01-04"
        ))

    @OptionGroup var definition: PolicyDefinition

    @Option(help: ArgumentHelp("The first day.", valueName: "yyyy-mm-dd"))
    var from: String

    @Option(help: "How many days.")
    var days: Int

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp("A day without a backup; may be given again.", valueName: "yyyy-mm-dd"))
    var missed: [String] = []

    @OptionGroup var global: GlobalOptions

    func validate() throws {
        for day in [from] + missed where LocalDate(day) == nil {
            throw ValidationError("\(day) is no day such as 2026-01-31")
        }
        guard 1...RetentionSimulation.daysMax ~= days else {
            throw ValidationError("--days takes 1 to \(RetentionSimulation.daysMax), not \(days)")
        }
        let end = LocalDate(from)?.adding(days: days).parts.year ?? 0
        guard let first = LocalDate(from)?.parts.year, RetentionSimulation.years ~= first,
            RetentionSimulation.years ~= end
        else { throw ValidationError("days from 1970 to 2199 can be simulated") }
    }

    func run() throws {
        let policy = try definition.policy(named: nil)
        guard let first = LocalDate(from) else { return }
        let result = RetentionSimulation.run(
            policy, from: first, days: days, missed: Set(missed.compactMap { LocalDate($0) }))
        var table = Table([("time", .left), ("tags", .left), ("expires", .left)])
        for point in result.kept {
            table.add([
                Units.utc(point.time), point.tags.map(\.rawValue).joined(separator: ", "),
                point.expires.map(Units.utc) ?? "-",
            ])
        }
        try global.show(
            text: "\(policy.summary)\n\(Units.count(result.points.count, "point")) in "
                + "\(Units.count(days, "day")), left at the end: \(result.kept.count)\n"
                + table.text,
            ids: result.kept.map { Units.utc($0.time) },
            json: [
                "points": .array(
                    result.points.map { point in
                        PolicyView.json(point).merging([
                            "expires": JSON(point.expires.map(Units.utc))
                        ])
                    }),
                "kept": .array(result.kept.map(PolicyView.json)),
            ])
    }
}

enum PolicyView {
    static func json(_ found: PolicyReport) -> JSON {
        JSON(found.policy.tree).merging([
            "summary": .string(found.policy.summary),
            "virtual_machines": .array(found.items.map(JSON.string)),
        ])
    }

    static func json(_ point: RetentionSimulation.Point) -> JSON {
        [
            "time": .string(Units.utc(point.time)),
            "tags": .array(point.tags.map { .string($0.rawValue) }),
        ]
    }
}
