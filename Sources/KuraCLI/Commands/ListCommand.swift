import ArgumentParser
import KuraFormat
import KuraIO
import KuraOperations

struct ListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List recovery points, newest first.",
        discussion: Help.flowing(
            """
            EXAMPLES
              kura list
              kura list --item web-server --last 5
              kura list --since 2026-01-31T23:00 --tag before-upgrade --json
            """), aliases: ["ls"])

    @Option(help: ArgumentHelp("Only this vault.", valueName: "name"))
    var vault: String?

    @Option(help: ArgumentHelp("Only this item.", valueName: "name"))
    var item: String?

    @Option(help: ArgumentHelp("Only points with this tag.", valueName: "tag"))
    var tag: String?

    @Option(
        help: ArgumentHelp(
            "Only points of this time or later, such as 2026-01-31T23:00.", valueName: "time"))
    var since: String?

    @Option(help: ArgumentHelp("Only so many, the newest.", valueName: "count"))
    var last: Int?

    @OptionGroup var global: GlobalOptions

    func validate() throws {
        if let last, last < 1 { throw ValidationError("--last takes 1 or more, not \(last)") }
        if let since, Moment.nanoseconds(since) == nil {
            throw ValidationError("--since takes a time such as \(Moment.forms), not \(since)")
        }
    }

    func run() throws {
        let operations = try global.operations()
        // Only JSON shows when points may go.
        var request = PointListRequest(vault: vault, item: item, withExpiries: global.json)
        request.tag = tag
        request.since = since.flatMap { Moment.nanoseconds($0) }
        request.last = last
        let report = try operations.recoveryPoints(request)
        try show(report)
        for id in report.lost {
            Terminal.warn(
                "recovery point \(id.short) has no good copy; to see what is left, run: "
                    + "kura verify")
        }
        let incomplete = report.points.filter(\.isIncomplete)
        if let first = incomplete.first {
            let more = incomplete.count == 1 ? "" : " and \(incomplete.count - 1) more"
            Terminal.warn(
                "recovery point \(first.id.short)\(more): not in every replica; the next backup, "
                    + "prune or replication copies what is missing")
        }
        try finish(
            operations.subscription, vault: vault, packs: true, json: global.json,
            exit: report.lost.isEmpty ? (incomplete.isEmpty ? nil : .warnings) : .damage)
    }

    private func show(_ report: PointListReport) throws {
        let points = report.points
        try global.show(
            text: table(points), ids: points.map(\.id.hex),
            json: [
                "recovery_points": .elements(points.count) { PointView(points[$0]).json }
            ])
    }

    private func table(_ points: [PointReport]) -> String {
        var table = Table([
            ("id", .left), ("time", .left), ("item", .left), ("vault", .left), ("disks", .right),
            ("size", .right), ("new", .right), ("stored", .right), ("copies", .left),
            ("tags", .left), ("consistency", .left),
        ])
        for entry in points {
            table.add([
                entry.id.short, Units.local(entry.point.time), entry.point.item, entry.vault,
                "\(entry.point.disks.count)",
                Units.bytes(entry.point.counts.logicalBytes),
                Units.bytes(entry.point.counts.newBytes), Units.bytes(entry.point.storedBytes),
                PointView(entry).copies,
                entry.point.tags.isEmpty ? "-" : entry.point.tags.joined(separator: ", "),
                entry.point.consistency.name,
            ])
        }
        return table.text(
            shortening: ["item", "vault", "tags"],
            leavingOut: ["consistency", "disks", "stored", "tags", "new", "vault"])
    }
}

struct ShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show one recovery point in full.",
        discussion: Help.flowing(
            """
            EXAMPLES
              kura show 3f2a91c0
              kura show disk@latest --json
            """))

    @Argument(help: ArgumentHelp(PointName.help, valueName: "rp"))
    var point: PointName

    @Option(help: ArgumentHelp("Only this vault.", valueName: "name"))
    var vault: String?

    @Flag(help: "Also how many bytes only this point needs. Reads the tree of every point.")
    var unique = false

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let operations = try global.operations()
        let detail = try operations.recoveryPoint(
            point.reference, in: vault, measuresUnique: unique)
        let receipt = ReceiptView(detail)
        let replicas = JSON.array(
            detail.replicas.map { replica in
                [
                    "region": .string(replica.region), "replica": JSON(replica.ordinal),
                    "path": .string(replica.path), "available": .bool(replica.isAvailable),
                    "has_recovery_point": .bool(replica.holdsPoint),
                    "state": .string(Self.state(of: replica)),
                ]
            })
        try global.show(
            text: text(detail, receipt), ids: [detail.report.id.hex],
            json: PointView(detail.report).json.merging([
                "replicas": replicas, "receipt": receipt.json,
                "unique_bytes": detail.uniqueBytes.map(JSON.number) ?? .null,
            ]))
        try finish(
            operations.subscription, vault: detail.report.vault, packs: true, json: global.json)
    }

    /// "here", "not here", or "away" where the replica cannot be used.
    private static func state(of replica: PointDetail.Replica) -> String {
        guard replica.isAvailable else { return "away" }
        return replica.holdsPoint ? "here" : "not here"
    }

    private func text(_ detail: PointDetail, _ receipt: ReceiptView) -> String {
        let report = detail.report
        let point = report.point
        var lines = [
            "recovery point  \(report.id.hex)",
            "item            \(point.item), number \(point.sequence)",
            "vault           \(report.vault)",
            "time            \(Units.local(point.time))",
            "consistency     \(point.consistency.name)",
            "tags            "
                + (point.tags.isEmpty ? "none" : point.tags.joined(separator: ", ")),
            "expires         " + (report.expires.map(Units.local) ?? "no time is set"),
            "parent          \(point.parent?.short ?? "none")",
            "stored          \(Units.bytes(point.storedBytes)) for "
                + "\(Units.bytes(point.counts.newBytes)) of new data",
        ]
        if let uniqueBytes = detail.uniqueBytes {
            lines.append("unique to it    \(Units.bytes(uniqueBytes)) in each replica")
        }
        lines += receipt.lines
        if report.isUnderReplicated {
            lines.append(
                "under-replicated: in \(report.holders.count) of \(report.copies) replicas")
        }
        var table = Table([
            ("disk", .left), ("size", .right), ("data", .right), ("new", .right),
            ("chunks", .right), ("note", .left),
        ])
        for disk in point.disks {
            table.add([
                disk.name, Units.bytes(disk.byteCount), Units.bytes(disk.counts.dataBytes),
                Units.bytes(disk.counts.newBytes), Units.count(disk.counts.chunks),
                disk.changedWhileRead ? "changed while it was read" : "",
            ])
        }
        return lines.map(Terminal.oneLine).joined(separator: "\n") + "\n\n"
            + table.text(shortening: ["disk"])
    }
}
