import ArgumentParser
import KuraFormat
import KuraOperations
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
        discussion: Help.flowing(
            """
            A region has up to three replica directories, each best on a disk of its own. Kura
            pairs regions with names of Azure regions as Azure pairs them, once the home has both.
            Directories that are already replicas of the region keep their contents.

            EXAMPLES
              kura region add japaneast --replica /mnt/a --replica /mnt/b --replica /mnt/c
              kura region add japanwest
              kura region add tokyo --pair osaka
              kura region add japaneast --recreate
            """))

    @Argument(help: "2 to 50 lower-case letters, digits and hyphens, a letter first.")
    var name: String

    @Option(
        help: ArgumentHelp(
            "A replica directory, up to three times; by default three in the home.",
            valueName: "dir"))
    var replica: [String] = []

    @Option(help: ArgumentHelp("The region that vaults are copied to.", valueName: "region"))
    var pair: String?

    @Flag(help: "Make new, empty directories for a region that lost all of its own.")
    var recreate = false

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let region = try global.operations().addRegion(
            Subscription.NewRegion(
                name: name, replicas: replica, pair: pair, recreate: recreate))
        try global.show(text: region.text, ids: [name], json: region.json)
        for problem in region.replicas.compactMap(\.problem) { Terminal.warn(problem) }
    }
}

struct RegionListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List regions.",
        discussion: Help.examples(
            "kura region list"), aliases: ["ls"])

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let operations = try global.operations()
        let regions = try operations.regions()
        var table = Table([
            ("name", .left), ("pair", .left), ("replicas", .right), ("vaults", .left),
        ])
        for region in regions {
            table.add([
                region.name, region.pair ?? "-",
                "\(region.available) of \(region.replicas.count)",
                region.vaults.map(\.name).joined(separator: ", "),
            ])
        }
        try global.show(
            text: table.text(shortening: ["vaults"]), ids: regions.map(\.name),
            json: ["regions": .array(regions.map(\.json))])
        try finish(operations.subscription, json: global.json)
    }
}

struct RegionShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show one region.",
        discussion: Help.examples(
            "kura region show japaneast"))

    @Argument var name: String

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let region = try global.operations().region(named: name)
        try global.show(text: region.text, ids: [name], json: region.json)
    }
}

extension RegionReport.Vault {
    fileprivate var role: String { isActive ? "active" : "copy" }
}

/// A region as commands show it.
extension RegionReport {
    fileprivate var text: String {
        var lines = [
            "region          \(name)",
            "identifier      \(id)",
            "pair            \(pair ?? "none")",
        ]
        for replica in replicas {
            lines.append("replica \(replica.ordinal)       \(replica.problem ?? replica.path)")
        }
        for vault in vaults {
            lines.append("vault           \(vault.name), \(vault.redundancy.name), \(vault.role)")
        }
        return lines.joined(separator: "\n")
    }

    fileprivate var json: JSON {
        [
            "name": .string(name), "id": .string(id.hex), "pair": JSON(pair),
            "replicas": .array(
                replicas.map { replica in
                    [
                        "replica": JSON(replica.ordinal), "path": .string(replica.path),
                        "state": replica.problem == nil ? "available" : "missing",
                        "problem": JSON(replica.problem),
                    ]
                }),
            "vaults": .array(
                vaults.map { vault in
                    [
                        "vault": .string(vault.name), "role": .string(vault.role),
                        "redundancy": .string(vault.redundancy.name),
                    ]
                }),
        ]
    }
}

struct RegionStatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show how far behind the paired regions are.",
        discussion: Help.flowing(
            """
            Measures which recovery points the paired region of each vault does not have yet, and
            how old the oldest of them is. Those would be lost with the active region.

            EXAMPLES
              kura region status
              kura region status japaneast --json
            """))

    @Argument(help: "Only vaults that are in this region.")
    var name: String?

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let operations = try global.operations()
        let lags = try operations.replicationLags(in: name)
        var table = Table([
            ("vault", .left), ("redundancy", .left), ("active", .left), ("pair", .left),
            ("waiting", .right), ("bytes", .right), ("oldest waiting", .left),
            ("rpo now", .right), ("last replicated", .left),
        ])
        for lag in lags { table.add(Self.row(lag)) }
        try global.show(
            text: table.text(
                shortening: ["vault", "active", "pair"],
                leavingOut: ["redundancy", "last replicated", "bytes", "pair"]),
            ids: lags.map(\.vault),
            json: ["vaults": .array(lags.map(Self.json))])
        try finish(operations.subscription, json: global.json)
    }

    private static func row(_ lag: ReplicationLag) -> [String] {
        guard let pair = lag.passive else {
            return [lag.vault, lag.redundancy.name, lag.active]
                + ["-", "-", "-", "-", "-", "-"]
        }
        let age = lag.recoveryPointObjective.map { Units.duration(Double($0) / 1e9) }
        return [
            lag.vault, lag.redundancy.name,
            lag.active + (lag.isFailedOver ? " (failed over)" : ""), pair,
            lag.waiting.map { "\($0.count)" } ?? "unknown", Units.bytes(lag.waitingBytes),
            lag.waiting?.first.map { Units.local($0.time) } ?? "-", age ?? "unknown",
            lag.lastReplicated.map(Units.local) ?? "never",
        ]
    }

    private static func json(_ lag: ReplicationLag) -> JSON {
        let isPaired = lag.passive != nil
        let oldest = lag.waiting?.first
        return [
            "vault": .string(lag.vault), "region": .string(lag.active),
            "pair": JSON(lag.passive),
            "redundancy": .string(lag.redundancy.name),
            "failed_over": .bool(lag.isFailedOver),
            "waiting_points": lag.waiting.map { JSON($0.count) } ?? .null,
            "waiting_bytes": .number(lag.waitingBytes),
            "waiting": .array((lag.waiting ?? []).map(ReplicationView.json)),
            "oldest_waiting": oldest.map(ReplicationView.json) ?? .null,
            "rpo_seconds": isPaired
                ? lag.recoveryPointObjective.map { .fraction(Double($0) / 1e9) } ?? .null : .null,
            "last_replicated": JSON(lag.lastReplicated.map(Units.utc)),
            "region_reachable": .bool(lag.isActiveReachable),
            "pair_reachable": .bool(lag.isPassiveReachable),
        ]
    }
}
