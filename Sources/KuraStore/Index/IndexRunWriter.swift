internal import KuraCodec
package import KuraFormat
package import KuraIO
internal import KuraReplicas

/// Writes index runs to all replicas, entry by entry.
///
/// Memory of a run that is being written: 12.7 bits an entry for filter and fences, 56 bytes a
/// pack, and 3 MiB, however many entries there are.
package enum IndexRunWriter {
    /// Calls `append` with the entries of a run, in ascending order of their names; of equal names
    /// the first is kept.
    /// - Returns: the packs of the run; the pack number of a location is an index into them.
    typealias Source = (
        _ append: (IndexEntry) throws(KuraError) -> Void
    ) throws(KuraError) -> [PackSummary]

    /// Publishes one run of `entries`, durably in every live replica, and returns it, open; nil
    /// where there are no entries.
    ///
    /// Every pack in `packs` must be durable in every live replica: a run promises that its packs
    /// are there. Of equal names one is kept. O(n log n).
    /// - Parameter superseded: runs whose entries this one has, or that list nothing that is still
    ///   needed.
    package static func write(
        _ entries: [IndexEntry], packs: [PackSummary], superseded: [RunID] = [],
        to writer: ReplicaWriter
    ) throws(KuraError) -> IndexRunReader? {
        let sorted = entries.sorted { $0.id < $1.id }
        let run = try prepare(atMost: sorted.count, superseded: superseded, to: writer) {
            (append) throws(KuraError) in
            for entry in sorted { try append(entry) }
            return packs
        }
        guard let run else { return nil }
        try run.publish()
        return try IndexRunReader(run.id, writer.vault)
    }

    /// Makes the bytes of a run durable, under no name yet. This is the long part of writing it.
    ///
    /// - Parameters:
    ///   - count: most entries that `source` can append.
    ///   - source: called a second time where it appends fewer, because a filter has the size that
    ///     its entries need. It must append the same ones again.
    /// - Returns: nil where there are no entries.
    static func prepare(
        atMost count: Int, superseded: [RunID], to writer: ReplicaWriter, _ source: Source
    ) throws(KuraError) -> PreparedRun? {
        guard count > 0 else { return nil }
        let stream = ReplicaStream(to: writer)
        do throws(KuraError) {
            let builder = IndexRunBuilder(stream, vault: writer.vault.id, atMost: count)
            try builder.begin()
            let packs = try source { (entry) throws(KuraError) in try builder.append(entry) }
            guard let entries = try builder.endBlocks() else {
                stream.abandon()
                return nil
            }
            if builder.needsFilter {
                var filter = IndexRunBuilder.emptyFilter(for: entries)
                _ = try source { (entry) throws(KuraError) in filter.insert(entry.id) }
                builder.filter = filter
            }
            let id = try builder.end(packs: packs, superseded: superseded)
            try stream.complete()
            return PreparedRun(id: id, byteCount: stream.byteCount, stream: stream)
        } catch {
            stream.abandon()
            throw error
        }
    }
}

/// A run whose bytes are durable in every live replica. No reader can see it before it gets its
/// name. End it with `publish` or `abandon`.
struct PreparedRun {
    let id: RunID
    let byteCount: UInt64
    fileprivate let stream: ReplicaStream

    func publish() throws(KuraError) {
        do throws(KuraError) {
            try stream.publish(as: .run(id))
        } catch {
            stream.abandon()
            throw error
        }
    }

    func abandon() { stream.abandon() }
}

/// Puts the bytes of a run together, from its first entry to its footer.
private final class IndexRunBuilder {
    private let stream: ReplicaStream
    private let header: IndexRunHeader
    private let blocks = AlignedBuffer(byteCount: groupBlocks * IndexBlock.byteCount)
    private var groupCount = 0
    private var hasher = BatchHasher()
    private var digests = StreamingHasher()
    private var pending: [IndexEntry] = []
    private var last: ChunkID?
    private var fences: [UInt64] = []
    private var entryCount = 0
    var filter: BloomFilter

    /// Blocks that are hashed together, in lanes, and written together.
    private static let groupBlocks = 128

