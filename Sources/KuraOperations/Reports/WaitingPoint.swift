public import KuraFormat
internal import KuraReplication

/// A recovery point that one region of its vault does not have yet.
public struct WaitingPoint: Equatable, Sendable {
    public var id: RecoveryPointID
    public var item: String
    public var sequence: UInt64
    /// Start of the backup's read, in nanoseconds since 1970.
    public var time: Int64
    /// Bytes that its backup stored.
    public var byteCount: UInt64

    init(_ point: ReplicationPlan.Point) {
        id = point.id
        item = point.item
        sequence = point.sequence
        time = point.time
        byteCount = point.byteCount
    }
}
