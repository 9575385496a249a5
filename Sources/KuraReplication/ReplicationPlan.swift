public import KuraFormat
public import KuraIO
internal import KuraReplicas
public import KuraStore

/// What one region lacks of a vault that another one has.
///
/// It is the difference of two sets of names, computed from the regions each time. There is no
/// stored queue, so none can be lost or out of date.
public struct ReplicationPlan: Sendable, Equatable {
    /// A pack or an index run.
    public struct File: Sendable, Equatable {
        public var id: Digest
        public var byteCount: UInt64
    }

    public struct Point: Sendable, Equatable {
        public var id: RecoveryPointID
        public var item: String
        public var sequence: UInt64
        /// Start of the backup's read, in nanoseconds since 1970.
        public var time: Int64
        public var byteCount: UInt64

        public init(
            id: RecoveryPointID, item: String, sequence: UInt64, time: Int64, byteCount: UInt64
        ) {
            self.id = id
            self.item = item
            self.sequence = sequence
            self.time = time
            self.byteCount = byteCount
        }
    }

    public var vault: String
    /// Names of the regions.
    public var source: String
    public var target: String
    /// By name.
    public var packs: [File] = []
    /// Those first that supersede none of the target's: a run that does may have entries only where
    /// it knew the points that need them, and the others have the rest.
    public var runs: [File] = []
    /// Oldest first.
    public var points: [Point] = []
    /// Points that the source has, or that were dropped there.
    var sourcePoints: Set<RecoveryPointID> = []
    /// Points that were dropped in the source, and whose tombstones the target lacks.
    public var dropped: [RecoveryPointID] = []
    /// Entries of the journal that the target lacks.
    public var journal: [JournalID] = []
    /// Whether the target may have removed packs that points of the source still need: then each
    /// point is followed down to its chunks, and packs that no run lists are listed again.
    public var relists = false
    /// Whether the target lacks the newest record of the vault.
    public var copiesRecord = false
    /// What cannot be copied, because no replica of the source has a good copy, for people.
    public var problems: [String] = []

    /// Bytes that are copied to the target, counted once for all of its replicas. Tombstones,
    /// entries of the journal and the record are not counted.
    public var byteCount: UInt64 {
        (packs + runs).reduce(0) { $0 + $1.byteCount } + points.reduce(0) { $0 + $1.byteCount }
    }

    public var isEmpty: Bool {
        packs.isEmpty && runs.isEmpty && points.isEmpty && dropped.isEmpty
            && journal.isEmpty && !copiesRecord
    }
}

extension ReplicationPlan {
    /// Compares a vault in two regions.
    ///
    /// - Parameters:
    ///   - active: the vault in the region that takes backups, opened without a pair.
    ///   - passive: the same vault in the other region, likewise.
    ///   - holdsRecord: whether every replica of the other region is known to have the record.
    /// - Returns: what the passive region lacks, and what only it has.
    public static func between(
        active: Vault, passive: Vault, holdsRecord: Bool = false
    ) throws(KuraError) -> (there: ReplicationPlan, back: ReplicationPlan) {
        let (ours, theirs) = (try active.inventory(), try passive.inventory())
        // A superseded run need not be copied, in whichever region the run is that supersedes it.
        let superseded = Set((ours.runs + theirs.runs).flatMap(\.superseded))
        return (
            there: try ReplicationPlan(
                from: active, ours, to: passive, theirs, superseded: superseded,
                holdsRecord: holdsRecord),
            back: try ReplicationPlan(
                from: passive, theirs, to: active, ours, superseded: superseded)
        )
    }

    private init(
        from source: Vault, _ held: RegionInventory, to target: Vault, _ known: RegionInventory,
        superseded: Set<RunID>, holdsRecord: Bool = false
    ) throws(KuraError) {
        vault = source.record.name
        self.source = source.region.name
        self.target = target.region.name
        let live = held.runs.filter { !superseded.contains($0.id) }
        let theirs = Set(known.runs.map(\.id))
        let behind = live.filter { !known.runsEverywhere.contains($0.id) }
        let missing =
            behind.filter { theirs.isDisjoint(with: $0.superseded) }
            + behind.filter { !theirs.isDisjoint(with: $0.superseded) }
        runs = missing.map { File(id: $0.id, byteCount: $0.byteCount) }
        // A run is published after its packs, so the target has the packs of its runs, unless a
        // file was lost, which verification finds, or a prune died there that had no room to copy
        // them.
        var sources = target.interruptedSessions().isEmpty ? missing : live
        let wantsPoints = !held.points.subtracting(known.points).subtracting(known.dropped).isEmpty
        if wantsPoints {
            // A run that only the target has may supersede one of the source without listing its
            // packs: the target removed them, because it did not have the points that need them.
            let ours = Set(held.runs.flatMap(\.superseded))
            let foreign = held.runs.filter {
                superseded.contains($0.id) && !ours.contains($0.id)
            }
            relists = !foreign.isEmpty
            sources += foreign
        }
        var listed = Set<PackID>()
        let needed = sources.flatMap(\.packs).filter { listed.insert($0.id).inserted }
            .sorted { $0.id < $1.id }
        packs = try target.lacking(needed).map { File(id: $0.id, byteCount: $0.fileByteCount) }
        for run in held.unreadableRuns where !superseded.contains(run) {
            problems.append("index run \(run.short) has no good copy in region \(self.source)")
        }
        sourcePoints = held.points.union(held.dropped)
        dropped = held.dropped.subtracting(known.droppedEverywhere).sorted()
        journal = held.journal.subtracting(known.journalEverywhere).sorted()
        let wanted = held.points.subtracting(known.pointsEverywhere).subtracting(known.dropped)
        for id in wanted.sorted() {
            do throws(KuraError) {
                let point = try source.recoveryPoint(id)
                points.append(
                    Point(
                        id: id, item: point.item, sequence: point.sequence, time: point.time,
                        byteCount: try source.byteCount(of: .point(id))))
            } catch {
                // Where the target has it, it is the source that needs repair, not the target.
                guard !known.points.contains(id) else { continue }
                problems.append("recovery point \(id.short): \(error.message)")
            }
        }
        points.sort { ($0.time, $0.id) < ($1.time, $1.id) }
        copiesRecord = holdsRecord ? false : try !target.holdsEverywhere(source.record)
    }
}
