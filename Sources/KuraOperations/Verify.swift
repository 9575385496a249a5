internal import KuraFormat
public import KuraIO
public import KuraStore
internal import KuraVault

/// What is verified, and whether it is repaired.
public struct Verification: Sendable {
    /// The vault's name; nil for all.
    public var vault: String?
    /// Only what this recovery point needs: an id, its first digits, or ITEM@latest.
    public var point: String?
    /// `point` and `threads` are set by the operation.
    public var request: VerifyRequest

    public init(vault: String? = nil, point: String? = nil, _ request: VerifyRequest) {
        self.vault = vault
        self.point = point
        self.request = request
    }
}

/// What a verification found.
public struct VerificationReport: Sendable {
    /// Sums over all copies. Each damage is healed, or still there.
    public var total = VerifyReport()
    /// One for each vault.
    public var jobs: [String] = []
    /// Everything that the user should know beside the damage.
    public var warnings: [Warning] = []

    /// For each copy of a vault when its pack that was not read for the longest time was read.
    fileprivate var oldest: [Int64?] = []
}

extension Operations {
    /// Reads every copy of vaults and reports what is damaged, one job for each vault: a Verify
    /// job, or a Repair job where `request.repair` asks for healing. Damage is part of the report.
    public func verify(_ request: Verification) throws(KuraError) -> VerificationReport {
        var report = VerificationReport()
        var operations = self
        if request.request.repair {
            (operations, report.total.damaged) = try withHealthyIdentities()
        }
        for copies in try operations.copies(of: request) {
            try operations.verify(copies, request, &report)
        }
        report.total.oldestVerified =
            report.oldest.contains(nil)
            ? nil : report.oldest.compactMap { $0 }.min()
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
        _ report: inout VerificationReport
    ) throws(KuraError) {
        var asked = request.request
        asked.point = group.point
        asked.threads = context.budget.threads
        let name = group.copies[0].record.name
        let identities = report.jobs.isEmpty ? report.total.damaged : []
        let done = try withJob(
            asked.repair ? .repair : .verify, vault: name,
            auditing: [subscription.place(named: name)]
        ) { [asked] job throws(KuraError) in
            for damage in identities { job.warn(damage.text()) }
            var found: [VerifyReport] = []
            for vault in group.copies {
                let copy = try vault.verify(
                    asked, progress: job.progress, cancellation: job.cancellation)
                for damage in copy.damaged { job.warn(damage.text()) }
                for warning in copy.warnings { job.warn(warning) }
                found.append(copy)
            }
            job.describe(
                "\(found.reduce(0) { $0 + $1.damaged.count }) damaged, "
                    + "\(found.reduce(0) { $0 + $1.remaining.count }) of them still")
            return found
        }
        let told = Set((done.value.flatMap(\.damaged) + identities).map { $0.text() })
        report.warnings += done.warnings.filter { !told.contains($0.message) }
        report.jobs.append(done.id)
        for copy in done.value {
            report.total.add(copy)
            if copy.copies > 0 { report.oldest.append(copy.oldestVerified) }
        }
    }

    /// Heals identity files of replicas that are damaged or lost while the rest is there.
    /// - Returns: the operations with which what was healed can be used.
    func withHealthyIdentities() throws(KuraError) -> (Operations, healed: [Damage]) {
        var healed: [Damage] = []
        for region in subscription.regions {
            for replica in region.replicas {
                if let damage = try region.repairIdentity(of: replica.ordinal) {
                    healed.append(damage)
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

extension VerifyReport {
    /// All but `oldestVerified`, which is no sum.
    fileprivate mutating func add(_ other: VerifyReport) {
        packs += other.packs
        skipped += other.skipped
        copies += other.copies
        provenCopies += other.provenCopies
        warnings += other.warnings
        chunks += other.chunks
        bytes += other.bytes
        damaged += other.damaged
        seconds += other.seconds
        stages += other.stages
    }
}
