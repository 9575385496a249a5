internal import KuraFormat
public import KuraIO
internal import KuraReplicas
internal import KuraStore
internal import KuraVault

/// What bringing one replica of a vault up to date takes, or took.
public struct ReplicaCopies: Sendable {
    public var vault: String
    public var region: String
    public var replica: Int
    public var path: String
    public var files: Int
    public var bytes: UInt64
    /// Of `files`, recovery points.
    public var points: Int
    /// Whether the directory was empty, and is being filled.
    public var isNew: Bool
    /// Why it could not be brought up to date; nil where it is.
    public var problem: KuraError?
}

/// What bringing the replicas of regions up to date did, or would do.
public struct ReplicaCatchUpReport: Sendable {
    /// One for each replica of each vault.
    public var targets: [ReplicaCopies] = []
    /// Directories that became replicas: region, ordinal.
    public var filled: [(region: String, replica: Int)] = []
    /// Files without any good copy, as paths below a vault's directory.
    public var lost: [String] = []
    /// Replicas that cannot be used, and why.
    public var problems: [KuraError] = []
    public var seconds: Double = 0

    public init() {}

    /// What people should know; empty when every replica is up to date.
    public var warnings: [Warning] {
        problems.map { Warning($0) }
            + targets.compactMap { target in
                target.problem.map {
                    Warning(
                        "vault \(target.vault) in replica \(target.replica) of region "
                            + "\(target.region) is not up to date: \($0.message)",
                        remedy: $0.remedy)
                }
            }
            + lost.map { Warning("no replica has a good copy: \($0)") }
    }
}

extension Operations {
    /// Brings every replica of every region up to date, and fills directories that are empty.
    ///
    /// - Parameters:
    ///   - vaultName: only this vault; then no directory is filled, because a replica holds all.
    ///   - job: nil where only a plan is wanted: says what would be copied and changes nothing.
    func catchUp(
        vault vaultName: String?, _ job: OperationJob?
    ) throws(KuraError) -> ReplicaCatchUpReport {
        let start = Clock.steady()
        var report = ReplicaCatchUpReport()
        let only = try vaultName.map { name throws(KuraError) in
            try subscription.vault(named: name)
        }
        for region in subscription.regions where only == nil || only?.region.id == region.id {
            let filling = try only == nil ? vacant(in: region, isDryRun: job == nil) : []
            for replica in region.replicas {
                let isFilling = filling.contains { $0.ordinal == replica.ordinal }
                if let problem = region.problems[replica.ordinal], !isFilling {
                    report.problems.append(try explain(problem, of: replica, in: region))
                }
            }
            for record in try region.vaults() where only == nil || only?.id == record.id {
                let vault = Vault(region: region, record: record)
                let targets = filling.filter { $0.ordinal < Int(record.copies) }
                try catchUp(vault, filling: targets, job, into: &report)
            }
            for replica in filling where job != nil {
                let isFailed = report.targets.contains {
                    $0.region == region.name && $0.replica == replica.ordinal && $0.problem != nil
                }
                if isFailed { continue }
                try region.finishFilling(replica.ordinal)
                report.filled.append((region.name, replica.ordinal))
            }
        }
        report.seconds = Double(Clock.steady() - start) / 1e9
        return report
    }

    private func catchUp(
        _ vault: Vault, filling: [Replica], _ job: OperationJob?,
        into report: inout ReplicaCatchUpReport
    ) throws(KuraError) {
        guard let job else {
            return report.add(try vault.catchUpPlan(filling: filling), of: vault, filling: filling)
        }
        let copied = try vault.catchUp(
            filling: filling, progress: job.progress, cancellation: job.cancellation)
        report.add(copied, of: vault, filling: filling)
    }

    /// Replicas whose directory is empty or was begun to be filled. A region without any replica
    /// has nothing to fill them from.
    private func vacant(in region: Region, isDryRun: Bool) throws(KuraError) -> [Replica] {
        guard !region.available.isEmpty else { return [] }
        var vacant: [Replica] = []
        for replica in region.replicas where region.problems[replica.ordinal] != nil {
            guard try region.vacancy(of: replica.ordinal) != .occupied,
                try !subscription.isUnmounted(replica)
            else { continue }
            vacant.append(isDryRun ? replica : try region.beginFilling(replica.ordinal))
        }
        return vacant
    }

    private func explain(
        _ problem: KuraError, of replica: Replica, in region: Region
    ) throws(KuraError) -> KuraError {
        let vacancy = try region.vacancy(of: replica.ordinal)
        if vacancy != .occupied, try subscription.isUnmounted(replica) {
            return KuraError(
                problem.code,
                problem.message + "; a disk was mounted there when it was last seen, and none is "
                    + "now, so the directory is not filled",
                remedy: .anyOf([.advice("mount its disk"), .region(.recreate(region.name))]))
        }
        switch vacancy {
        case .empty, .half:
            let remedy: Remedy =
                region.available.isEmpty
                ? .anyOf([.advice("mount its disks"), .region(.recreate(region.name))])
                : .region(.fillReplicas)
            return KuraError(problem.code, problem.message, remedy: remedy)
        case .occupied:
            guard problem.code == .replicaMissing else { return problem }
            return KuraError(
                problem.code,
                problem.message + "; the directory is left alone, because it is not "
                    + "empty or its parent is not there",
                remedy: .advice("mount the replica's disk, or give it an empty directory"))
        }
    }
}

extension ReplicaCatchUpReport {
    fileprivate mutating func add(_ plan: CopyPlan, of vault: Vault, filling: [Replica]) {
        for replica in vault.replicas + filling {
            add(
                replica, of: vault, filling: filling, amount: plan.amount(for: replica.ordinal),
                problem: plan.failures[replica.ordinal])
        }
    }

    fileprivate mutating func add(
        _ copied: CopyReport, of vault: Vault, filling: [Replica]
    ) {
        for replica in vault.replicas + filling {
            add(
                replica, of: vault, filling: filling,
                amount: copied.copied[replica.ordinal] ?? CopyAmount(),
                problem: copied.failures[replica.ordinal])
        }
        lost += copied.lost.map { "\(vault.record.name): \($0.relativePath)" }
    }

    private mutating func add(
        _ replica: Replica, of vault: Vault, filling: [Replica], amount: CopyAmount,
        problem: KuraError?
    ) {
        targets.append(
            ReplicaCopies(
                vault: vault.record.name, region: vault.region.name, replica: replica.ordinal,
                path: replica.place, files: amount.files, bytes: amount.bytes,
                points: amount.points,
                isNew: filling.contains { $0.ordinal == replica.ordinal }, problem: problem))
    }
}
