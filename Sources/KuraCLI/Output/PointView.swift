import KuraFormat
import KuraStore
import KuraVault

/// A recovery point as commands show it.
struct PointView {
    private let vault: Vault
    private let id: RecoveryPointID
    private let point: RecoveryPoint
    private let holders: [Int]
    /// When it may go, in nanoseconds since 1970; nil where no time is set.
    private let expires: Int64?

    /// - Parameter holders: ordinals of the replicas that hold the point.
    init(
        _ vault: Vault, _ id: RecoveryPointID, _ point: RecoveryPoint, holders: [Int],
        expires: Int64?
    ) {
        self.expires = expires
        self.vault = vault
        self.id = id
        self.point = point
        self.holders = holders
    }

    var isUnderReplicated: Bool { holders.count < Int(vault.record.copies) }

    /// "3", or "2 of 3".
    var copies: String {
        isUnderReplicated ? "\(holders.count) of \(vault.record.copies)" : "\(holders.count)"
    }

    /// The counts of the backup that made it are among them.
    var json: JSON {
        let counts = point.counts
        let hex = id.hex
        return [
            "chunks": .number(counts.chunks),
            "consistency": .string(point.consistency.name),
            "data_bytes": .number(counts.dataBytes),
            "disks": .array(point.disks.map(Self.json)),
            "expires": JSON(expires.map(Units.utc)),
            "id": .string(hex),
            "item": .string(point.item),
            "logical_bytes": .number(counts.logicalBytes),
            "new_bytes": .number(counts.newBytes),
            "new_chunks": .number(counts.newChunks),
            "parent": JSON(point.parent?.hex),
            "recovery_point": .string(hex),
            "sequence": .number(point.sequence),
            "stored_bytes": .number(point.storedBytes),
            "tags": .array(point.tags.map(JSON.string)),
            "time": .string(Units.utc(point.time)),
            "under_replicated": .bool(isUnderReplicated),
            "vault": .string(vault.record.name),
        ]
    }

    private static func json(_ disk: DiskRecord) -> JSON {
        [
            "changed_while_read": .bool(disk.changedWhileRead),
            "chunks": .number(disk.counts.chunks),
            "data_bytes": .number(disk.counts.dataBytes),
            "logical_bytes": .number(disk.counts.logicalBytes),
            "name": .string(disk.name),
            "new_bytes": .number(disk.counts.newBytes),
            "new_chunks": .number(disk.counts.newChunks),
            "source": .string(disk.source),
        ]
    }
}
