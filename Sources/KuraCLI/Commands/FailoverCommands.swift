import ArgumentParser
import KuraFormat
import KuraIO
import KuraOperations

struct RegionFailoverCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "failover",
        abstract: "Declare a region lost: its vaults become active in their paired regions.",
        discussion: Help.flowing(
            """
            Kura first copies what it can still read. Where committed recovery points would be left
            behind, the command lists them and refuses, unless --accept-loss is given. When the
            region is back, kura replicate and kura region failback bring them back.

            EXAMPLES
              kura region failover japaneast
              kura region failover japaneast --accept-loss
            """))

    @Argument(help: "The region that is lost.")
    var name: String

    @Flag(help: "Fail over although recovery points are left behind.")
    var acceptLoss = false

    @OptionGroup var progress: ProgressOptions
    @OptionGroup var global: GlobalOptions

    func run() throws {
        let subscription = try global.subscription()
        let request = RegionMove(name, acceptsLoss: acceptLoss)
        let report = try progress.shown(as: "replicating", subscription, global) {
            operations throws(KuraError) in try operations.failOver(request)
        }
        try FailoverView(report, verb: "failover", back: false).show(global)
    }
}

struct RegionFailbackCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "failback",
        abstract: "Make a region active again: its vaults return to it.",
        discussion: Help.flowing(
            """
            Kura first brings both regions to the same state, so neither loses anything.

            EXAMPLES
              kura region failback japaneast
            """))

    @Argument(help: "The region that is back.")
    var name: String

    @Flag(help: "Fail back although recovery points cannot be copied to it.")
    var acceptLoss = false

    @OptionGroup var progress: ProgressOptions
    @OptionGroup var global: GlobalOptions

    func run() throws {
        let subscription = try global.subscription()
        let request = RegionMove(name, acceptsLoss: acceptLoss)
        let report = try progress.shown(as: "replicating", subscription, global) {
            operations throws(KuraError) in try operations.failBack(request)
        }
        try FailoverView(report, verb: "failback", back: true).show(global)
    }
}

/// A failover or a failback as commands show it.
struct FailoverView {
    private let report: FailoverReport
    private let verb: String
    private let back: Bool

    init(_ report: FailoverReport, verb: String, back: Bool) {
        self.report = report
        self.verb = verb
        self.back = back
    }

    func show(_ global: GlobalOptions) throws {
        // A refusal says everything in its error; the document is for programs.
        if !report.isRefused || global.json {
            try global.show(text: text, ids: report.moved.map(\.vault), json: json)
        }
        for warning in report.warnings { Terminal.warn(warning) }
        for vault in report.uncovered where !back {
            Terminal.warn(
                "vault \(vault) in region \(report.region) has no pair, so no region takes over")
        }
        if report.isRefused { throw refusal }
        if !report.warnings.isEmpty || !report.atRisk.isEmpty { throw EarlyExit.warnings }
    }

    private var refusal: KuraError {
        let points = Units.count(report.atRisk.count, "recovery point")
        return KuraError(
            .refused, "this \(verb) would leave \(points) behind:\n" + lines,
            remedy: .anyOf([
                back
                    ? .steps([.vault(.repair(.files)), .retry()])
                    : .advice("bring region \(report.region) back if you can"),
                .region(.acceptLoss(report.region, failsBack: back)),
            ]))
    }

    private var lines: String {
        report.atRisk.map { risk in
            guard let point = risk.point else {
                return "  vault \(risk.vault): not known; the home has no list"
            }
            return "  vault \(risk.vault), item \(point.item), number \(point.sequence) of "
                + "\(Units.local(point.time)): \(point.id.short)"
        }.joined(separator: "\n")
    }

    private var text: String {
        guard !report.moved.isEmpty else {
            return back
                ? "no vault of region \(report.region) is active elsewhere"
                : "no vault with a pair is active in region \(report.region)"
        }
        var text = report.moved.map { "vault \($0.vault) is active in \($0.to) now" }
            .joined(separator: "\n")
        if !report.atRisk.isEmpty {
            text += "\nleft behind in \(report.moved[0].from):\n" + lines
        }
        return text
    }

    private var json: JSON {
        [
            "region": .string(report.region), "refused": .bool(report.isRefused),
            "moved": .array(
                report.moved.map { move in
                    [
                        "vault": .string(move.vault), "from": .string(move.from),
                        "to": .string(move.to),
                    ]
                }),
            "left_behind": .array(
                report.atRisk.map { risk in
                    let point = risk.point.map(ReplicationView.json) ?? [:]
                    return point.merging(["vault": .string(risk.vault)])
                }),
            "uncovered": .array(report.uncovered.map(JSON.string)),
            "warnings": .array(report.warnings.map { .string($0.text) }),
        ]
    }
}
