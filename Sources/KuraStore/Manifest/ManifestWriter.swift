internal import KuraCodec
internal import KuraFormat
internal import KuraIO

/// Builds manifest trees bottom up.
enum ManifestWriter {
    /// The nodes of one extent: its leaves, and the node above them.
    /// - Parameters:
    ///   - chunks: ascending, without overlap, inside the extent.
    ///   - store: stores the bytes of a node; they may be stored already.
    /// - Returns: the extent's node; nil when no chunk starts in it.
    static func extentNode(
        _ chunks: [ExtentChunk], store: (NodeID, [UInt8]) throws(KuraError) -> Void
    ) throws(KuraError) -> NodeID? {
        var children = [NodeID?](repeating: nil, count: Limits.nodeFanOut)
        var next = 0
        while next < chunks.count {
            let slot = chunks[next].offset / Limits.leafSpanBytes
            let start = slot * Limits.leafSpanBytes
            var entries: [LeafEntry] = []
            while next < chunks.count, chunks[next].offset < start + Limits.leafSpanBytes {
                let chunk = chunks[next]
                entries.append(
                    LeafEntry(
                        offset: UInt32(chunk.offset - start), byteCount: UInt32(chunk.byteCount),
                        id: chunk.id, mac: chunk.mac))
                next += 1
            }
            children[slot] = try keep(.leaf(entries), store)
        }
        return try inner(level: 1, children, store)
    }

    /// The tree above the extents of one disk.
    /// - Parameter extents: the node of each extent, in order; nil for one without data.
    /// - Returns: the root, of level `ManifestNode.rootLevel`; nil when the whole disk is a hole.
    static func root(
        _ extents: [NodeID?], diskBytes: UInt64,
        store: (NodeID, [UInt8]) throws(KuraError) -> Void
    ) throws(KuraError) -> NodeID? {
        var nodes = extents
        for level in 1..<ManifestNode.rootLevel(diskBytes: diskBytes) {
            var above: [NodeID?] = []
            for start in stride(from: 0, to: nodes.count, by: Limits.nodeFanOut) {
                var children = Array(nodes[start..<min(start + Limits.nodeFanOut, nodes.count)])
                children += Array(repeating: nil, count: Limits.nodeFanOut - children.count)
                above.append(try inner(level: level + 1, children, store))
            }
            nodes = above
        }
        precondition(nodes.count <= 1, "a tree has one root")
        return nodes.first ?? nil
    }

    private static func inner(
        level: Int, _ children: [NodeID?], _ store: (NodeID, [UInt8]) throws(KuraError) -> Void
    ) throws(KuraError) -> NodeID? {
        guard children.contains(where: { $0 != nil }) else { return nil }
        return try keep(.inner(level: level, children: children), store)
    }

    private static func keep(
        _ node: ManifestNode, _ store: (NodeID, [UInt8]) throws(KuraError) -> Void
    ) throws(KuraError) -> NodeID {
        let bytes = node.encoded()
        let id = ChunkHasher.digest(bytes)
        try store(id, bytes)
        return id
    }
}
