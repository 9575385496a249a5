import KuraFormat
import KuraImages
import KuraOperations

/// A recovery point as commands show it.
struct PointView {
    private let report: PointReport

    init(_ report: PointReport) { self.report = report }

    /// "3", or "2 of 3".
    var copies: String {
        let count = report.holders.count
        return report.isUnderReplicated ? "\(count) of \(report.copies)" : "\(count)"
    }

    /// The counts of the backup that made it are among them.
    var json: JSON {
        let point = report.point
        let counts = point.counts
        let hex = report.id.hex
        return [
            "chunks": .number(counts.chunks),
            "consistency": .string(point.consistency.name),
            "data_bytes": .number(counts.dataBytes),
            "disks": .array(point.disks.map(Self.json)),
            "expires": JSON(report.expires.map(Units.utc)),
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
            "under_replicated": .bool(report.isUnderReplicated),
            "vault": .string(report.vault),
        ]
    }

    private static func json(_ disk: DiskRecord) -> JSON {
        let origin = DiskOrigin(disk.source)
        return [
            "changed_while_read": .bool(disk.changedWhileRead),
            "chunks": .number(disk.counts.chunks),
            "data_bytes": .number(disk.counts.dataBytes),
            "format": .string(origin.format.rawValue),
            "logical_bytes": .number(disk.counts.logicalBytes),
            "name": .string(disk.name),
            "new_bytes": .number(disk.counts.newBytes),
            "new_chunks": .number(disk.counts.newChunks),
            "source": .string(origin.place),
        ]
    }
}
