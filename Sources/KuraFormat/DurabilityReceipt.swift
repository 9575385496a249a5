/// How a recovery point came into a replica.
public enum Arrival: UInt8, Sendable, CaseIterable {
    /// The backup that made the point wrote it.
    case backup = 1
    /// The replica had been away, and was brought up to date from others of its region.
    case catchUp = 2
    /// It was copied from the paired region.
    case replication = 3
    /// It was there without a receipt; the time is that of its file.
    case found = 4

    /// The word in JSON and on screen.
    public var name: String {
        switch self {
        case .backup: "backup"
        case .catchUp: "catch-up"
        case .replication: "replication"
        case .found: "found"
        }
    }
}

/// When one recovery point became durable in one replica: written once, after the fact.
///
/// Each replica has its own; nothing that a restore needs is in it, so losing one loses knowledge
/// only.
public struct DurabilityReceipt: Equatable, Sendable {
    public var vault: UniqueID
    public var point: RecoveryPointID
    public var region: UniqueID
    /// Which replica of the region: 0, 1 or 2.
    public var ordinal: UInt8
    /// Not before the point was durable. Nanoseconds since 1970-01-01T00:00:00Z.
    public var time: Int64
    public var arrival: Arrival

    public init(
        vault: UniqueID, point: RecoveryPointID, region: UniqueID, ordinal: UInt8, time: Int64,
        arrival: Arrival
    ) {
        self.vault = vault
        self.point = point
        self.region = region
        self.ordinal = ordinal
        self.time = time
        self.arrival = arrival
    }

    public func encoded() -> [UInt8] {
        var writer = ByteWriter(reserving: 96)
        writer.uniqueID(vault)
        writer.digest(point)
        writer.uniqueID(region)
        writer.integer(ordinal)
        writer.integer(time)
        writer.integer(arrival.rawValue)
        return SealedRecord.encode(.receipt, body: writer.bytes)
    }

    public static func decode(_ bytes: [UInt8]) throws(FormatError) -> DurabilityReceipt {
        try SealedRecord.decode(.receipt, from: bytes) { reader throws(FormatError) in
            let (vault, point) = (try reader.uniqueID(), try reader.digest())
            let (region, ordinal) = (try reader.uniqueID(), try reader.uint8())
            guard ordinal < Limits.replicasMax else {
                throw .invalidField(.receipt, field: "ordinal")
            }
            let time = try reader.int64()
            guard let arrival = Arrival(rawValue: try reader.uint8()) else {
                throw .invalidField(.receipt, field: "arrival")
            }
            return DurabilityReceipt(
                vault: vault, point: point, region: region, ordinal: ordinal, time: time,
                arrival: arrival)
        }.value
    }
}
