public import KuraFormat
internal import KuraVault

/// How far the copy of one vault in its paired region is behind.
public struct ReplicationLag: Sendable {
    public var vault: String
    public var redundancy: Redundancy
    /// Name of the region that takes backups.
    public var active: String
    /// Name of the other region; nil without a pair.
    public var passive: String?
    public var isFailedOver: Bool
    public var isActiveReachable: Bool
    public var isPassiveReachable: Bool
    /// Recovery points that the other region does not have yet, oldest first; nil when that is
    /// unknown.
    public var waiting: [WaitingPoint]?
    /// Bytes that replication would send.
    public var waitingBytes: UInt64
    /// When both regions were last known to be equal, in nanoseconds since 1970.
    public var lastReplicated: Int64?
    /// Age of the oldest point that would be lost with the active region, in nanoseconds: 0 when
    /// none would be, nil when that is unknown.
    public var recoveryPointObjective: Int64?

    init(_ lag: VaultLag) {
        let place = lag.place
        vault = place.name
        redundancy = place.record.redundancy
        active = place.activeName
        passive = place.passiveName
        isFailedOver = place.record.failedOver
        isActiveReachable = place.isActiveReachable
        isPassiveReachable = place.isPassiveReachable
        waiting = lag.waiting.map { $0.map { WaitingPoint($0) } }
        waitingBytes = lag.waitingBytes
        lastReplicated = lag.lastReplicated
        recoveryPointObjective = lag.recoveryPointObjective
    }
}
