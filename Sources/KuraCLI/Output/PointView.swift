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

    /// - Parameter withCounts: the counts of the backup that made it, too.
    func json(withCounts: Bool) -> JSON {
        let counts = point.counts
        var members: [String: JSON] = [
            "id": .string(id.hex),
            "recovery_point": .string(id.hex),
            "vault": .string(vault.record.name),
            "item": .string(point.item),
            "time": .string(Units.utc(point.time)),
            "sequence": .number(point.sequence),
            "consistency": .string(point.consistency.name),
            "tags": .array(point.tags.map(JSON.string)),
            "expires": JSON(expires.map(Units.utc)),
            "parent": JSON(point.parent?.hex),
            "logical_bytes": .number(counts.logicalBytes),
            "new_bytes": .number(counts.newBytes),
            "under_replicated": .bool(isUnderReplicated),
            "disks": .array(point.disks.map(Self.json)),
        ]
        if withCounts {
            members["data_bytes"] = .number(counts.dataBytes)
            members["stored_bytes"] = .number(point.storedBytes)
            members["chunks"] = .number(counts.chunks)
            members["new_chunks"] = .number(counts.newChunks)
        }
        return .object(members)
    }

    private static func json(_ disk: DiskRecord) -> JSON {
        [
            "name": .string(disk.name),
            "logical_bytes": .number(disk.counts.logicalBytes),
            "data_bytes": .number(disk.counts.dataBytes),
            "new_bytes": .number(disk.counts.newBytes),
            "chunks": .number(disk.counts.chunks),
            "new_chunks": .number(disk.counts.newChunks),
            "changed_while_read": .bool(disk.changedWhileRead),
            "source": .string(disk.source),
        ]
    }
}
