internal import KuraFormat
public import KuraIO

/// What a vault holds, and the space that it takes.
public struct Statistics: Sendable {
    /// Sizes of all disks of all recovery points together.
    public var logicalBytes: UInt64 = 0
    /// Of those, bytes in chunks, every occurrence counted.
    public var dataBytes: UInt64 = 0
    /// Plain bytes of all data chunks in packs: a chunk that several packs hold counts in each, as
    /// one does that a backup stored again (see `BackupReport.rewrittenBytes`).
    public var uniqueBytes: UInt64 = 0
    /// Bytes of packs, index runs and recovery points in one replica. Superseded runs and the other
    /// small files are not counted.
    public var storedBytes: UInt64 = 0
    /// Of `storedBytes`, those that are no frames of data packs: manifest packs, index runs,
    /// recovery points, and headers, trailers and footers of data packs.
    public var metadataBytes: UInt64 = 0
    /// Chunks in data packs.
    public var chunks: UInt64 = 0
    public var packs = 0
    public var recoveryPoints = 0

    /// Of `storedBytes`, the frames of data packs.
    public var dataBytesStored: UInt64 { storedBytes - metadataBytes }

    public init() {}
}

extension Vault {
    /// Adds up what recovery points and index runs say, and the footer (48 bytes) of each data
    /// pack.
    /// - Complexity: reads every point and run trailer, and one footer a data pack.
    public func statistics() throws(KuraError) -> Statistics {
        var statistics = Statistics()
        for (_, point) in try recoveryPoints() {
            let counts = point.counts
            statistics.logicalBytes.add(counts.logicalBytes)
            statistics.dataBytes.add(counts.dataBytes)
            statistics.recoveryPoints += 1
            statistics.metadataBytes += UInt64(point.encoded().count)
        }
        let index = try ChunkIndex.open(self)
        var frameBytes: UInt64 = 0
        for pack in index.packs {
            statistics.packs += 1
            guard pack.kind == .data else {
                statistics.metadataBytes += pack.fileByteCount
                continue
            }
            statistics.uniqueBytes.add(pack.plainByteCount)
            statistics.chunks += UInt64(pack.chunkCount)
            let metadataBytes = min(metadataBytes(of: pack), pack.fileByteCount)
            statistics.metadataBytes += metadataBytes
            frameBytes += pack.fileByteCount - metadataBytes
        }
        for run in index.runs { statistics.metadataBytes += run.trailer.fileByteCount }
        statistics.storedBytes = statistics.metadataBytes + frameBytes
        return statistics
    }

    /// Bytes of a data pack's header, trailer and footer.
    private func metadataBytes(of pack: PackSummary) -> UInt64 {
        let fixed = UInt64(PackHeader.byteCount + Footer.byteCount)
        do throws(KuraError) {
            return fixed + (try PackReader.trailerByteCount(of: pack, self))
        } catch {
            // Verification reports that no copy is good. The table of frames is not counted then.
            let chunks = UInt64(pack.chunkCount) * UInt64(ChunkEntry.byteCount)
            let header = PackHeader(kind: pack.kind, vault: id, nonce: 0)
            return fixed + UInt64(PackTrailer(header: header).encodedByteCount) + chunks
        }
    }
}
