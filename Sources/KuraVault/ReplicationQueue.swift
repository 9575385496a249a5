internal import FoundationEssentials
internal import KuraFormat
package import KuraIO
package import KuraReplication
public import KuraStore
internal import SystemPackage

/// What a home remembers of a vault's points that are not in the other region yet.
///
/// The regions are the truth. This file is for the day on which the active region is gone: it lists
/// the points that a failover would lose. If it is lost, only that list is lost.
struct ReplicationQueue: Codable {
    struct Entry: Codable {
        var id: String
        var item: String
        var sequence: UInt64
        /// Nanoseconds since 1970.
        var time: Int64
        var bytes: UInt64

        init(_ point: ReplicationPlan.Point) {
            id = point.id.hex
            item = point.item
            sequence = point.sequence
            time = point.time
            bytes = point.byteCount
        }

        /// Nil when the file was tampered with.
        var point: ReplicationPlan.Point? {
            RecoveryPointID(hex: id).map {
                ReplicationPlan.Point(
                    id: $0, item: item, sequence: sequence, time: time, byteCount: bytes)
            }
        }
    }

    static let formatVersion = 1
    private static let byteCountMax = 64 << 20

    var formatVersion = ReplicationQueue.formatVersion
    var vault: String
    var waiting: [Entry]
    /// When a replication last brought everything across, in nanoseconds since 1970.
    var replicated: Int64?

    enum CodingKeys: String, CodingKey {
        case formatVersion = "format_version"
        case vault, waiting, replicated
    }

    /// The file of a vault; nil where there is none, or none that can be read.
    static func load(_ path: FilePath) -> ReplicationQueue? {
        do {
            let bytes = try LocalFileSystem().contents(path, max: byteCountMax)
            let queue = try JSONDecoder().decode(ReplicationQueue.self, from: Data(bytes))
            return queue.formatVersion == formatVersion ? queue : nil
        } catch {
            return nil
        }
    }

    func save(_ path: FilePath) throws(KuraError) {
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            try LocalFileSystem().publish(
                Array(try encoder.encode(self)), as: path,
                temporary: path.removingLastComponent().appending("\(UniqueID.random()).new"),
                replacing: true)
        } catch {
            throw KuraError(error)
        }
    }

    var points: [ReplicationPlan.Point] { waiting.compactMap(\.point) }
}

extension Subscription {
    private var queueDirectory: FilePath { home.appending("replication") }

    func queuePath(_ vault: UniqueID) -> FilePath { queueDirectory.appending("\(vault.hex).json") }

    /// Recovery points of a vault that the passive region does not have yet, oldest first.
    ///
    /// From the regions where both can be reached, else from the home's queue. A point that the
    /// queue knows and neither region has was acknowledged and is gone; it stays in the list unless
    /// it was dropped.
    /// - Returns: nil when that is unknown: the active region is gone, and the home has no queue.
    package func waitingPoints(of place: VaultPlace) throws(KuraError) -> [ReplicationPlan.Point]? {
        let known = ReplicationQueue.load(queuePath(place.record.id))?.points
        var waiting = known
        if let replication = place.replication {
            waiting = try Self.missingPoints(in: replication)
            let active = try replication.active.heldPoints()
            waiting! += (known ?? []).filter { !active.contains($0.id) }
        } else if known == nil, place.isActiveReachable, let active = place.active {
            let vault = Vault(region: active, record: place.record)
            waiting = try Self.points(vault.heldPoints(), of: vault)
        }
        if place.isActiveReachable, let active = place.active {
            let dropped = try Vault(region: active, record: place.record).droppedPoints()
            waiting?.removeAll { dropped.contains($0.id) }
        }
        if place.isPassiveReachable, let passive = place.passive {
            let vault = Vault(region: passive, record: place.record)
            let done = try vault.heldPoints().union(vault.droppedPoints())
            waiting?.removeAll { done.contains($0.id) }
        }
        return waiting?.sorted { ($0.time, $0.id) < ($1.time, $1.id) }
    }

    private static func missingPoints(
        in replication: Replication
    ) throws(KuraError) -> [ReplicationPlan.Point] {
        let held = try replication.active.heldPoints()
        return try points(
            held.subtracting(replication.passive.heldPoints()), of: replication.active)
    }

    private static func points(
        _ ids: Set<RecoveryPointID>, of vault: Vault
    ) throws(KuraError) -> [ReplicationPlan.Point] {
        var points: [ReplicationPlan.Point] = []
        for id in ids {
            do throws(KuraError) {
                points.append(ReplicationPlan.Point(id, try vault.recoveryPoint(id)))
            } catch {
                guard error.code == .damaged else { throw error }
                // It was acknowledged, so it counts, although it cannot be read.
                let time =
                    vault.copies(of: id).compactMap(\.receipt?.time).min()
                    ?? vault.region.clock.now()
                points.append(
                    ReplicationPlan.Point(
                        id: id, item: "(no good copy)", sequence: 0, time: time, byteCount: 0))
            }
        }
        return points.sorted { ($0.time, $0.id) < ($1.time, $1.id) }
    }

    /// Records which points are not in the passive region yet. Call it after each backup and each
    /// replication of a vault with a pair; it does nothing for others.
    ///
    /// - Parameters:
    ///   - added: a recovery point that was just made.
    ///   - replicated: when everything was brought across, if it just was.
    package func saveQueue(
        of place: VaultPlace, added: ReplicationPlan.Point? = nil, replicated: Int64? = nil
    ) throws(KuraError) {
        guard place.record.pair != nil else { return }
        try changeQueue(of: place) { queue throws(KuraError) in
            var waiting = try waitingPoints(of: place) ?? []
            if let added, place.replication == nil, !waiting.contains(where: { $0.id == added.id })
            {
                waiting.append(added)
            }
            queue.waiting = waiting.map(ReplicationQueue.Entry.init)
            queue.replicated = replicated ?? queue.replicated
        }
    }

    /// Forgets what waited for the region that has become the active one.
    package func resetQueue(of place: VaultPlace) throws(KuraError) {
        try changeQueue(of: place) { queue throws(KuraError) in queue.waiting = [] }
    }

    private func changeQueue(
        of place: VaultPlace, _ change: (inout ReplicationQueue) throws(KuraError) -> Void
    ) throws(KuraError) {
        let lock = try lock(.queue(place.record.id), for: "replicate", context.waits)
        defer { lock.release(removing: false) }
        let path = queuePath(place.record.id)
        var queue = ReplicationQueue.load(path) ?? ReplicationQueue(vault: place.name, waiting: [])
        queue.vault = place.name
        try change(&queue)
        try queue.save(path)
    }

    /// Adds a recovery point that a backup made in `vault` to the queue.
    /// - Returns: a warning when the home could not be written; the point is durable all the same.
    public func noteBackup(_ report: BackupReport, in vault: Vault) -> String? {
        do throws(KuraError) {
            let place = place(of: vault)
            try saveQueue(of: place, added: ReplicationPlan.Point(report.id, report.point))
            return nil
        } catch {
            return "the home did not record that \(report.id.short) waits for replication: "
                + error.message
        }
    }
}

extension ReplicationPlan.Point {
    /// A point with the bytes that its backup added.
    init(_ id: RecoveryPointID, _ point: RecoveryPoint) {
        self.init(
            id: id, item: point.item, sequence: point.sequence, time: point.time,
            byteCount: point.storedBytes)
    }
}
