public import KuraFormat
public import KuraIO
internal import KuraReplicas
internal import KuraReplication
internal import KuraStore
internal import KuraVault
public import SystemPackage

/// How many regions shall keep a vault.
public struct RedundancyRequest: Sendable {
    /// The vault's name.
    public var vault: String
    public var kind: Redundancy
    /// Whether it is done although the vault has recovery points or machines: then they are copied
    /// and read back before the switch.
    public var converts: Bool

    public init(vault: String, kind: Redundancy, converts: Bool = false) {
        self.vault = vault
        self.kind = kind
        self.converts = converts
    }
}

/// What changing a vault's redundancy did.
public struct RedundancyChange: Sendable {
    public var vault: String
    public var from: Redundancy
    public var to: Redundancy
    /// What was copied to the pair before the switch; nil where nothing was.
    public var copied: FinishedCopies?
    /// Chunks of the copy that were read back before the switch.
    public var verifiedChunks: UInt64 = 0
    /// Directories that hold a copy which nothing keeps up to date any more.
    public var leftBehind: [FilePath] = []
    /// Empty where the vault had that redundancy already.
    public var job = ""
    /// What was met damaged on the way, each healed or with the reason why not.
    public var damage: [FoundDamage] = []
    /// Everything that the user should know, damage included.
    public var warnings: [Warning] = []
}

extension Operations {
    /// Changes how many regions keep a vault, as one job.
    ///
    /// As in Azure Backup, the redundancy of a vault with recovery points cannot be changed, unless
    /// `converts`: then the copy is made and verified first, and the record is replaced last. If it
    /// is killed before, the vault is what it was, and the same request continues the work.
    public func setRedundancy(
        _ request: RedundancyRequest
    ) throws(KuraError) -> RedundancyChange {
        let place = try subscription.place(named: request.vault)
        let (from, to) = (place.record.redundancy, request.kind)
        guard from != to else { return RedundancyChange(vault: place.name, from: from, to: to) }
        let done = try withJob(
            .changeRedundancy, vault: place.name, auditing: [place]
        ) { job throws(KuraError) in
            job.describe("\(from.name) to \(to.name)")
            return try setRedundancy(of: place, request, job)
        }
        var change = done.value
        change.job = done.id
        change.warnings = done.warnings
        return change
    }

    private func setRedundancy(
        of place: VaultPlace, _ request: RedundancyRequest, _ job: OperationJob
    ) throws(KuraError) -> RedundancyChange {
        let kind = request.kind
        var change = RedundancyChange(vault: place.name, from: place.record.redundancy, to: kind)
        let vault = try place.writing()
        let points = try vault.heldPoints().count
        let items = try subscription.settings(of: vault).items.count
        if !request.converts { try requireUnused(place, to: kind, points: points, items: items) }
        var record = place.record
        record.redundancy = kind
        guard record.revision < Limits.sequenceMax else {
            throw KuraError(
                .damaged,
                "the record of vault \(place.name) cannot be replaced: its revision is "
                    + "the highest that there is",
                remedy: .advice(
                    "restore the file vaults/\(place.record.id.hex)/vault from a replica that has "
                        + "an older one"))
        }
        record.revision += 1
        if kind.hasPair, record.pair == nil {
            let pair = try subscription.pairForVault(
                in: place.activeName, kind, copies: Int(record.copies))
            record.pair = pair.id
            if points > 0 || items > 0 {
                try copy(place.record, from: vault.region, to: pair, into: &change, job)
            }
        } else if !kind.hasPair, record.pair != nil {
            guard !record.failedOver else {
                throw KuraError(
                    .refused, "vault \(place.name) is active in its pair, \(place.activeName)",
                    remedy: .region(.failBack(place.homeRegionName)))
            }
            record.pair = nil
            change.leftBehind =
                place.passive?.replicas.prefix(Int(record.copies)).map {
                    $0.store.directory.pushing(FilePath(Layout.vault(record.id).key))
                } ?? []
        }
        try subscription.replace(
            place.record, by: record, in: vault.region, operation: "redundancy")
        let changed = VaultPlace([record], regions: subscription.regions)
        job.audit(in: [changed])
        if changed.isPassiveReachable, let passive = changed.passive {
            try subscription.replace(record, by: record, in: passive, operation: "redundancy")
        }
        try subscription.saveQueue(
            of: changed, replicated: change.copied == nil ? nil : context.clock.now())
        return change
    }

    private func requireUnused(
        _ place: VaultPlace, to kind: Redundancy, points: Int, items: Int
    ) throws(KuraError) {
        let obstacle =
            items > 0
            ? "registered virtual machines (\(items))"
            : points > 0 ? "recovery points (\(points))" : nil
        guard let obstacle else { return }
        throw KuraError(
            .refused,
            "vault \(place.name) has \(obstacle): its redundancy, "
                + "\(place.record.redundancy.name), is frozen, as in Azure Backup",
            remedy: .vault(.convert(place.name, redundancy: kind.name)))
    }

    /// Copies a vault that has no pair yet to one, and reads the copy back, every chunk.
    private func copy(
        _ record: VaultRecord, from region: Region, to pair: Region,
        into change: inout RedundancyChange, _ job: OperationJob
    ) throws(KuraError) {
        let replication = Replication(
            active: Vault(region: region, record: record),
            passive: Vault(region: pair, record: record))
        let report = try replication.run(
            progress: job.progress, cancellation: job.cancellation)
        change.copied = FinishedCopies(
            report.there, from: region.name, to: pair.name)
        change.damage = job.healMetDamage(replication.active)
        if let problem = report.there.problems.first {
            throw KuraError(
                .damaged,
                "not everything could be copied to \(pair.name), so nothing was "
                    + "switched: \(problem)", remedy: .steps([.vault(.repair(.files)), .retry()]))
        }
        let verified = try replication.passive.verify(
            VerifyRequest(level: .chunks, threads: context.budget.threads),
            progress: job.progress, cancellation: job.cancellation)
        change.verifiedChunks = verified.chunks
        if let damage = verified.damaged.first {
            throw KuraError(
                .damaged,
                "the copy in \(pair.name) is not good, so nothing was switched: "
                    + "\(damage.place): \(damage.detail)",
                remedy: .steps([.advice("look at the disk of that replica"), .retry()]))
        }
    }
}
