/// A tombstone: a recovery point that was dropped. Its file is named by the point.
///
/// Replicas and regions are brought into step by the union of what they hold, so a deletion needs
/// evidence of its own. A point with a tombstone in any replica does not exist, even where
/// its file still is. Points are named by their seal and never recur, so a tombstone is final.
public struct DroppedPoint: Equatable, Sendable {
    public var vault: UniqueID
    public var point: RecoveryPointID
    public var item: String
    /// Time of the point, in nanoseconds since 1970-01-01T00:00:00Z.
    public var time: Int64
    /// When it was dropped, likewise.
    public var dropped: Int64
    /// Why, for people: up to `Limits.textBytesMax` bytes.
    public var reason: String

    public init(
        vault: UniqueID, point: RecoveryPointID, item: String, time: Int64, dropped: Int64,
        reason: String
    ) {
        self.vault = vault
        self.point = point
        self.item = item
        self.time = time
        self.dropped = dropped
        self.reason = reason
    }

    public func encoded() -> [UInt8] {
        var writer = ByteWriter(reserving: 256)
        writer.uniqueID(vault)
        writer.digest(point)
        writer.text(item)
        writer.integer(time)
        writer.integer(dropped)
        writer.text(reason)
        return SealedRecord.encode(.dropped, body: writer.bytes)
    }

    public static func decode(_ bytes: [UInt8]) throws(FormatError) -> DroppedPoint {
        try SealedRecord.decode(.dropped, from: bytes) { reader throws(FormatError) in
            DroppedPoint(
                vault: try reader.uniqueID(), point: try reader.digest(),
                item: try reader.text("item", max: Limits.nameBytesMax),
                time: try reader.int64(), dropped: try reader.int64(),
                reason: try reader.text("reason", max: Limits.textBytesMax))
        }.value
    }
}
