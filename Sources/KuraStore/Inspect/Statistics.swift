internal import KuraFormat

/// What a vault holds, and what it costs.
public struct Statistics: Sendable {
    /// Sizes of all disks of all recovery points together.
    public var logicalBytes: UInt64 = 0
    /// Of those, bytes in chunks, every occurrence counted.
    public var dataBytes: UInt64 = 0
    /// Plain bytes of all data chunks, each once.
    public var uniqueBytes: UInt64 = 0
    /// Bytes of all files in one replica.
    public var storedBytes: UInt64 = 0
    /// Of `storedBytes`, those of manifest packs, index runs and recovery points.
    public var metadataBytes: UInt64 = 0
    public var chunks: UInt64 = 0
    public var packs = 0
    public var recoveryPoints = 0

    public init() {}
}

extension Vault {
    /// Counts from recovery points and index runs alone: no pack is read.
    public func statistics() throws(StoreError) -> Statistics {
        var statistics = Statistics()
        for (_, point) in try recoveryPoints() {
            let counts = point.counts
            statistics.logicalBytes += counts.logicalBytes
            statistics.dataBytes += counts.dataBytes
            statistics.recoveryPoints += 1
            statistics.metadataBytes += UInt64(point.encoded().count)
        }
        let index = try ChunkIndex.open(self)
        for pack in index.packs {
            statistics.packs += 1
            statistics.storedBytes += pack.fileByteCount
            if pack.kind == .data {
                statistics.uniqueBytes += pack.plainByteCount
                statistics.chunks += UInt64(pack.chunkCount)
            } else {
                statistics.metadataBytes += pack.fileByteCount
            }
        }
        for run in index.runs { statistics.metadataBytes += run.trailer.fileByteCount }
        let dataPacks = index.packs.filter { $0.kind == .data }
        statistics.storedBytes = statistics.metadataBytes
            + dataPacks.reduce(0) { $0 + $1.fileByteCount }
        return statistics
    }
}
