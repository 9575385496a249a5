import ArgumentParser
import KuraFormat
import KuraIO
import KuraReplication
import KuraStore
import KuraVault

struct RegionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "region", abstract: "Make and look at regions; fail over and back.",
        subcommands: [
            RegionAddCommand.self, RegionListCommand.self, RegionShowCommand.self,
            RegionStatusCommand.self, RegionFailoverCommand.self, RegionFailbackCommand.self,
        ])
}

struct RegionAddCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Add a region.",
        discussion: """
            A region has up to three replica directories, each best on a disk of its own. Regions
            with the names of Azure's are paired as Azure pairs them, as soon as both are here.
            Directories that are replicas of the region already are taken up as they are.

            EXAMPLES
              kura region add japaneast --replica /mnt/a --replica /mnt/b --replica /mnt/c
              kura region add japanwest
              kura region add tokyo --pair osaka
              kura region add japaneast --recreate
            """)

    @Argument(help: "2 to 50 lower-case letters, digits and hyphens, a letter first.")
    var name: String

    @Option(
        help: ArgumentHelp(
            "A replica directory, up to three times; by default three in the home.",
            valueName: "dir"))
    var replica: [String] = []

    @Option(help: ArgumentHelp("The region that vaults are copied to.", valueName: "region"))
    var pair: String?

    @Flag(help: "Give a region whose directories are all lost new, empty ones.")
    var recreate = false

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let subscription = try global.subscription(create: .home).addRegion(
            Subscription.NewRegion(
                name: name, replicas: replica, pair: pair, recreate: recreate))
        let view = try RegionView(subscription.region(named: name), subscription)
        try global.show(text: view.text, ids: [name], json: view.json)
        for problem in view.region.problems.compactMap({ $0 }) { Terminal.warn(problem.message) }
    }
}

struct RegionListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List regions.", aliases: ["ls"])

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let subscription = try global.subscription()
        let views = try subscription.regions.map { try RegionView($0, subscription) }
        var table = Table([
            ("name", .left), ("pair", .left), ("replicas", .right), ("vaults", .left),
        ])
        for view in views {
            table.add([
                view.region.name, view.pair ?? "-",
                "\(view.region.available.count) of \(view.region.replicas.count)",
                view.vaults.map(\.name).joined(separator: ", "),
            ])
        }
        try global.show(
            text: table.text, ids: views.map(\.region.name),
            json: ["regions": .array(views.map(\.json))])
        try warnAboutRegions(subscription)
    }
}

struct RegionShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show one region.")

    @Argument var name: String

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let subscription = try global.subscription()
        let view = try RegionView(subscription.region(named: name), subscription)
        try global.show(text: view.text, ids: [name], json: view.json)
    }
}

/// A region as commands show it.
struct RegionView {
    let region: Region
    let pair: String?
    /// Vaults that are active here, or copied here.
    let vaults: [VaultPlace]

    init(_ region: Region, _ subscription: Subscription) throws {
        self.region = region
        pair = subscription.pairs[region.name]
        vaults = try subscription.places().filter {
            $0.record.activeRegion == region.id || $0.record.passiveRegion == region.id
        }
    }

    private func role(_ place: VaultPlace) -> String {
        place.record.activeRegion == region.id ? "active" : "copy"
    }

    var text: String {
        var lines = [
            "region          \(region.name)",
            "identifier      \(region.id)",
            "pair            \(pair ?? "none")",
        ]
        for replica in region.replicas {
            let problem = region.problems[replica.ordinal]
            lines.append(
                "replica \(replica.ordinal)       \(problem?.message ?? replica.place)")
        }
        for place in vaults {
            lines.append(
                "vault           \(place.name), \(place.record.redundancy.name), \(role(place))")
        }
        return lines.joined(separator: "\n")
    }

    var json: JSON {
        [
            "name": .string(region.name), "id": .string(region.id.hex), "pair": JSON(pair),
            "replicas": .array(
                region.replicas.map { replica in
                    let problem = region.problems[replica.ordinal]
                    return [
                        "replica": JSON(replica.ordinal), "path": .string(replica.place),
                        "state": problem == nil ? "available" : "missing",
                        "problem": JSON(problem?.message),
                    ]
                }),
            "vaults": .array(
                vaults.map { place in
                    [
                        "vault": .string(place.name), "role": .string(role(place)),
                        "redundancy": .string(place.record.redundancy.name),
                    ]
                }),
        ]
    }
}

struct RegionStatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show how far behind the paired regions are.",
        discussion: """
            Measured, not promised: which recovery points the paired region of each vault lacks now,
            and how old the oldest of them is. That is what would be lost with the active region.

            EXAMPLES
              kura region status
              kura region status japaneast --json
            """)

    @Argument(help: "Only vaults that are in this region.")
    var name: String?

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let subscription = try global.subscription()
        let region = try name.map { try subscription.region(named: $0) }
        let lags = try subscription.places().filter { place in
            guard let region else { return true }
            return [place.record.activeRegion, place.record.passiveRegion].contains(region.id)
        }.map { try subscription.lag(of: $0) }
        var table = Table([
            ("vault", .left), ("redundancy", .left), ("active", .left), ("pair", .left),
            ("waiting", .right), ("bytes", .right), ("oldest waiting", .left),
            ("rpo now", .right), ("last replicated", .left),
        ])
        for lag in lags { table.add(Self.row(lag)) }
        try global.show(
            text: table.text, ids: lags.map(\.place.name),
            json: ["vaults": .array(lags.map(Self.json))])
        try warnAboutRegions(subscription)
    }

    private static func row(_ lag: VaultLag) -> [String] {
        let place = lag.place
        guard let pair = place.passiveName else {
            return [place.name, place.record.redundancy.name, place.activeName]
                + ["-", "-", "-", "-", "-", "-"]
        }
        let age = lag.recoveryPointObjective.map { Units.duration(Double($0) / 1e9) }
        return [
            place.name, place.record.redundancy.name,
            place.activeName + (place.record.failedOver ? " (failed over)" : ""), pair,
            lag.waiting.map { "\($0.count)" } ?? "unknown", Units.bytes(lag.waitingBytes),
            lag.waiting?.first.map { Units.local($0.time) } ?? "-", age ?? "unknown",
            lag.lastReplicated.map(Units.local) ?? "never",
        ]
    }

    private static func json(_ lag: VaultLag) -> JSON {
        let place = lag.place
        let isPaired = place.passiveName != nil
        let oldest = lag.waiting?.first
        return [
            "vault": .string(place.name), "region": .string(place.activeName),
            "pair": JSON(place.passiveName),
            "redundancy": .string(place.record.redundancy.name),
            "failed_over": .bool(place.record.failedOver),
            "waiting_points": lag.waiting.map { JSON($0.count) } ?? .null,
            "waiting_bytes": .number(lag.waitingBytes),
            "waiting": .array((lag.waiting ?? []).map(ReplicationView.json)),
            "oldest_waiting": oldest.map(ReplicationView.json) ?? .null,
            "rpo_seconds": isPaired
                ? lag.recoveryPointObjective.map { .fraction(Double($0) / 1e9) } ?? .null : .null,
            "last_replicated": JSON(lag.lastReplicated.map(Units.utc)),
            "region_reachable": .bool(place.isActiveReachable),
            "pair_reachable": .bool(place.isPassiveReachable),
        ]
    }
}
