public import KuraFormat
public import KuraIO

/// What to back up, and how.
public struct BackupRequest: Sendable {
    public typealias Disk = SourceDisk

    /// A caller's own rules for what makes a point. What they throw ends the backup without one.
    public struct Review: Sendable {
        public typealias Sources =
            @Sendable (_ newest: RecoveryPoint?) throws(KuraError) -> Void
        public typealias Disks =
            @Sendable (_ read: [DiskRecord], _ newest: RecoveryPoint?) throws(KuraError) -> Void

        /// Called before anything is read, with the item's newest point; nil before the first one.
        public var sources: Sources
        /// Called when every disk was read to its end, before the point is made.
        public var disks: Disks

        public init(sources: @escaping Sources, disks: @escaping Disks) {
            self.sources = sources
            self.disks = disks
        }
    }

    public var item: String
    public var disks: [Disk]
    public var consistency: Consistency
    /// Called once, after the last byte of every disk was read; returns the consistency of the
    /// point. Nil where `consistency` cannot change while disks are read.
    public var confirmConsistency: (@Sendable () -> Consistency)?
    /// What the point is kept for, at most `Limits.tagsMax`.
    public var tags: [String] = []
    /// The point's time, in nanoseconds since 1970; nil for the start of the read.
    public var time: Int64?
    /// Level of zstd, `Compressor.levels`.
    public var level: Int
    /// Whether every byte goes through SHA-256 even where the MACs of the parent's chunks show that
    /// nothing has changed.
    public var isParanoid = false
    /// Decides whether the point is made; nil where it always is.
    public var review: Review?
    /// Worker threads; each reads, chunks, hashes and compresses extents. Nil for what the vault's
    /// budget allows.
    public var threads: Int?

    /// Chosen by measurement: see Sources/RATIONALE.md.
    public static let defaultLevel = Tuning.compressionLevel

    public init(
        item: String, disks: [Disk], consistency: Consistency = .crashConsistent,
        level: Int = BackupRequest.defaultLevel, threads: Int? = nil
    ) {
        self.item = item
        self.disks = disks
        self.consistency = consistency
        self.level = level
        self.threads = threads
    }
}

/// What a backup did.
public struct BackupReport: Sendable {
    public var id: RecoveryPointID
    public var point: RecoveryPoint
    /// Of the point's `storedBytes`, those that are no frames of data packs: manifest packs, index
    /// runs, and headers, trailers and footers of data packs.
    public var metadataBytes: UInt64
    /// Plain bytes of chunks that the vault held, and that were stored once more, close together,
    /// because their frames hold little else that the point needs.
    public var rewrittenBytes: UInt64
    public var seconds: Double
    /// Things the user should know although the recovery point is good.
    public var warnings: [String]
    public var stages: StageTimes
    /// Ordinals of the replicas in which the recovery point is durable.
    public var replicas: [Int]
    /// Why it is not in the others, in the order of their ordinals.
    public var absences: [KuraError]
    /// Nanoseconds that the replicas' threads spent writing and flushing, added up.
    public var replicaNanoseconds: Int64
    /// Copies of packs that were missing when the backup began, and what it did about each before
    /// its own work: see `Vault.heal`.
    public var healed: [Damage] = []

    /// Whether some replica of the vault does not hold the recovery point.
    public var isUnderReplicated: Bool { !absences.isEmpty }
}
