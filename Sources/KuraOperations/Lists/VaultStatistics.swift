internal import KuraFormat
public import KuraIO
internal import KuraStore

/// What vaults hold, and what that costs.
public struct VaultStatistics: Sendable {
    public var recoveryPoints = 0
    /// Sizes of all disks of all recovery points together.
    public var logicalBytes: UInt64 = 0
    /// Of those, bytes in chunks, every occurrence counted.
    public var dataBytes: UInt64 = 0
    /// Plain bytes of all data chunks in packs.
    public var uniqueBytes: UInt64 = 0
    /// Bytes of all files in one replica.
    public var storedBytes: UInt64 = 0
    /// Of `storedBytes`, all that is no frame of a data pack.
    public var metadataBytes: UInt64 = 0
    public var chunks: UInt64 = 0
    public var packs = 0

    /// Of `storedBytes`, the frames of data packs.
    public var dataBytesStored: UInt64 { storedBytes - metadataBytes }
    /// Data for each byte that is unique; 1 where there is nothing to compare.
    public var deduplication: Double { Self.ratio(dataBytes, uniqueBytes) }
    /// Unique data for each byte that is stored; likewise.
    public var compression: Double { Self.ratio(uniqueBytes, dataBytesStored) }

    private static func ratio(_ before: UInt64, _ after: UInt64) -> Double {
        after > 0 ? Double(before) / Double(after) : 1
    }
}

extension Operations {
    /// Counts what a vault holds.
    /// - Parameter name: nil for all vaults together.
    public func statistics(ofVault name: String? = nil) throws(KuraError) -> VaultStatistics {
        var total = VaultStatistics()
        for vault in try vaults(named: name) {
            let part = try vault.statistics()
            total.recoveryPoints += part.recoveryPoints
            total.logicalBytes.add(part.logicalBytes)
            total.dataBytes.add(part.dataBytes)
            total.uniqueBytes.add(part.uniqueBytes)
            total.storedBytes += part.storedBytes
            total.metadataBytes += part.metadataBytes
            total.chunks += part.chunks
            total.packs += part.packs
        }
        return total
    }
}
