internal import KuraCodec
package import KuraFormat
internal import KuraIO

/// Reads nodes of manifest trees. One thread uses it at a time.
final class ManifestReader {
    private let index: ChunkIndex
    private let blocks: BlockCache
    private let frames: FrameCache

    init(_ index: ChunkIndex, _ packs: PackReader, blocks: BlockCache) {
        self.index = index
        self.blocks = blocks
        frames = FrameCache(packs, capacity: 4)
    }

    /// Reads node `id`, which must be of `level`, and compares it with its name. Throws `damaged`
    /// where it is in no pack or has no good copy.
    func node(_ id: NodeID, level: Int) throws(KuraError) -> ManifestNode {
        guard let place = try index.find(id, blocks) else {
            throw KuraError(
                .damaged, "manifest node \(id.short) is in no pack",
                remedy: .vault(.repair(.chunks)))
        }
        do {
            let bytes = try bytesAnywhere(of: id, at: place)
            return try ManifestNode(decoding: bytes, level: level)
        } catch let error as FormatError {
            throw KuraError(format: error, at: nil)
        } catch {
            throw KuraError(error)
        }
    }

    /// The bytes of a node, also where the location that the index has is wrong. Valid until the
    /// next call.
    private func bytesAnywhere(
        of id: NodeID, at place: FoundChunk
    ) throws -> UnsafeRawBufferPointer {
        do {
            return try bytes(of: id, at: place)
        } catch {
            guard (error as? KuraError)?.code != .interrupted else { throw error }
            let found = try index.readElsewhere(id, than: place, through: blocks) {
                try bytes(of: id, at: $0)
            }
            guard let found else { throw error }
            return found
        }
    }

    /// The index has no lengths, so that of a node is read from the node's own header: a frame's
    /// plain bytes hold whole nodes, one after the other.
    private func bytes(
        of id: NodeID, at place: FoundChunk
    ) throws -> UnsafeRawBufferPointer {
        var failure: any Error = FormatError.checksumMismatch(.node)
        for checked in [false, true] {
            let plain = try frames.frame(place.frame, of: place.pack, checked: checked)
            do {
                guard place.plainOffset < plain.count else {
                    throw FormatError.invalidField(.node, field: "offset")
                }
                let rest = UnsafeRawBufferPointer(rebasing: plain[place.plainOffset...])
                let count = try ManifestNode.encodedByteCount(rest)
                let bytes = UnsafeRawBufferPointer(rebasing: rest[..<count])
                if ChunkHasher.digest(bytes) == id { return bytes }
            } catch {
                failure = error
            }
        }
        throw failure
    }

    /// Calls `body` for every extent of a disk that has data, in ascending order.
    /// - Parameter body: gets the number of the extent, and its node.
    func forEachExtent(
        of disk: DiskRecord, _ body: (Int, NodeID) throws(KuraError) -> Void
    ) throws(KuraError) {
        guard let root = disk.root else { return }
        let level = ManifestNode.rootLevel(diskBytes: disk.byteCount)
        try descend(root, level: level, first: 0, body)
    }

    private func descend(
        _ id: NodeID, level: Int, first: Int, _ body: (Int, NodeID) throws(KuraError) -> Void
    ) throws(KuraError) {
        if level == 1 { return try body(first, id) }
        guard case .inner(_, let children) = try node(id, level: level) else { return }
        let step = Limits.nodeFanOut.power(level - 2)
        for (slot, child) in children.enumerated() {
            if let child {
                try descend(child, level: level - 1, first: first + slot * step, body)
            }
        }
    }

    /// The node of one extent of a disk; nil where the extent is a hole.
    func extent(_ number: Int, of disk: DiskRecord) throws(KuraError) -> NodeID? {
        guard var id = disk.root else { return nil }
        var level = ManifestNode.rootLevel(diskBytes: disk.byteCount)
        while level > 1 {
            guard case .inner(_, let children) = try node(id, level: level) else { return nil }
            let step = Limits.nodeFanOut.power(level - 2)
            guard let child = children[number / step % Limits.nodeFanOut] else { return nil }
            id = child
            level -= 1
        }
        return id
    }

    /// The chunks of an extent, ascending, without overlap.
    func chunks(ofExtent id: NodeID) throws(KuraError) -> [ExtentChunk] {
        guard case .inner(_, let children) = try node(id, level: 1) else { return [] }
        var chunks: [ExtentChunk] = []
        for (slot, child) in children.enumerated() {
            guard let child else { continue }
            guard case .leaf(let entries) = try node(child, level: 0) else { continue }
            let start = slot * Limits.leafSpanBytes
            for entry in entries {
                chunks.append(
                    ExtentChunk(
                        offset: start + Int(entry.offset), byteCount: Int(entry.byteCount),
                        id: entry.id, mac: entry.mac))
            }
        }
        try Self.check(chunks)
        return chunks
    }

    /// Chunks must follow each other without overlap and stay in their extent.
    private static func check(_ chunks: [ExtentChunk]) throws(KuraError) {
        var end = 0
        for chunk in chunks {
            guard chunk.offset >= end, chunk.offset + chunk.byteCount <= Limits.extentBytes else {
                throw KuraError(format: .invalidField(.node, field: "offset"), at: nil)
            }
            end = chunk.offset + chunk.byteCount
        }
    }
}

/// A chunk in an extent.
package struct ExtentChunk: Equatable {
    /// Bytes from the extent's start.
    package var offset: Int
    package var byteCount: Int
    package var id: ChunkID
    /// Its MAC under the vault's key; nil in a vault without a key.
    package var mac: ChunkMAC?

    package init(offset: Int, byteCount: Int, id: ChunkID, mac: ChunkMAC?) {
        self.offset = offset
        self.byteCount = byteCount
        self.id = id
        self.mac = mac
    }
}

extension Int {
    func power(_ exponent: Int) -> Int { (0..<exponent).reduce(1) { value, _ in value * self } }
}