    init(_ stream: ReplicaStream, vault: UniqueID, atMost count: Int) {
        self.stream = stream
        header = IndexRunHeader(vault: vault, nonce: .random(in: IndexRunHeader.nonces))
        filter = Self.emptyFilter(for: count)
        pending.reserveCapacity(IndexBlock.entriesMax)
        fences.reserveCapacity(Int(IndexRunTrailer.blockCount(entries: UInt64(count))))
    }

    static func emptyFilter(for count: Int) -> BloomFilter {
        BloomFilter(blockCount: BloomFilter.blockCount(for: count)) { memory in
            MemoryAdvice.preferLargePages(memory)
            memory.initializeMemory(as: UInt8.self, repeating: 0)
        }
    }

    func begin() throws(KuraError) { try stream.append(header.encoded()) }

    func append(_ entry: IndexEntry) throws(KuraError) {
        if let last, !(last < entry.id) {
            guard last == entry.id else {
                throw KuraError(
                    .damaged, "entries of an index run are out of order at \(entry.id.short)",
                    remedy: .vault(.repair(.files)))
            }
            return
        }
        last = entry.id
        filter.insert(entry.id)
        pending.append(entry)
        entryCount += 1
        if pending.count == IndexBlock.entriesMax { try endBlock() }
    }

    private func endBlock() throws(KuraError) {
        let block = blocks.bytes[
            (groupCount * IndexBlock.byteCount)..<((groupCount + 1) * IndexBlock.byteCount)]
        IndexBlock.encode(
            pending[...], number: UInt32(fences.count),
            into: UnsafeMutableRawBufferPointer(rebasing: block))
        fences.append(pending[0].id.word0)
        pending.removeAll(keepingCapacity: true)
        groupCount += 1
        if groupCount == Self.groupBlocks { try endGroup() }
    }

    private func endGroup() throws(KuraError) {
        let group = UnsafeMutableRawBufferPointer(
            rebasing: blocks.bytes[..<(groupCount * IndexBlock.byteCount)])
        for (number, digest) in hasher.digests(
            ofBlocks: UnsafeRawBufferPointer(group)
        ).enumerated() {
            let start = number * IndexBlock.byteCount
            IndexBlock.seal(
                digest,
                into: UnsafeMutableRawBufferPointer(
                    rebasing: group[start..<(start + IndexBlock.byteCount)]))
            digests.update(digest)
        }
        groupCount = 0
        try stream.append(UnsafeRawBufferPointer(group))
    }

    /// - Returns: the number of entries; nil where there are none.
    func endBlocks() throws(KuraError) -> Int? {
        if !pending.isEmpty { try endBlock() }
        if groupCount > 0 { try endGroup() }
        return entryCount == 0 ? nil : entryCount
    }

    /// Whether the filter has another size than the entries need.
    var needsFilter: Bool { filter.blockCount != BloomFilter.blockCount(for: entryCount) }

    /// - Returns: the run's name.
    func end(packs: [PackSummary], superseded: [RunID]) throws(KuraError) -> RunID {
        let trailer = IndexRunTrailer(
            header: header, entryCount: UInt64(entryCount), blocksDigest: digests.finish(),
            packs: packs, superseded: superseded, fences: fences, filter: filter)
        let head = trailer.encodedHead()
        try stream.append(head)
        let id = try filter.withUnsafeStoredBytes { (stored) throws(KuraError) in
            try stream.append(stored)
            return head.withUnsafeBytes { ChunkHasher.digest(pieces: [$0, stored]) }
        }
        try stream.append(
            Footer(trailerByteCount: UInt64(trailer.encodedByteCount), trailerDigest: id).encoded())
        return id
    }
}

extension BatchHasher {
    /// Computes the checksums of index blocks that lie one after the other.
    mutating func digests(ofBlocks blocks: UnsafeRawBufferPointer) -> [Digest] {
        removeAll()
        for start in stride(from: 0, to: blocks.count, by: IndexBlock.byteCount) {
            append(
                UnsafeRawBufferPointer(
                    rebasing: blocks[start..<(start + IndexBlock.checkedByteCount)]))
        }
        run()
        return digests
    }
}
