public import KuraFormat
public import KuraIO
public import KuraReplication
public import KuraStore

extension Subscription {
    /// What replicating a vault would copy, both ways. Changes nothing.
    public func replicationPlan(
        of place: VaultPlace
    ) throws(KuraError) -> (there: ReplicationPlan, back: ReplicationPlan) {
        try replication(of: place).plan()
    }

    /// The vault in both regions. Throws where one of them cannot be reached.
    package func replication(of place: VaultPlace) throws(KuraError) -> Replication {
        guard let passiveName = place.passiveName else {
            throw KuraError(
                .invalidInput,
                "vault \(place.name) is \(place.record.redundancy.name): it has no "
                    + "paired region",
                remedy: .vault(.convert(place.name, redundancy: "grs")))
        }
        guard place.isActiveReachable else { throw place.unreachable }
        guard let replication = place.replication else {
            throw KuraError(
                .replicaMissing,
                "region \(passiveName), the pair of vault \(place.name), cannot "
                    + "be reached: "
                    + (place.passive?.obstacle?.message
                        ?? "the home does not know its directories"),
                remedy: .anyOf([.advice("mount its disks"), .region(.recreate(passiveName))]))
        }
        return replication
    }
}

/// How far the copy of one vault in its paired region is.
public struct VaultLag: Sendable {
    public var place: VaultPlace
    /// Recovery points that the passive region does not have yet, oldest first; nil when that is
    /// unknown.
    public var waiting: [ReplicationPlan.Point]?
    /// Bytes that have to be sent; of the points' own new data where a region is out of reach.
    public var waitingBytes: UInt64
    /// When everything was last known to be across, in nanoseconds since 1970.
    public var lastReplicated: Int64?
    /// When this was looked at, in nanoseconds since 1970.
    public var now: Int64

    /// Age of the oldest point that would be lost with the active region, in nanoseconds: 0 when
    /// none would be.
    public var recoveryPointObjective: Int64? {
        guard let waiting else { return nil }
        return waiting.first.map { Clock.elapsed(from: $0.time, to: now) } ?? 0
    }
}

extension Subscription {
    /// Measures how far behind the paired region of a vault is.
    public func lag(of place: VaultPlace) throws(KuraError) -> VaultLag {
        let waiting = place.record.pair == nil ? [] : try waitingPoints(of: place)
        var bytes = (waiting ?? []).reduce(into: 0 as UInt64) { $0.add($1.byteCount) }
        if let replication = place.replication { bytes = try replication.plan().there.byteCount }
        let queue =
            place.record.pair == nil
            ? nil : ReplicationQueue.load(queuePath(place.record.id))
        var replicated = queue?.replicated
        if replicated == nil { replicated = try newestReplication(of: place) }
        return VaultLag(
            place: place, waiting: waiting, waitingBytes: bytes,
            lastReplicated: replicated, now: context.clock.now())
    }

    /// Without the home's memory: the newest receipt of a copy in the passive region.
    private func newestReplication(of place: VaultPlace) throws(KuraError) -> Int64? {
        guard place.isPassiveReachable, let passive = place.passive else { return nil }
        let vault = Vault(region: passive, record: place.record)
        return try vault.heldPoints().compactMap { id in
            vault.copies(of: id).compactMap(\.receipt)
                .filter { $0.arrival == .replication }.map(\.time).min()
        }.max()
    }

    /// Every copy of a recovery point in both regions of its vault, the active region first.
    public func copies(of id: RecoveryPointID, in vault: Vault) -> [PointCopy] {
        let place = place(of: vault)
        return [place.active, place.passive].compactMap { $0 }.flatMap { region in
            let alone = Vault(region: region, record: vault.record)
            var copies = alone.copies(of: id)
            guard copies.contains(where: { $0.state == .here }) else { return copies }
            do throws(KuraError) {
                let reads = try alone.lastFullReads(of: alone.recoveryPoint(id))
                for place in copies.indices where copies[place].state == .here {
                    copies[place].lastFullRead = reads[copies[place].ordinal]
                }
            } catch {
                // A point that cannot be followed to its chunks was not read in full.
                return copies
            }
            return copies
        }
    }

    /// Every region's copy of a vault, or of every vault: what `verify` reads. Each with the other
    /// region behind it, to heal from. Those in regions that are away are left out; of a vault that
    /// is named, one must be there.
    /// - Parameter name: the vault; nil for all.
    public func copiesOfVaults(named name: String?) throws(KuraError) -> [Vault] {
        let places: [VaultPlace]
        if let name {
            places = [try place(named: name)]
        } else {
            places = try self.places()
        }
        var vaults: [Vault] = []
        for place in places {
            if place.isActiveReachable, let active = place.active {
                vaults.append(Vault(region: active, record: place.record, pair: place.passive))
            } else if name != nil, !place.isPassiveReachable {
                throw place.unreachable
            }
            if place.isPassiveReachable, let passive = place.passive {
                vaults.append(Vault(region: passive, record: place.record, pair: place.active))
            }
        }
        return vaults
    }
}
