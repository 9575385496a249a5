public import KuraFormat
public import KuraIO
public import KuraReplicas

extension Region {
    /// Creates the replicas of a region, durably, and uses those that are there already.
    ///
    /// What is on disk if power fails: some replicas with an identity, one without, the others
    /// absent. The next call with the same name and stores finds the identities and goes on; until
    /// then a store without one is no replica. A store gets an identity only while no replica of
    /// the region holds a vault: an empty one beside full ones is not new, it has lost its data.
    ///
    /// - Parameters:
    ///   - id: of the region, where that is known; nil takes the one that the replicas have, and a
    ///     new one where there is no replica yet.
    ///   - stores: by ordinal; each absent, empty, or the replica of this region with that ordinal.
    /// - Returns: the region, opened. Its `problems` name the replicas that were left as they are.
    /// - Throws: `exists` where a store holds something else.
    public static func create(
        name: String, id: UniqueID? = nil, stores: [any Store], clock: WallClock = .system,
        access: LogAccess? = nil
    ) throws(KuraError) -> Region {
        try withKuraErrors {
            var known = id
            var holdsVaults = false
            var missing: [Int] = []
            for (ordinal, store) in stores.enumerated() {
                try store.requireTrusted()
                guard let record = try identity(of: store) else {
                    try requireEmpty(store)
                    missing.append(ordinal)
                    continue
                }
                guard record.regionName == name, Int(record.ordinal) == ordinal,
                    known == nil || known == record.region
                else { throw foreign(store, record) }
                known = record.region
                if try !store.names(in: Layout.vaults).isEmpty { holdsVaults = true }
            }
            let id = known ?? .random()
            if !holdsVaults {
                for ordinal in missing {
                    try identify(
                        stores[ordinal],
                        as: ReplicaRecord(
                            region: id, regionName: name, ordinal: UInt8(ordinal),
                            created: clock.now(), id: .random()))
                }
            }
            return Region(id: id, name: name, stores: stores, clock: clock, access: access)
        }
    }

    private static func identity(of store: any Store) throws -> ReplicaRecord? {
        do {
            return try ReplicaRecord.decode(
                store.contents(Layout.replicaRecord, max: SealedRecord.byteCountMax))
        } catch let error as IOError where error.isNotFound {
            return nil
        } catch let error as FormatError {
            throw KuraError(format: error, at: store.address(of: Layout.replicaRecord))
        }
    }

    private static func foreign(_ store: any Store, _ record: ReplicaRecord) -> KuraError {
        KuraError(
            .exists, "\(store.place) is replica \(record.ordinal) of region \(record.regionName)",
            remedy: .advice("name that region and give its directories in their order, or others"))
    }

    /// Throws unless the store is absent, empty, or what an interrupted creation left.
    private static func requireEmpty(_ store: any Store) throws {
        guard case .present(let names) = try store.condition() else { return }
        for name in names {
            guard name == Layout.vaults.key, try store.isPrepared(Layout.vaults),
                try store.names(in: Layout.vaults).isEmpty
            else {
                throw KuraError(
                    .exists, "\(store.place) is not empty",
                    remedy: .advice("give each replica an empty directory of its own"))
            }
        }
    }

    private static func identify(_ store: any Store, as record: ReplicaRecord) throws(IOError) {
        try store.create()
        try store.prepare(Layout.vaults)
        // The identity comes last: a store that has one is complete.
        try store.put(Layout.replicaRecord, record.encoded(), condition: .content, by: .random())
    }
}
