import ArgumentParser
import KuraIO
import KuraOperations
import KuraVault

struct ItemCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "item", abstract: "Items that are no virtual machines.",
        discussion: Help.flowing(
            """
            EXAMPLES
              kura item delete web
            """), subcommands: [ItemDeleteCommand.self])
}

struct ItemDeleteCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Drop every recovery point of an item, for good.",
        discussion: Help.flowing(
            """
            The newest one goes, too. Asks before; where it cannot ask, --yes must be given. For
            virtual machines there is kura vm stop --delete-data.

            EXAMPLES
              kura item delete web
              kura item delete web --vault gold --yes
            """))

    @Argument(help: "The item.")
    var item: String

    @Option(help: ArgumentHelp("The vault; by default the one that has it.", valueName: "name"))
    var vault: String?

    @OptionGroup var consent: ConsentOptions
    @OptionGroup var progress: ProgressOptions
    @OptionGroup var global: GlobalOptions

    func run() throws {
        let subscription = try global.subscription()
        let found = try Operations(subscription, global.context(threads: progress.threads))
            .plainItem(item, vault: vault)
        let words = "\(Units.count(found.points, "recovery point")) of item \(found.name)"
        try consent.require(
            toDo: "delete \(words) in vault \(found.place.name) for good")
        let report = try progress.shown(as: "deleting", of: item, subscription, global) {
            operations throws(KuraError) in try operations.deleteItem(found)
        }
        try global.show(
            text: "deleted item \(report.item) of vault \(report.vault): "
                + "\(Units.count(report.points, "recovery point")) dropped, "
                + "\(Units.bytes(report.space.freedBytes)) freed in each replica",
            ids: [report.item],
            json: [
                "item": .string(report.item), "vault": .string(report.vault),
                "dropped": JSON(report.points),
                "freed_bytes": .number(report.space.freedBytes), "job": .string(report.job),
                "warnings": .array(report.warnings.map { .string($0.text) }),
            ])
        for warning in report.warnings { Terminal.warn(warning) }
    }
}
