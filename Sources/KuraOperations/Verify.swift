internal import KuraFormat
public import KuraIO
internal import KuraStore
public import KuraVault

/// What is verified, and whether it is repaired.
public struct Verification: Sendable {
    public enum Level: String, Sendable, CaseIterable {
        /// Hash and structure of every file.
        case packs
        /// Also decode and hash every chunk, and follow every recovery point down to its chunks.
        case chunks
    }

    /// The vault's name; nil for all.
    public var vault: String?
    /// Only what this recovery point needs: an id, its first digits, or ITEM@latest.
    public var point: String?
    public var level: Level
    /// Only this replica of each region; nil for all.
    public var replica: Int?
    /// Copies of packs that were read in full and found good less than this long ago are not read
    /// again, in nanoseconds; nil: every copy is read.
    public var maxAge: Int64?
    /// No pack is begun after this long, in nanoseconds; nil: no limit. Those not read for the
    /// longest time come first, so a few short runs reach all of them.
    public var maxDuration: Int64?
    /// Whether what is found damaged is healed, as far as there are good bytes for it.
    public var repairs: Bool

    public init(
        vault: String? = nil, point: String? = nil, level: Level = .packs, replica: Int? = nil,
        maxAge: Int64? = nil, maxDuration: Int64? = nil, repairs: Bool = false
    ) {
        self.vault = vault
        self.point = point
        self.level = level
        self.replica = replica
        self.maxAge = maxAge
        self.maxDuration = maxDuration
        self.repairs = repairs
    }
}

/// What a verification found: sums over all copies.
public struct VerificationReport: Sendable {
    /// Copies of packs that were read.
    public var packs = 0
    /// Copies of packs that were not: read not long ago, or the time was up.
    public var skipped = 0
    /// Chunks that were decoded and hashed; 0 at level packs.
    public var chunks: UInt64 = 0
    /// Bytes of files that were read.
    public var bytes: UInt64 = 0
    /// Each is healed, or still there.
    public var damaged: [FoundDamage] = []
    /// Copies of packs that were asked for.
    public var copies = 0
    /// Of `copies`, those read in full and found good within `maxAge`; ever, without `maxAge`.
    public var provenCopies = 0
    /// When the copy of a pack that was not read for the longest time was read, in nanoseconds
    /// since 1970; nil when one of them never was, or there is none.
    public var oldestVerified: Int64?
    public var seconds: Double = 0
    public var stages: [StageTime] = []
    /// One for each vault.
    public var jobs: [String] = []
    /// Everything that the user should know beside the damage.
    public var warnings: [Warning] = []
    /// What should be there and could not be read. Replicas that are away are damage.
    public var absences: [Absence] = []

    /// Damage that is still there.
    public var remaining: [FoundDamage] { damaged.filter { !$0.isRepaired } }
}

/// What is summed up while copies are read.
private struct VerificationSums {
    var report = VerificationReport()
    var stages = StageTimes()
    /// For each copy of a vault when its pack that was not read for the longest time was read.
    var oldest: [Int64?] = []

    mutating func add(_ copy: VerifyReport) {
        report.packs += copy.packs
        report.skipped += copy.skipped
        report.copies += copy.copies
        report.provenCopies += copy.provenCopies
        report.chunks += copy.chunks
        report.bytes += copy.bytes
        report.damaged += copy.damaged.map { FoundDamage($0) }
        report.absences += copy.tooNew.map { found in
            Absence(
                "\(found.place) was written by a newer Kura, and cannot be checked here: "
                    + found.detail, remedy: .useNewerKura)
        }
        report.seconds += copy.seconds
        stages += copy.stages
        if copy.copies > 0 { oldest.append(copy.oldestVerified) }
    }

    var total: VerificationReport {
        var report = report
        report.stages = stages.list
        report.oldestVerified = oldest.contains(nil) ? nil : oldest.compactMap { $0 }.min()
        return report
    }
}

extension Operations {
    /// Reads every copy of vaults and reports what is damaged, one job for each vault: a Verify
    /// job, or a Repair job where the request repairs. Damage is part of the report.
    public func verify(_ request: Verification) throws(KuraError) -> VerificationReport {
        var sums = VerificationSums()
        var operations = self
        if request.repairs {
            (operations, sums.report.damaged) = try withHealthyIdentities()
        }
        for copies in try operations.copies(of: request) {
            try operations.verify(copies, request, into: &sums)
        }
        var report = sums.total
        let told = Set(report.damaged.map(\.detail))
        report.absences += try operations.subscription.absences(of: request.vault)
            .filter { !told.contains($0.message) }
        return report
    }

    /// Per vault its copies in regions, and the point that is verified.
    private func copies(
        of request: Verification
    ) throws(KuraError) -> [(copies: [Vault], point: RecoveryPointID?)] {
        if let point = request.point {
            let found = try subscription.recoveryPoint(point, in: request.vault)
            return [([found.vault], found.id)]
        }
        var groups: [(copies: [Vault], point: RecoveryPointID?)] = []
        for vault in try subscription.copiesOfVaults(named: request.vault) {
            if groups.last?.copies.first?.id == vault.id {
                groups[groups.count - 1].copies.append(vault)
            } else {
                groups.append(([vault], nil))
            }
        }
        return groups
    }

    private func verify(
        _ group: (copies: [Vault], point: RecoveryPointID?), _ request: Verification,
        into sums: inout VerificationSums
    ) throws(KuraError) {
        let asked = VerifyRequest(
            level: request.level == .packs ? .packs : .chunks, replica: request.replica,
            point: group.point, maxAge: request.maxAge, maxDuration: request.maxDuration,
            repair: request.repairs, threads: context.budget.threads)
        let name = group.copies[0].record.name
        let identities = sums.report.jobs.isEmpty ? sums.report.damaged : []
        let done = try withJob(
            asked.repair ? .repair : .verify, vault: name,
            auditing: [subscription.place(named: name)]
        ) { job throws(KuraError) in
            for damage in identities { job.warn(damage.text()) }
            var found: [VerifyReport] = []
            for vault in group.copies {
                let copy = try vault.verify(
                    asked, progress: job.progress, cancellation: job.cancellation)
                for damage in copy.damaged { job.warn(FoundDamage(damage).text()) }
                for warning in copy.warnings { job.warn(warning) }
                found.append(copy)
            }
            job.describe(
                "\(found.reduce(0) { $0 + $1.damaged.count }) damaged, "
                    + "\(found.reduce(0) { $0 + $1.remaining.count }) of them still")
            return found
        }
        let damaged = done.value.flatMap(\.damaged).map { FoundDamage($0) }
        let told = Set((damaged + identities).map { $0.text() })
        sums.report.warnings += done.warnings.filter { !told.contains($0.message) }
        sums.report.jobs.append(done.id)
        for copy in done.value { sums.add(copy) }
    }

    /// Heals identity files of replicas that are damaged or lost while the rest is there.
    /// - Returns: the operations with which what was healed can be used.
    func withHealthyIdentities() throws(KuraError) -> (Operations, healed: [FoundDamage]) {
        var healed: [FoundDamage] = []
        for region in subscription.regions {
            for replica in region.replicas {
                if let damage = try region.repairIdentity(of: replica.ordinal) {
                    healed.append(FoundDamage(damage))
                }
            }
        }
        return (healed.isEmpty ? self : try reopened(), healed)
    }

    /// Likewise for this caller, with regions and replicas as they are now.
    func reopened() throws(KuraError) -> Operations {
        Operations(
            try Subscription.open(home: subscription.home, create: .nothing, context: context),
            context)
    }
}
