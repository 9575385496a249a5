package import KuraFormat
package import KuraIO
public import KuraReplicas

/// One replica of a region.
public struct Replica: Sendable {
    /// 0, 1 or 2.
    public let ordinal: Int
    public let regionName: String
    public let store: any Store

    public init(ordinal: Int, regionName: String, store: any Store) {
        self.ordinal = ordinal
        self.regionName = regionName
        self.store = store
    }

    /// Where it is, for people.
    public var place: String { store.place }

    /// Checks that the store is trusted and is this replica of `region`. Throws `replicaMissing`
    /// where it is not there or is another one.
    package func identify(as region: UniqueID) throws(KuraError) {
        let record: ReplicaRecord
        do {
            try store.requireTrusted()
            let bytes = try store.contents(
                Layout.replicaRecord, max: SealedRecord.byteCountMax)
            record = try ReplicaRecord.decode(bytes)
        } catch let error as IOError where error.isNotFound {
            throw KuraError(
                .replicaMissing,
                "replica \(ordinal) of region \(regionName) is missing: \(place) has no identity "
                    + "file",
                remedy: .anyOf([
                    .advice("mount its disk"), .advice("correct its path"), .region(.fillReplicas),
                ]))
        } catch let error as FormatError {
            throw KuraError(format: error, at: store.address(of: Layout.replicaRecord))
        } catch {
            throw KuraError(error)
        }
        guard record.region == region, Int(record.ordinal) == ordinal else {
            throw KuraError(
                .replicaMissing,
                "\(place) is replica \(record.ordinal) of region \(record.regionName), "
                    + "not replica \(ordinal) of region \(regionName)",
                remedy: .advice("correct the replica's path in the home"))
        }
    }
}
