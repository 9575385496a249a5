internal import KuraFormat
internal import KuraIO

/// Follows manifest trees and finds every chunk in the index. Shared nodes are walked once.
final class PointWalker {
    private let index: ChunkIndex
    private let lost: [PackID: LostFrames]
    private let other: ChunkIndex?
    private let otherBlocks = BlockCache()
    private let blocks = BlockCache()
    private let reader: ManifestReader
    private var walked = Set<NodeID>()
    /// Packs that what was walked needs.
    private(set) var packs = Set<PackID>()

    /// - Parameters:
    ///   - lost: frames of which no copy is right.
    ///   - other: an index whose chunks need no pack: `packs` leaves them out.
    init(
        _ index: ChunkIndex, lost: [PackID: LostFrames] = [:], unlessIn other: ChunkIndex? = nil
    ) {
        self.index = index
        self.lost = lost
        self.other = other
        reader = ManifestReader(index, PackReader(index.vault), blocks: blocks)
    }

    /// Throws at the first node or chunk that is not there.
    func walk(_ point: RecoveryPoint) throws(KuraError) {
        for disk in point.disks { try walk(disk) }
    }

    /// Those of some points that need what is not there.
    func lacking(
        _ points: [(id: RecoveryPointID, point: RecoveryPoint)]
    ) throws(KuraError) -> [RecoveryPointID] {
        var lacking: [RecoveryPointID] = []
        for (id, point) in points {
            do throws(KuraError) {
                try walk(point)
            } catch {
                guard error.code == .damaged || error.code == .notFound else { throw error }
                lacking.append(id)
            }
        }
        return lacking
    }

    /// Throws at the first node or chunk that is not there.
    func walk(_ disk: DiskRecord) throws(KuraError) {
        guard let root = disk.root else { return }
        try walk(node: root, level: ManifestNode.rootLevel(diskBytes: disk.byteCount))
    }

    /// - Parameter level: at least 1; leaves are looked at with the extent that they belong to.
    private func walk(node id: NodeID, level: Int) throws(KuraError) {
        if walked.contains(id) { return }
        try find(id, "manifest node")
        guard case .inner(_, let children) = try reader.node(id, level: level) else { return }
        for child in children {
            guard let child else { continue }
            if level > 1 {
                try walk(node: child, level: level - 1)
            } else {
                try find(child, "manifest node")
            }
        }
        if level == 1 {
            for chunk in try reader.chunks(ofExtent: id) { try find(chunk.id, "chunk") }
        }
        walked.insert(id)
    }

    private func find(_ id: Digest, _ what: String) throws(KuraError) {
        guard let place = try index.find(id, blocks) else {
            throw KuraError(.damaged, "\(what) \(id.short) is in no pack")
        }
        if let frames = lost[place.pack], frames.contains(place.frame) {
            throw KuraError(
                .damaged,
                "\(what) \(id.short) is in frame \(place.frame) of pack "
                    + "\(place.pack.short), which has no good copy")
        }
        if let other, try other.contains(id, otherBlocks) { return }
        packs.insert(place.pack)
    }
}
