import ArgumentParser
import KuraFormat
import KuraIO
import KuraReplicas
import KuraStore
import KuraVault

struct ListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List recovery points, newest first.",
        discussion: """
            EXAMPLES
              kura list
              kura list --item web-server --json
            """, aliases: ["ls"])

    @Option(help: ArgumentHelp("Only this vault.", valueName: "name"))
    var vault: String?

    @Option(help: ArgumentHelp("Only this item.", valueName: "name"))
    var item: String?

    @OptionGroup var global: GlobalOptions

    func run() throws {
        var points: [LocatedPoint] = []
        var holders: [RecoveryPointID: [Int]] = [:]
        var expiries: [RecoveryPointID: Int64] = [:]
        var lost: Set<RecoveryPointID> = []
        let subscription = try existing()
        let vaults =
            try subscription.map { subscription in
                try vault.map { [try subscription.vault(named: $0)] } ?? subscription.vaults()
            } ?? []
        for vault in vaults {
            guard let subscription else { continue }
            let held = try vault.pointHolders()
            let found = try subscription.recoveryPoints(
                of: vault, item: item, listed: Set(held.keys))
            holders = holders.isEmpty ? held : holders.merging(held) { first, _ in first }
            // Only JSON shows it.
            if global.json {
                expiries.merge(try subscription.settings(of: vault).expiries(of: found)) { $1 }
            }
            points += found.map { LocatedPoint(vault: vault, id: $0.id, point: $0.point) }
            lost.formUnion(Self.lostPoints(of: vault))
        }
        if vaults.count > 1 { points.sort(by: Self.isNewer) }
        if let item, points.isEmpty {
            throw KuraError(
                .notFound, "item \(item) has no recovery point", remedy: .point(.list()))
        }
        try show(points, holders, expiries)
        if let subscription { try warnAboutRegions(subscription) }
        for id in lost.sorted() {
            Terminal.warn(
                "recovery point \(id.short) has no good copy; to see what is left, run: "
                    + "kura verify")
        }
        if !lost.isEmpty { throw EarlyExit.damage }
    }

    /// Points with damage that no replica has a good copy of.
    private static func lostPoints(of vault: Vault) -> Set<RecoveryPointID> {
        var lost: Set<RecoveryPointID> = []
        for damage in vault.damage {
            guard case .point(let id) = damage.file, !lost.contains(id) else { continue }
            do throws(KuraError) {
                _ = try vault.recoveryPoint(id)
            } catch {
                if error.code == .damaged { lost.insert(id) }
            }
        }
        return lost
    }

    private static func isNewer(_ left: LocatedPoint, _ right: LocatedPoint) -> Bool {
        guard left.vault.id == right.vault.id else { return left.point.time > right.point.time }
        return Vault.isNewer((left.id, left.point), (right.id, right.point))
    }

    /// A home that was never made has no recovery points, which is no error.
    private func existing() throws -> Subscription? {
        do {
            return try global.subscription()
        } catch {
            guard error.code == .notFound, vault == nil else { throw error }
            Terminal.warn("\(error.message): nothing was backed up yet")
            return nil
        }
    }

    private func show(
        _ found: [LocatedPoint], _ holders: [RecoveryPointID: [Int]],
        _ expiries: [RecoveryPointID: Int64]
    ) throws {
        let view = { (entry: LocatedPoint) in
            PointView(
                entry.vault, entry.id, entry.point, holders: holders[entry.id] ?? [],
                expires: expiries[entry.id])
        }
        try global.show(
            text: table(found, view), ids: found.map(\.id.hex),
            json: [
                "recovery_points": .elements(found.count) {
                    view(found[$0]).json
                }
            ])
    }

    private func table(_ found: [LocatedPoint], _ view: (LocatedPoint) -> PointView) -> String {
        var table = Table([
            ("id", .left), ("time", .left), ("item", .left), ("vault", .left), ("disks", .right),
            ("size", .right), ("new", .right), ("stored", .right), ("copies", .left),
            ("tags", .left), ("consistency", .left),
        ])
        for entry in found {
            table.add([
                entry.id.short, Units.local(entry.point.time), entry.point.item,
                entry.vault.record.name, "\(entry.point.disks.count)",
                Units.bytes(entry.point.counts.logicalBytes),
                Units.bytes(entry.point.counts.newBytes), Units.bytes(entry.point.storedBytes),
                view(entry).copies,
                entry.point.tags.isEmpty ? "-" : entry.point.tags.joined(separator: ", "),
                entry.point.consistency.name,
            ])
        }
        return table.text
    }
}

