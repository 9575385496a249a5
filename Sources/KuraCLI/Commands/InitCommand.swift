import ArgumentParser
import KuraOperations
import KuraVault
import SystemPackage

struct InitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Make a home, with a first region and vault.",
        discussion: Help.flowing(
            """
            The home gets the region local, with three replicas in the home itself, and the vault
            default. Where there is a home already, nothing is changed. For replicas on disks of
            their own, add a region afterwards.

            EXAMPLES
              kura init
              kura --home /srv/kura init
            """))

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let report = try Operations.setUpHome(at: global.homePath(), context: global.context())
        let text =
            report.isNew
            ? "made a home at \(report.home), with region \(Subscription.defaultRegion) and vault "
                + Subscription.defaultVault
            : "there is a home at \(report.home) already; nothing was changed"
        try global.show(
            text: text, ids: [report.home.string],
            json: [
                "home": .string(report.home.string), "made": .bool(report.isNew),
                "regions": .array(report.regions.map(JSON.string)),
            ])
    }
}
