internal import KuraFormat

extension PackWriter.Durable {
    /// One pack alone, without its lost frames; no pack where every frame is lost.
    init(_ id: PackID, _ trailer: PackTrailer, without lost: LostFrames? = nil) {
        trailer.forEachLocation { chunk, frame, plainOffset in
            if let lost, lost.contains(frame) { return }
            entries.append(
                IndexEntry(
                    id: chunk.id,
                    location: ChunkLocation(pack: 0, frame: frame, plainOffset: plainOffset)))
        }
        if !entries.isEmpty { packs = [PackSummary(id: id, trailer)] }
    }

    /// Adds the packs and entries of another writer; its pack numbers move up.
    mutating func append(_ other: PackWriter.Durable) {
        let moved = UInt64(packs.count) << 40
        packs += other.packs
        frameBytes += other.frameBytes
        entries += other.entries.map { entry in
            IndexEntry(id: entry.id, location: ChunkLocation(bits: entry.location.bits + moved))
        }
    }
}
