import ArgumentParser
import KuraFormat
import KuraOperations
import KuraPolicy
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
        discussion: Help.flowing(
            """
            EXAMPLES
              kura vault create gold
              kura vault create strict --min-copies 3
              kura vault create bench --copies 1
              kura vault create gold --region japaneast --redundancy ra-grs
            """))

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
        var new = VaultCreation(name: name, region: region)
        new.redundancy = redundancy?.value
        new.copies = copies
        new.minCopies = minCopies
        new.profile = PolicyLimits.all.first { $0.profile == profile } ?? .classic
        let vault = try global.operations().createVault(new)
        let pair = vault.pair.map { ", and as many in \($0)" } ?? ""
        try global.show(
            text: "vault \(vault.name) in region \(vault.region), "
                + "\(vault.record.redundancy.name): \(vault.record.copies) "
                + "\(vault.record.copies == 1 ? "copy" : "copies")\(pair)",
            ids: [vault.name], json: vault.json)
    }
}

struct VaultListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List vaults.",
        discussion: Help.examples(
            "kura vault list"), aliases: ["ls"])

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let operations = try global.operations()
        let vaults = try operations.vaults()
        var table = Table([
            ("name", .left), ("region", .left), ("pair", .left), ("redundancy", .left),
            ("copies", .right), ("items", .right), ("points", .right), ("stored", .right),
            ("state", .left),
        ])
        for vault in vaults {
            table.add([
                vault.name, vault.region, vault.pair ?? "-", vault.record.redundancy.name,
                "\(vault.record.copies)", "\(vault.itemCount)", "\(vault.pointCount)",
                Units.bytes(vault.storedBytes), vault.state.rawValue,
            ])
        }
        try global.show(
            text: table.text(
                shortening: ["name", "region", "pair"], leavingOut: ["pair", "items"]),
            ids: vaults.map(\.name),
            json: ["vaults": .array(vaults.map(\.json))])
        try finish(operations.subscription, packs: true, json: global.json)
    }
}

struct VaultShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show one vault.",
        discussion: Help.examples(
            "kura vault show gold"))

    @Argument var name: String

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let vault = try global.operations().vault(named: name)
        let record = vault.record
        var lines = [
            "vault            \(vault.name)",
            "state            \(vault.state.rawValue)",
            "region           \(vault.region)" + (record.failedOver ? ", failed over" : ""),
            "paired region    \(vault.pair ?? "none")",
            "redundancy       \(record.redundancy.name), \(record.copies) copies, "
                + "\(record.minCopies) at least",
            "chunker          \(record.chunker.rawValue), mean \(record.chunkBytesMean) bytes",
            "created          \(Units.local(record.created))",
            "items            \(vault.itemCount)",
            "recovery points  \(vault.pointCount)",
            "stored, one copy \(Units.bytes(vault.storedBytes))",
        ]
        for replica in vault.replicas {
            lines.append("replica \(replica.ordinal)        \(replica.problem ?? replica.path)")
        }
        try global.show(
            text: lines.joined(separator: "\n"), ids: [vault.name], json: vault.json)
        if let notice = vault.notice { Terminal.warn(notice) }
    }
}

extension VaultReport {
    fileprivate var json: JSON {
        [
            "id": .string(record.id.hex), "name": .string(name), "region": .string(region),
            "pair": JSON(pair), "failed_over": .bool(record.failedOver),
            "redundancy": .string(record.redundancy.name), "state": .string(state.rawValue),
            "copies": JSON(Int(record.copies)), "min_copies": JSON(Int(record.minCopies)),
            "items": JSON(itemCount), "recovery_points": JSON(pointCount),
            "stored_bytes": .number(storedBytes), "chunker": .string(record.chunker.rawValue),
            "chunk_bytes_mean": .number(UInt64(record.chunkBytesMean)),
            "created": .string(Units.utc(record.created)),
        ]
    }
}

struct VaultDeleteCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Delete a vault, for good.",
        discussion: Help.flowing(
            """
            Refused while virtual machines are registered, or recovery points are left: the error
            says what. Asks before it deletes; where it cannot ask, --yes must be given. A job of
            the home stays as the trace of it.

            EXAMPLES
              kura vault delete gold
            """))

    @Argument(help: "The vault.")
    var name: String

    @Flag(help: "Also delete recovery points of items that are no virtual machines, for good.")
    var withPoints = false

    @OptionGroup var consent: ConsentOptions
    @OptionGroup var global: GlobalOptions

    func run() throws {
        let operations = try global.operations()
        let place = try operations.subscription.place(named: name)
        let contents = try operations.contents(of: place)
        let words = withPoints && contents.points > 0 ? " with \(contents.words)" : ""
        // What is refused anyway is not asked for.
        if contents.machines.isEmpty, withPoints || contents.points == 0 {
            try consent.require(toDo: "delete vault \(place.name)\(words) for good")
        }
        try operations.deleteVault(place, withPoints: withPoints)
        try global.show(
            text: "deleted vault \(place.name)\(words)", ids: [place.name],
            json: [
                "deleted": .string(place.name), "items": JSON(contents.items),
                "recovery_points": JSON(contents.points),
            ])
    }
}
