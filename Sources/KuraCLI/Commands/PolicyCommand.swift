import ArgumentParser
import KuraIO
import KuraPolicy
import KuraStore
import KuraVault
import SystemPackage

struct PolicyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy", abstract: "When backups are made, and how long they are kept.",
        discussion: """
            EXAMPLES
              kura policy create gold --file gold.json
              kura policy create simple --time 23:00 --time-zone Asia/Tokyo --daily 30
              kura policy simulate --file gold.json --from 2026-01-01 --days 365
              kura policy update gold --file gold.json --dry-run
              kura policy assign gold web-1 db-1
            """,
        subcommands: [
            PolicyCreateCommand.self, PolicyListCommand.self, PolicyShowCommand.self,
            PolicyUpdateCommand.self, PolicyDeleteCommand.self, PolicyAssignCommand.self,
            PolicySimulateCommand.self,
        ])
}

/// The vault that a policy belongs to.
struct PolicyVaultOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The vault.", valueName: "name"))
    var vault = Subscription.defaultVault

    func open(_ global: GlobalOptions) throws -> (Subscription, VaultPlace) {
        let isDefault = vault == Subscription.defaultVault
        let subscription = try global.subscription(create: isDefault ? .defaults : .nothing)
        return (subscription, try subscription.place(named: vault))
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
        help: ArgumentHelp("Back up on this weekday only, and others so named.", valueName: "day"))
    var day: [String] = []

    @Option(help: ArgumentHelp("Keep a day's point for so many days.", valueName: "days"))
    var daily: Int?

    @Option(help: ArgumentHelp("Keep a week's point for so many weeks.", valueName: "weeks"))
    var weekly: Int?

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp("A week's point is this day's; by default sunday's.", valueName: "day"))
    var weeklyDay: [String] = []

    @Option(help: ArgumentHelp("Keep a month's point for so many months.", valueName: "months"))
    var monthly: Int?

    @Option(
        help: ArgumentHelp(
            "A month's point: \"last sunday\", \"1\" or \"last\".", valueName: "day"))
    var monthlyOn = "last sunday"

    @Option(help: ArgumentHelp("Keep a year's point for so many years.", valueName: "years"))
    var yearly: Int?

    @Option(
        help: ArgumentHelp(
            "A year's point: \"first sunday of january\".", valueName: "day"))
    var yearlyOn = "first sunday of january"

    @Flag(help: "Do not let a later point stand in for a date without a backup.")
    var noSubstitute = false

    var isEmpty: Bool {
        file == nil && time.isEmpty && day.isEmpty && timeZone == nil && daily == nil
            && weekly == nil && monthly == nil && yearly == nil && !noSubstitute
    }

    /// - Parameter name: of the policy; nil for the one in the file.
    func policy(named name: String?) throws -> Policy {
        if let file {
            let bytes = try Self.contents(file)
            do throws(PolicyError) {
                var policy = try Policy.parse(bytes)
                if let name { policy.name = name }
                try policy.validate()
                return policy
            } catch {
                throw Self.storeError(error)
            }
        }
        return try fromFlags(name ?? "policy")
    }

    private static func storeError(_ error: PolicyError) -> StoreError {
        StoreError(
            .invalidInput, "policy: \(error.field): \(error.rule)",
            remedy: error.allowed.isEmpty ? nil : "allowed: \(error.allowed)")
    }

    private static func contents(_ path: String) throws(StoreError) -> [UInt8] {
        do throws(IOError) {
            if path == "-" {
                return try LocalFileSystem().contents(
                    "/dev/stdin", max: Policy.documentBytesMax + 1)
            }
            return try LocalFileSystem().contents(
                FilePath(path), max: Policy.documentBytesMax + 1)
        } catch {
            throw StoreError(
                .invalidInput, "the policy file cannot be read: \(error)",
                remedy: "name a file in JSON of \(Policy.documentBytesMax) bytes at most")
        }
    }

    /// Flags become the same document that a file has, so that both go through the same checks.
    private func fromFlags(_ name: String) throws -> Policy {
        var schedule: [String: JSON] = [
            "frequency": .string(day.isEmpty ? "daily" : "weekly"),
            "times": .array((time.isEmpty ? ["23:00"] : time).map(JSON.string)),
        ]
        if !day.isEmpty { schedule["days"] = .array(day.map(JSON.string)) }
        var retention: [String: JSON] = [:]
        if let daily { retention["daily"] = ["count": .number(UInt64(max(0, daily)))] }
        if daily == nil, day.isEmpty { retention["daily"] = ["count": 30] }
        if let weekly = weekly ?? (day.isEmpty ? nil : 12) {
            let days = weeklyDay.isEmpty ? (day.isEmpty ? ["sunday"] : day) : weeklyDay
            retention["weekly"] = [
                "count": .number(UInt64(max(0, weekly))), "days": .array(days.map(JSON.string)),
            ]
        }
        if let monthly { retention["monthly"] = try Self.rule(monthly, monthlyOn, isYearly: false) }
        if let yearly { retention["yearly"] = try Self.rule(yearly, yearlyOn, isYearly: true) }
        let document: JSON = [
            "name": .string(name), "time_zone": .string(timeZone ?? "UTC"),
            "schedule": .object(schedule), "retention": .object(retention),
            "substitute_missed": .bool(!noSubstitute),
        ]
        let text = try document.text(pretty: false)
        do throws(PolicyError) {
            let policy = try Policy.parse(Array(text.utf8))
            try policy.validate()
            return policy
        } catch {
            throw Self.storeError(error)
        }
    }

    /// "last sunday", "15", "last"; for a year followed by "of january".
    private static func rule(_ count: Int, _ text: String, isYearly: Bool) throws -> JSON {
        var words = text.lowercased().split(separator: " ").map(String.init)
        var members: [String: JSON] = ["count": .number(UInt64(max(0, count)))]
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
        return .object(members)
    }
}

