internal import KuraFormat
public import KuraIO
internal import KuraReplicas

extension Region {
    /// Writes the identity file of a replica again, where that file is damaged or missing and the
    /// rest of the replica is there.
    ///
    /// A directory without identity is a missing replica, so there must be evidence that it is this
    /// one: it holds a vault that another replica of the region holds too, with a readable record,
    /// and no filling of it is unfinished. The good identity replaces the bad file by one rename;
    /// if power fails before, nothing has changed.
    ///
    /// - Returns: what was healed; nil where the identity can be read or there is no such evidence.
    ///   The region has to be opened anew after a repair.
    public func repairIdentity(of ordinal: Int) throws(KuraError) -> Damage? {
        let replica = replicas[ordinal]
        guard problems[ordinal] != nil, let damage = try identityDamage(of: replica),
            try holdsKnownVault(replica)
        else { return nil }
        let record = ReplicaRecord(
            region: id, regionName: name, ordinal: UInt8(ordinal), created: clock.now(),
            id: .random())
        do throws(IOError) {
            try replica.store.put(
                Layout.replicaRecord, record.encoded(), condition: .replacing, by: .random())
        } catch {
            throw KuraError(io: error)
        }
        var healed = damage
        healed.repairedFrom = .rebuilt
        return healed
    }

    /// The damage of a replica's identity file; nil where it can be read, also where it is that of
    /// another replica, and where the replica is being filled.
    private func identityDamage(of replica: Replica) throws(KuraError) -> Damage? {
        do {
            if try replica.store.exists(Layout.fillingRecord) { return nil }
            _ = try ReplicaRecord.decode(
                replica.store.contents(Layout.replicaRecord, max: SealedRecord.byteCountMax))
            return nil
        } catch FormatError.unsupportedVersion {
            return nil
        } catch let error as IOError where !error.isNotFound && !error.isTooLong {
            throw KuraError(io: error)
        } catch {
            return Damage(in: replica, Layout.replicaRecord, as: .replica, error)
        }
    }

    private func holdsKnownVault(_ replica: Replica) throws(KuraError) -> Bool {
        let known = Set(try vaults().map(\.id.hex))
        do throws(IOError) {
            for name in try replica.store.names(in: Layout.vaults) where known.contains(name) {
                guard let vault = UniqueID(hex: name) else { continue }
                let bytes = try replica.store.contents(
                    VaultFile.record.name(in: vault), max: SealedRecord.byteCountMax)
                do throws(FormatError) {
                    if try VaultRecord.decode(bytes).id == vault { return true }
                } catch {
                    continue
                }
            }
            return false
        } catch {
            if error.isNotFound { return false }
            throw KuraError(io: error)
        }
    }
}
