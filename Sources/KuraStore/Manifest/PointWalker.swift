internal import KuraFormat
internal import KuraIO

/// A subtree of a manifest tree, added up.
struct TreeSummary {
    /// Sum of the lengths of its chunks.
    var dataBytes: UInt64 = 0
    /// Where the last of its chunks ends, in bytes from the start of the stretch of the disk that
    /// it covers; 0 without chunks.
    var end: UInt64 = 0
    /// A bit for each replica that lacks a pack which it needs.
    var lackingIn: UInt8 = 0

    /// Adds a child.
    /// - Parameter start: where the stretch of the child starts, in bytes from the start of this
    ///   one.
    mutating func add(_ child: TreeSummary, at start: UInt64) {
        dataBytes &+= child.dataBytes
        if child.end > 0 { end = max(end, start &+ child.end) }
        lackingIn |= child.lackingIn
    }
}

extension DiskRecord {
    /// Throws `damaged` where the record of a disk contradicts its tree. Restore and verification
    /// both call it, so that they refuse the same.
    func check(_ tree: TreeSummary) throws(KuraError) {
        guard tree.end <= byteCount else {
            throw KuraError(
                .damaged,
                "disk \(name) has \(byteCount) bytes, but chunks to byte \(tree.end)")
        }
        guard tree.dataBytes == counts.dataBytes else {
            throw KuraError(
                .damaged,
                "disk \(name) has \(tree.dataBytes) bytes of data instead of "
                    + "\(counts.dataBytes)", remedy: .vault(.verify()))
        }
    }
}

/// Follows manifest trees and looks up every node and chunk in the index. A node that several
/// trees share is followed once. Used by one thread.
final class PointWalker {
    private let index: ChunkIndex
    private let lost: [PackID: LostFrames]
    private let lacking: [PackID: UInt8]
    private let other: ChunkIndex?
    private let otherBlocks = BlockCache()
    private let blocks = BlockCache()
    private let reader: ManifestReader
    /// By level: a node is followed again where a tree has it at another level, which is an error.
    private var walked = [[NodeID: TreeSummary]](repeating: [:], count: Limits.nodeLevelMax + 1)
    /// Packs that the trees need which were followed so far.
    private(set) var packs = Set<PackID>()

    /// - Parameters:
    ///   - lost: frames that are good in no copy.
    ///   - other: `packs` leaves out chunks and nodes that this index lists.
    ///   - lacking: per pack, the ordinals of replicas that do not hold it.
    init(
        _ index: ChunkIndex, lost: [PackID: LostFrames] = [:], unlessIn other: ChunkIndex? = nil,
        lacking: [PackID: Set<Int>] = [:]
    ) {
        self.index = index
        self.lost = lost
        self.other = other
        self.lacking = lacking.mapValues { $0.reduce(0) { $0 | 1 << UInt8($1) } }
        reader = ManifestReader(index, PackReader(index.vault), blocks: blocks)
    }

    /// Follows every disk of a point. Throws `damaged` at the first node or chunk that is missing
    /// or lost, or where the record of a disk contradicts its tree.
    func walk(_ point: RecoveryPoint) throws(KuraError) {
        for disk in point.disks { _ = try walk(disk) }
    }

    /// Ordinals of the replicas that lack a pack which a point needs.
    func replicasLacking(_ point: RecoveryPoint) throws(KuraError) -> Set<Int> {
        var bits: UInt8 = 0
        for disk in point.disks { bits |= try walk(disk).lackingIn }
        return Set((0..<Limits.replicasMax).filter { bits >> UInt8($0) & 1 == 1 })
    }

    /// Those of `points` that need a node or chunk which is missing or lost.
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

    /// Like `walk` of a point, for one disk.
    @discardableResult
    func walk(_ disk: DiskRecord) throws(KuraError) -> TreeSummary {
        var tree = TreeSummary()
        if let root = disk.root {
            tree = try walk(node: root, level: ManifestNode.rootLevel(diskBytes: disk.byteCount))
        }
        try disk.check(tree)
        return tree
    }

    /// - Parameter level: at least 1; leaves are read with the node of their extent.
    private func walk(node id: NodeID, level: Int) throws(KuraError) -> TreeSummary {
        if let known = walked[level][id] { return known }
        var tree = TreeSummary()
        tree.lackingIn = try find(id, "manifest node")
        guard case .inner(_, let children) = try reader.node(id, level: level) else { return tree }
        let step = ManifestNode.spanBytes(level: level - 1)
        for (slot, child) in children.enumerated() {
            guard let child else { continue }
            if level > 1 {
                tree.add(try walk(node: child, level: level - 1), at: UInt64(slot) &* step)
            } else {
                tree.lackingIn |= try find(child, "manifest node")
            }
        }
        if level == 1 {
            for chunk in try reader.chunks(ofExtent: id) {
                tree.lackingIn |= try find(chunk.id, "chunk")
                tree.dataBytes += UInt64(chunk.byteCount)
                tree.end = UInt64(chunk.offset + chunk.byteCount)
            }
        }
        walked[level][id] = tree
        return tree
    }

    /// - Returns: a bit for each replica that lacks the pack of a node or chunk.
    private func find(_ id: Digest, _ what: String) throws(KuraError) -> UInt8 {
        guard let place = try index.find(id, blocks) else {
            throw KuraError(.damaged, "\(what) \(id.short) is in no pack")
        }
        if let frames = lost[place.pack], frames.contains(place.frame) {
            throw KuraError(
                .damaged,
                "\(what) \(id.short) is in frame \(place.frame) of pack "
                    + "\(place.pack.short), which has no good copy")
        }
        if let other, try other.contains(id, otherBlocks) { return 0 }
        packs.insert(place.pack)
        return lacking.isEmpty ? 0 : lacking[place.pack] ?? 0
    }
}
