internal import KuraFormat
public import KuraIO
internal import KuraReplicas

/// A replica that cannot be used, by what can be done about it.
public enum ReplicaVacancy: Sendable, Equatable {
    /// It is not there, but the directory that should hold it is; or it is empty.
    case empty
    /// An earlier filling of this very replica was interrupted.
    case half
    /// It holds something else, or cannot be reached: it is left as it is.
    case occupied
}

/// Filling a new replica from the others.
///
/// The identity file is written last. A directory without one is a missing replica: Kura does not
/// read it, does not count it for `min copies`, and draws no conclusion from files that it does not
/// have. If the identity were first, a crash would leave a replica that looks complete and has half
/// of the vaults. That does no harm while the other replicas are there, because all of them count
/// together; without them it would show a state that the vault never had. So until the end the same
/// record stands in the file `filling`, which says whose directory this is. What is on disk if
/// power fails:
/// - before `filling`: an empty directory, as before;
/// - before the identity: `filling` and complete files named by content; filling goes on with the
///   rest;
/// - after it: a replica. The next session copies to it what other sessions committed in the
///   meantime, as to a replica that was away. A `filling` beside the identity is ignored.
extension Region {
    /// What is in the store of a replica that cannot be used.
    public func vacancy(of ordinal: Int) throws(KuraError) -> ReplicaVacancy {
        let replica = replicas[ordinal]
        do {
            let names: [String]
            switch try replica.store.condition() {
            case .unreachable: return .occupied
            case .absent: return .empty
            case .present(let found): names = found
            }
            if names.isEmpty { return .empty }
            guard !names.contains(Layout.replicaRecord.key),
                names.contains(Layout.fillingRecord.key)
            else { return .occupied }
            let record = try ReplicaRecord.decode(
                replica.store.contents(Layout.fillingRecord, max: SealedRecord.byteCountMax))
            return record.region == id && Int(record.ordinal) == ordinal ? .half : .occupied
        } catch is FormatError {
            return .occupied
        } catch {
            throw KuraError(error)
        }
    }

    /// Marks an empty store as the replica `ordinal` that is being filled, durably. Safe to repeat.
    /// - Returns: the replica, to copy to: see `Vault.catchUp`.
    /// - Throws: `exists` where the store is occupied.
    public func beginFilling(_ ordinal: Int) throws(KuraError) -> Replica {
        let replica = replicas[ordinal]
        guard try vacancy(of: ordinal) != .occupied else {
            throw KuraError(
                .exists,
                "\(replica.place) is neither empty nor replica \(ordinal) of region \(name)",
                remedy: .advice("empty it, or give the replica another directory"))
        }
        try withKuraErrors {
            try replica.store.requireTrusted()
            try replica.store.create()
            try publishIdentity(of: replica, as: Layout.fillingRecord)
            try replica.store.prepare(Layout.vaults)
        }
        return replica
    }

    /// Makes a filled store a replica, durably. Call it when no vault of the region has a file that
    /// the store does not have; open the region anew afterwards.
    public func finishFilling(_ ordinal: Int) throws(KuraError) {
        let replica = replicas[ordinal]
        do throws(IOError) {
            try publishIdentity(of: replica, as: Layout.replicaRecord)
            try replica.store.delete([Layout.fillingRecord])
        } catch {
            throw KuraError(io: error)
        }
    }

    private func publishIdentity(of replica: Replica, as object: StoreName) throws(IOError) {
        let record = ReplicaRecord(
            region: id, regionName: name, ordinal: UInt8(replica.ordinal), created: clock.now(),
            id: .random())
        try replica.store.put(object, record.encoded(), condition: .replacing, by: .random())
    }
}
