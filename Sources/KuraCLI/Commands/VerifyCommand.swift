import ArgumentParser
import KuraFormat
import KuraIO
import KuraStore
import KuraVault
import SystemPackage

struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Read every copy and report what is damaged.",
        discussion: """
            Level packs compares the hash and the structure of every file in every replica.
            Level chunks also decodes and hashes every chunk and follows every recovery point
            down to its chunks. Exit code 12 means that damage was found.

            EXAMPLES
              kura verify
              kura verify --level chunks --json
              kura verify --replica 1 --point web@latest
            """)

    @Option(help: ArgumentHelp("The vault; by default all.", valueName: "name"))
    var vault: String?

    enum Level: String, ExpressibleByArgument, CaseIterable { case packs, chunks }

    @Option(help: "What is compared.")
    var level: Level = .packs

    @Option(help: ArgumentHelp("Only this replica: 0, 1 or 2.", valueName: "number"))
    var replica: Int?

    @Option(help: ArgumentHelp("Only what this recovery point needs.", valueName: "rp"))
    var point: String?

    @OptionGroup var progress: ProgressOptions
    @OptionGroup var global: GlobalOptions

    func run() throws {
        let subscription = try global.subscription()
        var request = VerifyRequest(
            level: level == .packs ? .packs : .chunks, replica: replica, threads: progress.threads ?? Threads.processorCount)
        let vaults: [Vault]
        if let point {
            let found = try subscription.recoveryPoint(point, in: vault)
            request.point = found.id
            vaults = [found.vault]
        } else {
            vaults = try vault.map { [try subscription.vault(named: $0)] } ?? subscription.vaults()
        }
        var total = VerifyReport()
        let meter = Progress()
        let reporter = ProgressReporter("verifying", meter, style: progress.style(global))
        do {
            for vault in vaults {
                let report = try vault.verify(
                    request, progress: meter, cancellation: Interrupts.cancellation)
                total.packs += report.packs
                total.chunks += report.chunks
                total.bytes += report.bytes
                total.damaged += report.damaged
                total.seconds += report.seconds
                total.stages += report.stages
            }
            reporter.stop()
        } catch {
            reporter.stop()
            throw error
        }
        progress.printStages(total.stages, seconds: total.seconds, threads: request.threads)
        try show(total)
        if !total.damaged.isEmpty { throw EarlyExit.damage }
    }

    private func show(_ report: VerifyReport) throws {
        var lines = report.damaged.map { damage in
            "damaged: \(damage.structure.rawValue) in replica \(damage.replica) of region "
                + "\(damage.region) is \(damage.kind.name): \(damage.path)\n"
                + "  \(damage.detail)"
        }
        let what = report.chunks > 0 ? ", \(Units.count(report.chunks)) chunks decoded" : ""
        lines.append(
            "read \(Units.count(UInt64(report.packs))) copies of packs\(what), "
                + "\(Units.bytes(report.bytes)) in \(Units.duration(report.seconds)) "
                + "(\(Units.rate(report.bytes, seconds: report.seconds)))")
        lines.append(
            report.damaged.isEmpty
                ? "everything is as it must be" : "\(report.damaged.count) files are damaged")
        try global.show(
            text: lines.joined(separator: "\n"), ids: report.damaged.map(\.path.string),
            json: [
                "packs": JSON(report.packs), "chunks": .number(report.chunks),
                "bytes": .number(report.bytes), "seconds": .fraction(report.seconds),
                "damaged": .array(report.damaged.map(Self.json)),
            ])
    }

    private static func json(_ damage: Damage) -> JSON {
        [
            "region": .string(damage.region), "replica": JSON(damage.replica),
            "path": .string(damage.path.string), "structure": .string(damage.structure.rawValue),
            "kind": .string(damage.kind.name), "detail": .string(damage.detail),
            "repaired": false,
        ]
    }
}
