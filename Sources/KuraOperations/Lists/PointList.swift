public import KuraFormat
public import KuraIO
internal import KuraReplicas
internal import KuraStore
internal import KuraVault

/// Which recovery points are listed.
public struct PointListRequest: Sendable {
    /// The vault's name; nil for all.
    public var vault: String?
    /// The item's name; nil for all.
    public var item: String?
    /// Only points with this tag.
    public var tag: String?
    /// Only points of this time or later, in nanoseconds since 1970.
    public var since: Int64?
    /// Only so many, the newest; nil for all.
    public var last: Int?
    /// Whether the report says when each point may go.
    public var withExpiries: Bool

    public init(vault: String? = nil, item: String? = nil, withExpiries: Bool = false) {
        self.vault = vault
        self.item = item
        self.withExpiries = withExpiries
    }
}

/// Recovery points, newest first.
public struct PointListReport: Sendable {
    public var points: [PointReport] = []
    /// Points of which no replica has a good copy, ascending.
    public var lost: [RecoveryPointID] = []

    /// No points.
    public init() {}
}

extension Operations {
    /// Lists recovery points. Throws `notFound` for an item that has none.
    public func recoveryPoints(
        _ request: PointListRequest = PointListRequest()
    ) throws(KuraError) -> PointListReport {
        var report = PointListReport()
        var lost: Set<RecoveryPointID> = []
        var found: [(vault: Vault, points: [PointReport])] = []
        for vault in try vaults(named: request.vault) {
            found.append((vault, try points(of: vault, request)))
            lost.formUnion(Self.lostPoints(of: vault))
        }
        report.points = found.count == 1 ? found[0].points : Self.merged(found)
        report.lost = lost.sorted()
        if let item = request.item, report.points.isEmpty {
            let absences = try subscription.absences(of: request.vault)
            if let absent = absences.first(where: { !$0.isElsewhere }) { throw absent.error }
            throw KuraError(
                .notFound, "item \(item) has no recovery point", remedy: .point(.list()))
        }
        if request.tag != nil || request.since != nil {
            report.points = report.points.filter { found in
                (request.tag.map(found.point.tags.contains) ?? true)
                    && found.point.time >= request.since ?? .min
            }
        }
        if let last = request.last { report.points = Array(report.points.prefix(last)) }
        return report
    }

    private func points(
        of vault: Vault, _ request: PointListRequest
    ) throws(KuraError) -> [PointReport] {
        let isWhole = try subscription.missingPacks(of: vault).isNone
        func holders() throws(KuraError) -> [RecoveryPointID: [Int]] {
            isWhole ? try vault.pointHolders() : try vault.wholeCopies()
        }
        let listed = try holders()
        let found = try subscription.recoveryPoints(
            of: vault, item: request.item, listed: Set(listed.keys))
        let expiries =
            request.withExpiries
            ? try subscription.settings(of: vault).expiries(of: found) : [:]
        let (name, copies) = (vault.record.name, Int(vault.record.copies))
        var reports = found.map { id, point in
            PointReport(
                vault: name, copies: copies, id: id, point: point, holders: listed[id] ?? [],
                expires: expiries[id])
        }
        let usable = vault.replicas.count
        guard reports.contains(where: { $0.holders.count < usable }) else { return reports }
        // One without a receipt is being made now, or its backup was interrupted. One with a
        // receipt had come to every replica before it got that, perhaps between two listings.
        let acknowledged = try vault.pointsWithReceipt()
        let now = try holders()
        for number in reports.indices where reports[number].holders.count < usable {
            let id = reports[number].id
            // It may have been dropped since.
            guard let holders = now[id] else { continue }
            reports[number].holders = holders
            reports[number].isIncomplete = holders.count < usable && acknowledged.contains(id)
        }
        return reports
    }

    /// Points of several vaults by time; those of one vault stay in its own order.
    private static func merged(
        _ found: [(vault: Vault, points: [PointReport])]
    ) -> [PointReport] {
        found.flatMap(\.points).sorted { left, right in
            guard left.vault == right.vault else { return left.point.time > right.point.time }
            return Vault.isNewer((left.id, left.point), (right.id, right.point))
        }
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

    /// One vault for reading, or every vault that can be read.
    func vaults(named name: String?) throws(KuraError) -> [Vault] {
        guard let name else { return try subscription.vaults() }
        return [try subscription.vault(named: name)]
    }
}
