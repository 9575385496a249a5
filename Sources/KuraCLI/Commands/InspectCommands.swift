import ArgumentParser
import KuraOperations

struct StatsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stats", abstract: "Show what a vault holds and what it costs.",
        discussion: Help.flowing(
            """
            EXAMPLES
              kura stats
              kura stats --vault gold --json
            """))

    @Option(help: ArgumentHelp("The vault; by default all together.", valueName: "name"))
    var vault: String?

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let operations = try global.operations()
        let total = try operations.statistics(ofVault: vault)
        let text = """
            recovery points    \(total.recoveryPoints)
            size of all disks  \(Units.bytes(total.logicalBytes))
            data in them       \(Units.bytes(total.dataBytes))
            unique data        \(Units.bytes(total.uniqueBytes)) in \
            \(Units.count(total.chunks)) chunks \
            (deduplication \(Units.fixed(total.deduplication, 2)) : 1)
            stored, one copy   \(Units.bytes(total.storedBytes)) in \(total.packs) packs \
            (compression \(Units.fixed(total.compression, 2)) : 1)
            of it data         \(Units.bytes(total.dataBytesStored))
            of it metadata     \(Units.bytes(total.metadataBytes)) \
            (\(Units.percent(total.metadataBytes, of: total.storedBytes)))
            """
        try global.show(
            text: text,
            json: [
                "logical_bytes": .number(total.logicalBytes),
                "data_bytes": .number(total.dataBytes),
                "unique_bytes": .number(total.uniqueBytes),
                "stored_bytes": .number(total.storedBytes),
                "data_bytes_stored": .number(total.dataBytesStored),
                "metadata_bytes": .number(total.metadataBytes),
                "dedup_ratio": .fraction(total.deduplication),
                "compression_ratio": .fraction(total.compression), "chunks": .number(total.chunks),
                "packs": JSON(total.packs), "recovery_points": JSON(total.recoveryPoints),
            ])
        try finish(operations.subscription, vault: vault, packs: true, json: global.json)
    }
}

struct DiffCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff", abstract: "Show where disks differ between two recovery points.",
        discussion: Help.flowing(
            """
            Ranges are exact to the chunk: they hold every changed byte, and may hold equal bytes
            beside it.

            EXAMPLES
              kura diff 3f2a91c0 web@latest
              kura diff 3f2a 77c1 --json
            """))

    @Argument(help: ArgumentHelp("The older recovery point.", valueName: "rp1"))
    var first: PointName

    @Argument(help: ArgumentHelp("The newer recovery point.", valueName: "rp2"))
    var second: PointName

    @Option(help: ArgumentHelp("Only this vault.", valueName: "name"))
    var vault: String?

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let ranges = try global.operations().difference(
            from: first.reference, to: second.reference, in: vault)
        let changed = ranges.reduce(0) { $0 + $1.byteCount }
        var table = Table([("disk", .left), ("offset", .right), ("length", .right)])
        for range in ranges { table.add([range.disk, "\(range.offset)", "\(range.byteCount)"]) }
        let summary = "\(Units.bytes(changed)) in \(ranges.count) ranges differ"
        try global.show(
            text: ranges.isEmpty ? "no difference" : table.text + "\n\n" + summary,
            json: [
                "changed_bytes": .number(changed),
                "ranges": .array(
                    ranges.map { range in
                        [
                            "disk": .string(range.disk), "offset": .number(range.offset),
                            "length": .number(range.byteCount),
                        ]
                    }),
            ])
    }
}
