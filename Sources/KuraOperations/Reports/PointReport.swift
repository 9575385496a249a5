public import KuraFormat

/// A recovery point with its vault and the replicas that hold it.
public struct PointReport: Sendable {
    /// The vault's name.
    public var vault: String
    /// Replicas of the region that should hold it.
    public var copies: Int
    public var id: RecoveryPointID
    public var point: RecoveryPoint
    /// Ordinals of the replicas that hold it.
    public var holders: [Int]
    /// When it may go, in nanoseconds since 1970; nil where no time is set, or was not asked for.
    public var expires: Int64?

    /// Whether it was acknowledged and is not whole in every replica that can be used.
    public var isIncomplete = false

    public var isUnderReplicated: Bool { holders.count < copies }
}
