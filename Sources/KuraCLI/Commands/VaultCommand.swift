import ArgumentParser
import KuraFormat
import KuraIO
import KuraOperations
import KuraPolicy
import KuraStore
import KuraVault

struct VaultCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vault", abstract: "Make and look at vaults.",
        subcommands: [
            VaultCreateCommand.self, VaultListCommand.self, VaultShowCommand.self,
            VaultSetRedundancyCommand.self, VaultDeleteCommand.self,
        ])
}

struct VaultCreateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Make a vault.",
        discussion: """
            EXAMPLES
              kura vault create gold
              kura vault create strict --min-copies 3
              kura vault create bench --copies 1
              kura vault create gold --region japaneast --redundancy ra-grs
            """)

    @Argument(help: "2 to 50 letters, digits and hyphens, a letter first.")
    var name: String

    @Option(help: ArgumentHelp("The region that holds it.", valueName: "name"))
    var region = Subscription.defaultRegion

    @Option(help: "lrs, zrs, grs or ra-grs; by default grs when the region has a pair, else lrs.")
    var redundancy: RedundancyName?

    @Option(help: "Replicas that hold it, 1 to 3; by default all of the region.")
    var copies: Int?

    @Option(
        help: ArgumentHelp(
            "Replicas that must hold a backup: with 2 a missing one is a warning, with 3 an error.",
            valueName: "number"))
    var minCopies: Int?

    @Option(help: "Rules for policies and machines: classic or modern.")
    var profile = PolicyLimits.classic.profile

    @OptionGroup var global: GlobalOptions

    func validate() throws {
        guard PolicyLimits.all.contains(where: { $0.profile == profile }) else {
            throw ValidationError("--profile takes classic or modern, not \(profile)")
        }
    }

    func run() throws {
        let isLocal = region == Subscription.defaultRegion
        let subscription = try global.subscription(create: isLocal ? .defaults : .home)
        let vault = try subscription.createVault(
            name: name, region: region, redundancy: redundancy?.value,
            copies: copies, minCopies: minCopies,
            profile: PolicyLimits.all.first { $0.profile == profile } ?? .classic)
        let view = try VaultView(vault, subscription)
        let pair = view.place.passiveName.map { ", and as many in \($0)" } ?? ""
        try global.show(
            text: "vault \(vault.record.name) in region \(vault.region.name), "
                + "\(vault.record.redundancy.name): \(vault.record.copies) "
                + "\(vault.record.copies == 1 ? "copy" : "copies")\(pair)",
            ids: [vault.record.name], json: view.json())
    }
}

struct VaultListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List vaults.", aliases: ["ls"])

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let subscription = try global.subscription(create: .defaultsIfEmpty)
        let views = try subscription.vaults().map { try VaultView($0, subscription) }
        var table = Table([
            ("name", .left), ("region", .left), ("pair", .left), ("redundancy", .left),
            ("copies", .right), ("items", .right), ("points", .right), ("stored", .right),
            ("state", .left),
        ])
        for view in views {
            table.add([
                view.vault.record.name, view.place.activeName, view.place.passiveName ?? "-",
                view.vault.record.redundancy.name, "\(view.vault.record.copies)",
                "\(view.items.count)", "\(view.pointCount)",
                Units.bytes(view.statistics.storedBytes), view.state,
            ])
        }
        try global.show(
            text: table.text, ids: views.map(\.vault.record.name),
            json: ["vaults": .array(views.map { $0.json() })])
        try warnAboutRegions(subscription)
    }
}

struct VaultShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show one vault.")

    @Argument var name: String

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let isDefault = name == Subscription.defaultVault
        let subscription = try global.subscription(
            create: isDefault ? .defaults : .nothing)
        let vault = try subscription.vault(named: name)
        let view = try VaultView(vault, subscription)
        let record = vault.record
        var lines = [
            "vault            \(record.name)",
            "state            \(view.state)",
            "region           \(view.place.activeName)"
                + (vault.record.failedOver ? ", failed over" : ""),
            "paired region    \(view.place.passiveName ?? "none")",
            "redundancy       \(record.redundancy.name), \(record.copies) copies, "
                + "\(record.minCopies) at least",
            "chunker          \(record.chunker.rawValue), mean \(record.chunkBytesMean) bytes",
            "created          \(Units.local(record.created))",
            "items            \(view.items.count)",
            "recovery points  \(view.pointCount)",
            "stored, one copy \(Units.bytes(view.statistics.storedBytes))",
        ]
        for replica in vault.region.replicas.prefix(Int(record.copies)) {
            let problem = vault.region.problems[replica.ordinal]
            lines.append(
                "replica \(replica.ordinal)        \(problem?.message ?? replica.place)")
        }
        try global.show(
            text: lines.joined(separator: "\n"), ids: [record.name], json: view.json())
        if let notice = view.place.notice { Terminal.warn(notice) }
    }
}

/// A vault as commands show it.
struct VaultView {
    let vault: Vault
    let place: VaultPlace
    let items: Set<String>
    let pointCount: Int
    let statistics: Statistics

    init(_ vault: Vault, _ subscription: Subscription) throws {
        self.vault = vault
        place = subscription.place(of: vault)
        let points = try subscription.pointCounts(of: vault)
        items = try Set(points.keys).union(subscription.settings(of: vault).items.keys)
        pointCount = points.values.reduce(0, +)
        statistics = try vault.statistics()
    }

    var state: String {
        if place.isContested { return "Contested" }
        let isWhole = vault.problems.isEmpty && vault.region.id == place.record.activeRegion
        return isWhole ? "Active" : "Degraded"
    }

    func json() -> JSON {
        [
            "id": .string(vault.id.hex), "name": .string(vault.record.name),
            "region": .string(place.activeName), "pair": JSON(place.passiveName),
            "failed_over": .bool(vault.record.failedOver),
            "redundancy": .string(vault.record.redundancy.name), "state": .string(state),
            "copies": JSON(Int(vault.record.copies)),
            "min_copies": JSON(Int(vault.record.minCopies)), "items": JSON(items.count),
            "recovery_points": JSON(pointCount),
            "stored_bytes": .number(statistics.storedBytes),
            "chunker": .string(vault.record.chunker.rawValue),
            "chunk_bytes_mean": .number(UInt64(vault.record.chunkBytesMean)),
            "created": .string(Units.utc(vault.record.created)),
        ]
    }
}

struct VaultDeleteCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Delete a vault that has nothing in it any more.",
        discussion: """
            Refused while virtual machines are registered or recovery points are left; says what is
            in the way, and which command removes it.
            """)

    @Argument var name: String

    @Flag(help: "Delete recovery points of items that are no virtual machines, too. No way back.")
    var withPoints = false

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let operations = try global.operations()
        let place = try operations.subscription.place(named: name)
        try operations.deleteVault(place, withPoints: withPoints)
        try global.show(
            text: "deleted vault \(place.name)", ids: [place.name],
            json: ["deleted": .string(place.name)])
    }
}
