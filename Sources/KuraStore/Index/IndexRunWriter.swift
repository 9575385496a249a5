internal import KuraCodec
internal import KuraFormat
internal import KuraIO

/// Builds index runs and publishes them.
enum IndexRunWriter {
    /// Publishes one run over `entries` and returns it, open; nil where there are none.
    ///
    /// Every pack in `packs` must be durable in every replica: a run promises that its packs are
    /// there. Of equal names one stays. O(n log n); needs about 90 bytes of memory an entry.
    static func write(
        _ entries: [IndexEntry], packs: [PackSummary], superseded: [RunID] = [],
        to writer: ReplicaWriter
    ) throws(StoreError) -> IndexRunReader? {
        var entries = entries
        entries.sort { $0.id < $1.id }
        removeRepeated(&entries)
        guard !entries.isEmpty else { return nil }
        let (bytes, id) = encode(
            entries, packs: packs, superseded: superseded, vault: writer.vault.id)
        try writer.publish(bytes, as: .run(id))
        return try IndexRunReader(id, writer.vault)
    }

    private static func removeRepeated(_ entries: inout [IndexEntry]) {
        var kept = 0
        for index in entries.indices where index == 0 || entries[index].id != entries[kept - 1].id {
            entries[kept] = entries[index]
            kept += 1
        }
        entries.removeLast(entries.count - kept)
    }

    /// - Parameter entries: ascending, each name once, at least one.
    static func encode(
        _ entries: [IndexEntry], packs: [PackSummary], superseded: [RunID], vault: UniqueID
    ) -> (bytes: [UInt8], id: RunID) {
        let header = IndexRunHeader(vault: vault, nonce: .random(in: IndexRunHeader.nonces))
        let blockCount = Int(IndexRunTrailer.blockCount(entries: UInt64(entries.count)))
        var fences: [UInt64] = []
        fences.reserveCapacity(blockCount)
        var filter = BloomFilter(capacity: entries.count)
        for entry in entries { filter.insert(entry.id) }
        var digests = StreamingHasher()
        var bytes = header.encoded()
        bytes.reserveCapacity(bytes.count + (blockCount + 1) * IndexBlock.byteCount)
        let block = AlignedBuffer(byteCount: IndexBlock.byteCount)
        for number in 0..<blockCount {
            let start = number * IndexBlock.entriesMax
            let part = entries[start..<min(start + IndexBlock.entriesMax, entries.count)]
            IndexBlock.encode(part, number: UInt32(number), into: block.bytes)
            let checked = block.bytes[..<IndexBlock.checkedByteCount]
            let digest = ChunkHasher.digest(UnsafeRawBufferPointer(rebasing: checked))
            IndexBlock.seal(digest, into: block.bytes)
            digests.update(digest)
            fences.append(part.first!.id.word0)
            bytes.append(contentsOf: block.bytes)
        }
        let trailer = IndexRunTrailer(
            header: header, entryCount: UInt64(entries.count), blocksDigest: digests.finish(),
            packs: packs, superseded: superseded, fences: fences, filter: filter)
        let encoded = trailer.encoded()
        let id = ChunkHasher.digest(encoded)
        bytes += encoded
        bytes += Footer(trailerByteCount: UInt64(encoded.count), trailerDigest: id).encoded()
        return (bytes, id)
    }
}
