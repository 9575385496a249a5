/// The identity of one replica directory. Without it a directory is a missing replica, never an
/// empty one: an unmounted disk leaves an empty directory behind.
public struct ReplicaRecord: Equatable, Sendable {
    public var region: UniqueID
    public var regionName: String
    /// 0, 1 or 2.
    public var ordinal: UInt8
    /// Nanoseconds since 1970-01-01T00:00:00Z.
    public var created: Int64

    public init(region: UniqueID, regionName: String, ordinal: UInt8, created: Int64) {
        self.region = region
        self.regionName = regionName
        self.ordinal = ordinal
        self.created = created
    }

    public func encoded() -> [UInt8] {
        var writer = ByteWriter(reserving: 64)
        writer.uniqueID(region)
        writer.text(regionName)
        writer.integer(ordinal)
        writer.integer(created)
        return SealedRecord.encode(.replica, body: writer.bytes)
    }

    public static func decode(_ bytes: [UInt8]) throws(FormatError) -> ReplicaRecord {
        try SealedRecord.decode(.replica, from: bytes) { reader throws(FormatError) in
            let record = ReplicaRecord(
                region: try reader.uniqueID(),
                regionName: try reader.name("region name"),
                ordinal: try reader.uint8(), created: try reader.int64())
            guard record.ordinal < Limits.replicasMax else {
                throw .invalidField(.replica, field: "ordinal")
            }
            return record
        }.value
    }
}
