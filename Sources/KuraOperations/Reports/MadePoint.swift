public import KuraFormat
public import KuraIO
internal import KuraStore

/// A recovery point that a backup made, and what that cost.
public struct MadePoint: Sendable {
    public var id: RecoveryPointID
    public var point: RecoveryPoint
    /// Ordinals of the replicas in which it is durable.
    public var replicas: [Int]
    /// Of the point's `storedBytes`, those that are no frames of data packs.
    public var metadataBytes: UInt64
    /// Plain bytes of chunks that the vault held and that were stored once more, so that restores
    /// stay fast.
    public var rewrittenBytes: UInt64
    public var seconds: Double
    public var stages: [StageTime]

    init(_ report: BackupReport) {
        id = report.id
        point = report.point
        replicas = report.replicas
        metadataBytes = report.metadataBytes
        rewrittenBytes = report.rewrittenBytes
        seconds = report.seconds
        stages =
            report.stages.list + [
                StageTime("replica threads", nanoseconds: report.replicaNanoseconds, isBeside: true)
            ]
    }
}
