import ArgumentParser
import KuraFormat
import KuraStore
import KuraVault

struct VaultCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vault", abstract: "Make and look at vaults.",
        subcommands: [VaultCreateCommand.self, VaultListCommand.self, VaultShowCommand.self])
}

struct VaultCreateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Make a vault.",
        discussion: """
            EXAMPLES
              kura vault create gold
              kura vault create strict --min-copies 3
              kura vault create bench --copies 1
            """)

    @Argument(help: "2 to 50 letters, digits and hyphens, a letter first.")
    var name: String

    @Option(help: ArgumentHelp("The region that holds it.", valueName: "name"))
    var region = Subscription.defaultRegion

    enum Kind: String, ExpressibleByArgument, CaseIterable {
        case lrs, zrs, grs
        case raGRS = "ra-grs"
    }

    @Option(help: "Where copies are kept.")
    var redundancy: Kind?

    @Option(help: "Replicas that hold it, 1 to 3; by default all of the region.")
    var copies: Int?

    @Option(
        help: ArgumentHelp(
            "Replicas that must hold a backup: with 2 a missing one is a warning, with 3 an error.",
            valueName: "number"))
    var minCopies: Int?

    @OptionGroup var global: GlobalOptions

    private var chosenRedundancy: Redundancy? {
        switch redundancy {
        case nil: nil
        case .lrs: .lrs
        case .zrs: .zrs
        case .grs: .grs
        case .raGRS: .raGRS
        }
    }

    func run() throws {
        let vault = try global.subscription(create: true).createVault(
            name: name, region: region, redundancy: chosenRedundancy,
            copies: copies, minCopies: minCopies)
        try global.show(
            text: "vault \(vault.record.name) in region \(vault.region.name), "
                + "\(vault.record.copies) \(vault.record.copies == 1 ? "copy" : "copies")",
            ids: [vault.record.name], json: try VaultView(vault).json())
    }
}

struct VaultListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List vaults.", aliases: ["ls"])

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let views = try global.subscription(create: true).vaults().map(VaultView.init)
        var table = Table([
            ("name", .left), ("region", .left), ("redundancy", .left), ("copies", .right),
            ("items", .right), ("points", .right), ("stored", .right), ("state", .left),
        ])
        for view in views {
            table.add([
                view.vault.record.name, view.vault.region.name, view.vault.record.redundancy.name,
                "\(view.vault.record.copies)", "\(view.items.count)", "\(view.pointCount)",
                Units.bytes(view.statistics.storedBytes), view.state,
            ])
        }
        try global.show(
            text: table.text, ids: views.map(\.vault.record.name),
            json: ["vaults": .array(try views.map { try $0.json() })])
    }
}

struct VaultShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show one vault.")

    @Argument var name: String

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let isDefault = name == Subscription.defaultVault
        let vault = try global.subscription(create: isDefault).vault(named: name)
        let view = try VaultView(vault)
        let record = vault.record
        var lines = [
            "vault            \(record.name)",
            "state            \(view.state)",
            "region           \(vault.region.name)",
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
            lines.append("replica \(replica.ordinal)        \(problem?.message ?? "\(replica.path)")")
        }
        try global.show(
            text: lines.joined(separator: "\n"), ids: [record.name], json: try view.json())
    }
}

/// A vault as commands show it.
struct VaultView {
    let vault: Vault
    let items: Set<String>
    let pointCount: Int
    let statistics: Statistics

    init(_ vault: Vault) throws {
        self.vault = vault
        let points = try vault.recoveryPoints()
        items = Set(points.map(\.point.item))
        pointCount = points.count
        statistics = try vault.statistics()
    }

    var state: String { vault.problems.isEmpty ? "Healthy" : "Degraded" }

    func json() throws -> JSON {
        [
            "id": .string(vault.id.hex), "name": .string(vault.record.name),
            "region": .string(vault.region.name),
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
