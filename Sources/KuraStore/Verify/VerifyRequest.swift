public import KuraFormat
public import KuraIO

/// What to verify.
public struct VerifyRequest: Sendable {
    public enum Level: String, Sendable, CaseIterable {
        /// Hash and structure of every file.
        case packs
        /// Also decode and hash every chunk, and follow every recovery point.
        case chunks
    }

    public var level: Level
    /// Only this replica; nil for all.
    public var replica: Int?
    /// Only what this recovery point needs; nil for everything.
    public var point: RecoveryPointID?
    /// In nanoseconds: copies of packs that were read in full and found good within this time are
    /// not read again; nil reads every copy.
    public var maxAge: Int64?
    /// In nanoseconds: no pack is begun after this time; nil for no limit. Packs not read for the
    /// longest time come first, so several short verifications read all of them.
    public var maxDuration: Int64?
    /// Whether what is found damaged is healed, as far as there are good bytes for it.
    public var repair: Bool
    /// Nil for what the vault's budget allows.
    public var threads: Int?

    public init(
        level: Level = .packs, replica: Int? = nil, point: RecoveryPointID? = nil,
        maxAge: Int64? = nil, maxDuration: Int64? = nil, repair: Bool = false,
        threads: Int? = nil
    ) {
        self.level = level
        self.replica = replica
        self.point = point
        self.maxAge = maxAge
        self.maxDuration = maxDuration
        self.repair = repair
        self.threads = threads
    }
}

/// What a verification read and found.
public struct VerifyReport: Sendable {
    /// Copies of packs that were read.
    public var packs = 0
    /// Copies of packs that were not, because they were read within `maxAge`, or the time was up.
    public var skipped = 0
    /// Chunks that were decoded and hashed; 0 at level packs.
    public var chunks: UInt64 = 0
    /// Bytes of files that were read.
    public var bytes: UInt64 = 0
    public var damaged: [Damage] = []
    /// When that one of `copies` was read in full and found good for which it is longest ago, in
    /// nanoseconds since 1970. Copies in replicas that are away do not count; nil when some copy
    /// never was, or there is none.
    public var oldestVerified: Int64?
    /// Copies of packs that the request is about, also in replicas that are away.
    public var copies = 0
    /// Of `copies`, those read in full and found good within `maxAge`; without `maxAge`, ever.
    public var provenCopies = 0
    /// Files that a newer Kura wrote: they are not damaged, and this version cannot read them.
    public var tooNew: [Damage] = []
    /// What could not be done although nothing is damaged, for people.
    public var warnings: [String] = []
    public var seconds: Double = 0
    public var stages = StageTimes()

    public init() {}

    /// Damage that was not healed.
    public var remaining: [Damage] { damaged.filter { !$0.isRepaired } }
}

extension Vault {
    /// Reads the files that the request names in every usable replica and reports which are damaged
    /// or missing.
    ///
    /// Damage is part of the report, not an error. Where `request.point` cannot be followed, it is
    /// unknown what it needs, and every pack is read.
    /// Changes nothing but the file in each replica that records which pack was verified when,
    /// unless `request.repair` asks for healing.
    /// - Throws: `interrupted`; `notFound` where the vault has no `request.point`; the error of a
    ///   listing that fails in every replica.
    public func verify(
        _ request: VerifyRequest, progress: Progress = Progress(),
        cancellation: Cancellation = Cancellation()
    ) throws(KuraError) -> VerifyReport {
        let lease = try lease(cancellation)
        defer { lease.end() }
        return try Verification(
            self, request, progress: progress, cancellation: cancellation
        ).run()
    }
}