struct PolicyCreateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Make a policy.")

    @Argument(help: "3 to 150 letters, digits and - _ !, a letter first.")
    var name: String

    @OptionGroup var definition: PolicyDefinition
    @OptionGroup var options: PolicyVaultOptions
    @OptionGroup var global: GlobalOptions

    func run() throws {
        let policy = try definition.policy(named: name)
        let (subscription, place) = try options.open(global)
        let vault = try place.writing()
        try subscription.createPolicy(policy, in: vault)
        try global.show(
            text: "policy \(policy.name): \(policy.summary)", ids: [policy.name],
            json: PolicyView.json(policy, items: []))
    }
}

struct PolicyListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the policies of a vault.", aliases: ["ls"])

    @OptionGroup var options: PolicyVaultOptions
    @OptionGroup var global: GlobalOptions

    func run() throws {
        let (subscription, place) = try options.open(global)
        let settings = try subscription.settings(of: place.reading())
        let policies = settings.policies.values.map(\.policy).sorted { $0.name < $1.name }
        var table = Table([("name", .left), ("machines", .right), ("rules", .left)])
        for policy in policies {
            table.add([
                policy.name, "\(settings.items(with: policy.name).count)", policy.summary,
            ])
        }
        try global.show(
            text: table.text, ids: policies.map(\.name),
            json: [
                "policies": .array(policies.map {
                    PolicyView.json($0, items: settings.items(with: $0.name))
                })
            ])
    }
}

struct PolicyShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show a policy, as the file that makes it.")

    @Argument var name: String

    @OptionGroup var options: PolicyVaultOptions
    @OptionGroup var global: GlobalOptions

    func run() throws {
        let (subscription, place) = try options.open(global)
        let vault = try place.reading()
        let state = try subscription.policy(named: name, in: vault)
        let items = try subscription.settings(of: vault).items(with: state.policy.name)
        try global.show(
            text: """
                \(state.policy.summary)
                machines  \(items.isEmpty ? "none" : items.joined(separator: ", "))
                \(state.policy.document)
                """,
            ids: [state.policy.name], json: PolicyView.json(state.policy, items: items))
    }
}

