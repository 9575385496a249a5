public import KuraFormat
public import KuraIO

/// What to verify.
public struct VerifyRequest: Sendable {
    public enum Level: String, Sendable, CaseIterable {
        /// Hash and structure of every file.
        case packs
        /// Also decode and hash every chunk, and walk every recovery point.
        case chunks
    }

    public var level: Level
    /// Only this replica; nil for all.
    public var replica: Int?
    /// Only what this recovery point needs; nil for everything.
    public var point: RecoveryPointID?
    /// Copies of packs that were read in full and found good less than this long ago are not read
    /// again, in nanoseconds; nil: every copy is read.
    public var maxAge: Int64?
    /// No pack is begun after this long, in nanoseconds; nil: no limit. Those not read for the
    /// longest time come first, so a few short runs reach all of them.
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

public struct VerifyReport: Sendable {
    /// Copies of packs that were read.
    public var packs = 0
    /// Copies of packs that were not: read not long ago, or the time was up.
    public var skipped = 0
    /// Chunks that were decoded and hashed; 0 at level packs.
    public var chunks: UInt64 = 0
    /// Bytes of files that were read.
    public var bytes: UInt64 = 0
    public var damaged: [Damage] = []
    /// When the copy of a pack that was not read for the longest time was read, in nanoseconds
    /// since
    /// 1970. Of copies that were asked for; nil when one of them never was, or there is none.
    public var oldestVerified: Int64?
    /// Copies of packs that were asked for.
    public var copies = 0
    /// Of `copies`, those read in full and found good within `maxAge`; ever, without `maxAge`.
    public var provenCopies = 0
    /// Files that a newer Kura wrote: they are no damage, and cannot be read here.
    public var tooNew: [Damage] = []
    /// What could not be done although nothing is damaged, for people.
    public var warnings: [String] = []
    public var seconds: Double = 0
    public var stages = StageTimes()

    public init() {}

    /// Damage that is still there.
    public var remaining: [Damage] { damaged.filter { !$0.isRepaired } }
}

extension Vault {
    /// Reads every file of the vault in every replica and reports what is not as it must be.
    ///
    /// Damage is part of the report, never an error. Changes nothing but each replica's memory of
    /// what was verified when, unless `request.repair` asks for more.
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
