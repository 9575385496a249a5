import ArgumentParser
import KuraFormat
import KuraIO
import KuraOperations
import SystemPackage

struct VaultSetRedundancyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set-redundancy", abstract: "Change where a vault's copies are kept.",
        discussion: Help.flowing(
            """
            As in Azure Backup, the redundancy of a vault with recovery points cannot be changed,
            except with --convert: then Kura copies the vault to the paired region, reads the copy
            back, and switches last.

            EXAMPLES
              kura vault set-redundancy gold ra-grs
              kura vault set-redundancy gold grs --convert
            """))

    @Argument var name: String

    @Argument(help: "lrs, zrs, grs or ra-grs.")
    var kind: RedundancyName

    @Flag(help: "Copy, verify and switch, although there are recovery points.")
    var convert = false

    @OptionGroup var progress: ProgressOptions
    @OptionGroup var global: GlobalOptions

    func run() throws {
        let subscription = try global.subscription()
        let request = RedundancyRequest(vault: name, kind: kind.value, converts: convert)
        let change = try progress.shown(as: "copying", subscription, global) {
            operations throws(KuraError) in try operations.setRedundancy(request)
        }
        var lines = [
            change.from == change.to
                ? "vault \(change.vault) is \(change.to.name) already"
                : "vault \(change.vault) is \(change.to.name) now, it was \(change.from.name)"
        ]
        if let copied = change.copied {
            lines.append(
                "copied \(Units.count(copied.points, "recovery point")), "
                    + "\(Units.bytes(copied.bytes)); "
                    + "read back \(Units.count(change.verifiedChunks)) chunks, all good")
        }
        if !change.leftBehind.isEmpty {
            lines.append("the copy in the pair stays, and nothing updates it; to remove it, run:")
            lines += change.leftBehind.map { "  rm -rf \($0)" }
        }
        try global.show(
            text: lines.joined(separator: "\n"), ids: [change.vault],
            json: [
                "vault": .string(change.vault), "from": .string(change.from.name),
                "redundancy": .string(change.to.name),
                "copied_points": JSON(change.copied?.points ?? 0),
                "copied_bytes": .number(change.copied?.bytes ?? 0),
                "verified_chunks": .number(change.verifiedChunks),
                "left_behind": .array(change.leftBehind.map { .string($0.string) }),
            ])
        for warning in change.warnings { Terminal.warn(warning) }
        if !change.warnings.isEmpty { throw EarlyExit.warnings }
    }
}