struct PolicyUpdateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "update",
        abstract: "Give a policy other rules. Points that are there are judged by them, too.")

    @Argument var name: String

    @Flag(help: "Show which points would go, and do nothing.")
    var dryRun = false

    @OptionGroup var definition: PolicyDefinition
    @OptionGroup var options: PolicyVaultOptions
    @OptionGroup var global: GlobalOptions

    func run() throws {
        guard !definition.isEmpty else {
            throw ValidationError("say what is to change: --file, or flags such as --daily")
        }
        let (subscription, place) = try options.open(global)
        let policy = try definition.policy(named: name)
        if dryRun {
            return try PreviewView(
                previews: [
                    subscription.previewUpdate(of: name, to: policy, in: place.reading())
                ]).show(global)
        }
        let vault = try place.writing()
        try subscription.updatePolicy(named: name, to: policy, in: vault)
        let state = try subscription.policy(named: name, in: vault)
        let items = try subscription.settings(of: vault).items(with: state.policy.name)
        try global.show(
            text: "policy \(state.policy.name): \(state.policy.summary)", ids: [state.policy.name],
            json: PolicyView.json(state.policy, items: items))
    }
}

struct PolicyDeleteCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Delete a policy that protects no machine.")

    @Argument var name: String

    @OptionGroup var options: PolicyVaultOptions
    @OptionGroup var global: GlobalOptions

    func run() throws {
        let (subscription, place) = try options.open(global)
        try subscription.deletePolicy(named: name, in: place.writing())
        try global.show(
            text: "deleted policy \(name)", ids: [name], json: ["deleted": .string(name)])
    }
}

struct PolicyAssignCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "assign", abstract: "Give protected machines another policy.")

    @Argument(help: "The policy.")
    var name: String

    @Argument(help: ArgumentHelp("NAME or CLOUD-SERVICE/NAME.", valueName: "vm"))
    var machines: [String]

    @OptionGroup var options: MachineOptions
    @OptionGroup var global: GlobalOptions

    func run() throws {
        let subscription = try global.subscription()
        try OutcomeView(done: "assigned \(name) to").show(
            subscription.assignPolicy(
                name, to: machines, cloudService: options.cloudService, vault: options.vault),
            global)
    }
}

struct PolicySimulateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Show which points a policy would make and keep. Touches nothing.")

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
        guard 1...Simulation.daysMax ~= days else {
            throw ValidationError("--days takes 1 to \(Simulation.daysMax), not \(days)")
        }
        let end = LocalDate(from)?.adding(days: days).parts.year ?? 0
        guard let first = LocalDate(from)?.parts.year, Simulation.years ~= first,
            Simulation.years ~= end
        else { throw ValidationError("days from 1970 to 2199 can be simulated") }
    }

    func run() throws {
        let policy = try definition.policy(named: nil)
        guard let first = LocalDate(from) else { return }
        let result = Simulation.run(
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
                "points": .array(result.points.map { point in
                    PolicyView.json(point).merging(["expires": JSON(point.expires.map(Units.utc))])
                }),
                "kept": .array(result.kept.map(PolicyView.json)),
            ])
    }
}

enum PolicyView {
    static func json(_ policy: Policy, items: [String]) -> JSON {
        JSON.parsed(policy.document).merging([
            "summary": .string(policy.summary), "virtual_machines": .array(items.map(JSON.string)),
        ])
    }

    static func json(_ point: Simulation.Point) -> JSON {
        [
            "time": .string(Units.utc(point.time)),
            "tags": .array(point.tags.map { .string($0.rawValue) }),
        ]
    }
}
