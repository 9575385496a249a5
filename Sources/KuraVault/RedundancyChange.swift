public import KuraFormat
public import KuraIO
public import KuraReplication
public import KuraStore
public import SystemPackage

/// What changing a vault's redundancy did.
public struct RedundancyChange: Sendable {
    public var vault: String
    public var from: Redundancy
    public var to: Redundancy
    /// What was copied to the pair before the switch.
    public var copied: ReplicationReport?
    /// How the copy was verified before the switch.
    public var verified: VerifyReport?
    /// Directories that hold a copy which nothing keeps up to date any more.
    public var leftBehind: [FilePath] = []
}

extension Subscription {
    /// Changes how many regions keep a vault.
    ///
    /// Frozen once the vault has a recovery point, as in Azure Backup, unless `convert`: then the
    /// copy is made and verified first, and the record is switched last. Killed anywhere before,
    /// the vault is what it was, and running it again goes on.
    public func setRedundancy(
        of place: VaultPlace, to kind: Redundancy, convert: Bool, progress: Progress = Progress(),
        cancellation: Cancellation = Cancellation()
    ) throws(KuraError) -> RedundancyChange {
        var change = RedundancyChange(vault: place.name, from: place.record.redundancy, to: kind)
        guard kind != place.record.redundancy else { return change }
        let vault = try place.writing()
        let points = try vault.heldPoints().count
        let items = try settings(of: vault).items.count
        guard items == 0 || convert else {
            throw KuraError(
                .refused, "vault \(place.name) has registered virtual machines (\(items)): its "
                    + "redundancy, \(place.record.redundancy.name), is frozen, as in Azure Backup",
                remedy: "Kura can copy, verify and then switch: "
                    + "kura vault set-redundancy \(place.name) \(kind.name) --convert")
        }
        guard points == 0 || convert else {
            throw KuraError(
                .refused, "vault \(place.name) has recovery points (\(points)): its redundancy, "
                    + "\(place.record.redundancy.name), is frozen, as in Azure Backup",
                remedy: "Kura can copy, verify and then switch: "
                    + "kura vault set-redundancy \(place.name) \(kind.name) --convert")
        }
        var record = place.record
        record.redundancy = kind
        guard record.revision < Limits.sequenceMax else {
            throw KuraError(
                .damaged, "the record of vault \(place.name) cannot be replaced: its revision is the "
                    + "highest that there is", remedy: "look at the replicas: who wrote that?")
        }
        record.revision += 1
        if kind.hasPair, record.pair == nil {
            let pair = try pairForVault(
                in: place.activeName, kind, copies: Int(record.copies))
            record.pair = pair.id
            if points > 0 || items > 0 {
                try copy(place.record, from: vault.region, to: pair, &change, progress, cancellation)
            }
        } else if !kind.hasPair, record.pair != nil {
            guard !record.failedOver else {
                throw KuraError(
                    .refused, "vault \(place.name) is active in its pair, \(place.activeName)",
                    remedy: "bring it back first: kura region failback \(place.homeRegionName)")
            }
            record.pair = nil
            change.leftBehind = place.passive?.replicas.prefix(Int(record.copies)).map {
                $0.path.appending("vaults").appending(record.id.hex)
            } ?? []
        }
        try replace(place.record, by: record, in: vault.region, operation: "redundancy")
        let changed = VaultPlace([record], regions: regions)
        if changed.isPassiveReachable, let passive = changed.passive {
            try replace(record, by: record, in: passive, operation: "redundancy")
        }
        try saveQueue(of: changed, replicated: change.copied == nil ? nil : Clock.now())
        return change
    }

    /// Copies a vault that has no pair yet to one, and reads the copy back, every chunk.
    private func copy(
        _ record: VaultRecord, from region: Region, to pair: Region, _ change: inout RedundancyChange,
        _ progress: Progress, _ cancellation: Cancellation
    ) throws(KuraError) {
        let replication = Replication(
            active: Vault(region: region, record: record),
            passive: Vault(region: pair, record: record))
        let report = try replication.run(progress: progress, cancellation: cancellation)
        change.copied = report
        if let problem = report.there.problems.first {
            throw KuraError(
                .damaged, "not everything could be copied to \(pair.name), so nothing was switched: "
                    + problem, remedy: "run: kura verify --repair, then the command again")
        }
        let verified = try replication.passive.verify(
            VerifyRequest(level: .chunks), progress: progress, cancellation: cancellation)
        change.verified = verified
        if let damage = verified.damaged.first {
            throw KuraError(
                .damaged, "the copy in \(pair.name) is not good, so nothing was switched: "
                    + "\(damage.path): \(damage.detail)",
                remedy: "look at the disk of that replica, then run the command again")
        }
    }
}