struct ShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show one recovery point in full.",
        discussion: """
            EXAMPLES
              kura show 3f2a91c0
              kura show disk@latest --json
            """)

    @Argument(help: ArgumentHelp("An id, its first digits, or ITEM@latest.", valueName: "rp"))
    var point: String

    @Option(help: ArgumentHelp("Only this vault.", valueName: "name"))
    var vault: String?

    @Flag(help: "Also the size unique to it: what would be free without it. Walks every point.")
    var unique = false

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let subscription = try global.subscription()
        let found = try subscription.recoveryPoint(point, in: vault)
        let place = subscription.place(of: found.vault)
        let receipt = ReceiptView(found, subscription.copies(of: found.id, in: found.vault), place)
        let holders = try found.vault.holders(of: .point(found.id))
        let replicas = found.vault.region.replicas.prefix(Int(found.vault.record.copies))
        let json = JSON.array(
            replicas.map { replica in
                [
                    "region": .string(found.vault.region.name),
                    "replica": JSON(replica.ordinal),
                    "path": .string(replica.place),
                    "available": .bool(found.vault.region.problems[replica.ordinal] == nil),
                    "has_recovery_point": .bool(holders.contains(replica.ordinal)),
                    "state": .string(Self.state(of: replica, found.vault, holders)),
                ]
            })
        let uniqueBytes: UInt64? =
            unique
            ? try found.vault.uniqueBytes(of: found.id, cancellation: Interrupts.cancellation) : nil
        try global.show(
            text: text(found, receipt, holders, subscription.expiry(of: found), uniqueBytes),
            ids: [found.id.hex],
            json: PointView(
                found.vault, found.id, found.point, holders: holders,
                expires: subscription.expiry(of: found)
            )
            .json.merging([
                "replicas": json, "receipt": receipt.json,
                "unique_bytes": uniqueBytes.map(JSON.number) ?? .null,
            ]))
        if let notice = place.notice { Terminal.warn(notice) }
    }

    /// "here", "not here", or "away" where the replica cannot be used.
    private static func state(of replica: Replica, _ vault: Vault, _ holders: [Int]) -> String {
        if vault.region.problems[replica.ordinal] != nil { return "away" }
        return holders.contains(replica.ordinal) ? "here" : "not here"
    }

    private func text(
        _ found: LocatedPoint, _ receipt: ReceiptView, _ holders: [Int], _ expires: Int64?,
        _ uniqueBytes: UInt64?
    ) -> String {
        let point = found.point
        var lines = [
            "recovery point  \(found.id.hex)",
            "item            \(point.item), number \(point.sequence)",
            "vault           \(found.vault.record.name)",
            "time            \(Units.local(point.time))",
            "consistency     \(point.consistency.name)",
            "tags            "
                + (point.tags.isEmpty ? "none" : point.tags.joined(separator: ", ")),
            "expires         " + (expires.map(Units.local) ?? "no time is set"),
            "parent          \(point.parent?.short ?? "none")",
            "stored          \(Units.bytes(point.storedBytes)) for "
                + "\(Units.bytes(point.counts.newBytes)) of new data",
        ]
        if let uniqueBytes {
            lines.append("unique to it    \(Units.bytes(uniqueBytes)) in each replica")
        }
        lines += receipt.lines
        let copies = Int(found.vault.record.copies)
        if holders.count < copies {
            lines.append("under-replicated: in \(holders.count) of \(copies) replicas")
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
        return lines.map(Terminal.oneLine).joined(separator: "\n") + "\n\n" + table.text
    }
}
