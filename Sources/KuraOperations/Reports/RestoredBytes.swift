public import KuraIO
internal import KuraStore

/// What a restore of one disk, or of several together, wrote.
public struct RestoredBytes: Sendable {
    /// Size of the disk.
    public var bytesWritten: UInt64 = 0
    /// Of those, bytes that came from chunks; the rest are holes.
    public var dataBytes: UInt64 = 0
    /// Plain bytes of frames that were decoded.
    public var decodedBytes: UInt64 = 0
    /// What no copy has and was left out as zeros, in bytes of the disk, ascending.
    public var lost: [Range<UInt64>] = []
    public var seconds: Double = 0
    public var stages: [StageTime] = []

    init() {}

    init(_ report: RestoreReport) {
        bytesWritten = report.bytesWritten
        dataBytes = report.dataBytes
        decodedBytes = report.decodedBytes
        lost = report.lost
        seconds = report.seconds
        stages = report.stages.list
    }

    static func += (total: inout RestoredBytes, part: RestoredBytes) {
        total.bytesWritten += part.bytesWritten
        total.dataBytes += part.dataBytes
        total.decodedBytes += part.decodedBytes
        total.lost += part.lost
        total.seconds += part.seconds
        for stage in part.stages {
            if let index = total.stages.firstIndex(where: { $0.name == stage.name }) {
                total.stages[index].nanoseconds += stage.nanoseconds
            } else {
                total.stages.append(stage)
            }
        }
    }
}
