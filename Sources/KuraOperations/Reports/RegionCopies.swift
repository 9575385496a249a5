public import KuraFormat
internal import KuraReplication
internal import KuraVault

/// What would be copied of one vault from one region to the other.
public struct PlannedCopies: Sendable {
    /// A pack or an index run.
    public struct File: Sendable {
        public var id: Digest
        public var byteCount: UInt64
    }

    public var vault: String
    /// Names of the regions.
    public var source: String
    public var target: String
    /// Oldest first.
    public var points: [WaitingPoint]
    public var packs: [File]
    public var runs: [File]
    public var copiesRecord: Bool
    /// Bytes that go to the target, once for all of its replicas.
    public var byteCount: UInt64
    /// Files that cannot be copied, because no replica of the source has a good copy.
    public var problems: [String]
    public var isEmpty: Bool

    init(_ plan: ReplicationPlan) {
        vault = plan.vault
        source = plan.source
        target = plan.target
        points = plan.points.map { WaitingPoint($0) }
        packs = plan.packs.map { File(id: $0.id, byteCount: $0.byteCount) }
        runs = plan.runs.map { File(id: $0.id, byteCount: $0.byteCount) }
        copiesRecord = plan.copiesRecord
        byteCount = plan.byteCount
        problems = plan.problems
        isEmpty = plan.isEmpty
    }
}

/// What was copied of one vault from one region to the other.
public struct FinishedCopies: Sendable {
    /// Names of the regions.
    public var source: String
    public var target: String
    public var points: Int
    public var packs: Int
    public var runs: Int
    /// Bytes that were sent, once for all replicas of the target.
    public var bytes: UInt64
    /// Points that could not be copied, because a file that they need has no good copy.
    public var stuck: [WaitingPoint]
    /// Files that could not be copied, and why.
    public var problems: [String]
    /// What went wrong although everything was copied.
    public var warnings: [String]

    init(_ report: RegionCopyReport, from source: String, to target: String) {
        self.source = source
        self.target = target
        points = report.points
        packs = report.packs
        runs = report.runs
        bytes = report.bytes
        stuck = report.stuck.map { WaitingPoint($0) }
        problems = report.problems
        warnings = report.warnings
    }
}

/// What one replication of one vault did.
public struct ReplicatedVault: Sendable {
    public var vault: String
    /// From the active region to the other one.
    public var there: FinishedCopies
    /// From the other one to the active region: what only that one had.
    public var back: FinishedCopies
    public var seconds: Double
    /// Whether both regions hold the same recovery points now.
    public var isComplete: Bool

    init(_ report: ReplicationReport, of place: VaultPlace) {
        let (active, passive) = (place.activeName, place.passiveName ?? "")
        vault = place.name
        there = FinishedCopies(report.there, from: active, to: passive)
        back = FinishedCopies(report.back, from: passive, to: active)
        seconds = report.seconds
        isComplete = report.isComplete
    }
}
