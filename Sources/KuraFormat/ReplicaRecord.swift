/// The identity of one replica directory. Without it a directory is a missing replica, never an
/// empty one: an unmounted disk leaves an empty directory behind.
///
/// Version 1 had no id.
public struct ReplicaRecord: Equatable, Sendable {
    public var region: UniqueID
    public var regionName: String
    /// 0, 1 or 2.
    public var ordinal: UInt8
    /// Nanoseconds since 1970-01-01T00:00:00Z.
    public var created: Int64
    /// Random, made with the replica: one that takes the place of another has another id. A
    /// replica of version 1 has one that is derived from its record.
    public var id: UniqueID

    public init(
        region: UniqueID, regionName: String, ordinal: UInt8, created: Int64, id: UniqueID
    ) {
        self.region = region
        self.regionName = regionName
        self.ordinal = ordinal
        self.created = created
        self.id = id
    }

    public func encoded() -> [UInt8] {
        var writer = ByteWriter(reserving: 64)
        writer.uniqueID(region)
        writer.text(regionName)
        writer.integer(ordinal)
        writer.integer(created)
        writer.uniqueID(id)
        return SealedRecord.encode(.replica, body: writer.bytes)
    }

    public static func decode(_ bytes: [UInt8]) throws(FormatError) -> ReplicaRecord {
        let (found, seal) = try SealedRecord.decodeVersioned(.replica, from: bytes) {
            reader, version throws(FormatError) in
            let record = ReplicaRecord(
                region: try reader.uniqueID(),
                regionName: try reader.name("region name"),
                ordinal: try reader.uint8(), created: try reader.int64(),
                id: version == 1 ? .zero : try reader.uniqueID())
            guard record.ordinal < Limits.replicasMax else {
                throw .invalidField(.replica, field: "ordinal")
            }
            return (record, version)
        }
        var record = found.0
        if found.1 == 1 { record.id = UniqueID(firstHalfOf: seal) }
        return record
    }
}
