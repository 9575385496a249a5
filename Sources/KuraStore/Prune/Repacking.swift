internal import KuraCodec
internal import KuraFormat
internal import KuraIO

/// Copies chunks of packs into new packs: those that are live, or those that are left.
///
/// Every chunk is decoded and compared with its name on the way. What is on disk if power fails:
/// new packs that no run lists; every chunk is where it was before.
struct Repacking {
    /// Whether a chunk is copied that lies in this frame of this pack.
    typealias Choice = (ChunkID, PackID, _ frame: Int) throws(KuraError) -> Bool

    private let isWanted: Choice
    private let session: Session
    private let reader: PackReader
    private let data: PackWriter
    private let manifest: PackWriter
    private let dataFrames: FrameBuilder
    /// For what was in such frames before.
    private let smallFrames: FrameBuilder
    private let manifestFrames: FrameBuilder
    private let decoder = FrameDecoder()
    private let plain = FrameBuffer()
    private var trace = StageTimes()
    /// Bytes of new packs, in one replica.
    private(set) var packBytes: UInt64 = 0
    /// What was copied, and where it is now; nil before `copy` has ended.
    private(set) var copied: RepackedChunks?
    /// Bytes of the run that lists the new packs, in one replica; 0 before `list`.
    private(set) var runBytes: UInt64 = 0

    init(_ session: Session, _ isWanted: @escaping Choice) {
        self.isWanted = isWanted
        self.session = session
        reader = PackReader(session.vault)
        data = PackWriter(.data, to: session.writer, capacity: Tuning.dataPackBytes)
        manifest = PackWriter(.manifest, to: session.writer, capacity: Tuning.manifestPackBytes)
        dataFrames = FrameBuilder(
            for: data, target: Tuning.dataFrameBytes, level: Tuning.compressionLevel)
        smallFrames = FrameBuilder(
            for: data, target: Tuning.smallFrameBytes, level: Tuning.compressionLevel)
        manifestFrames = FrameBuilder(
            for: manifest, target: Tuning.manifestFrameBytes, level: Tuning.compressionLevel)
    }

    /// On return the wanted chunks of `packs` are durable in new packs.
    mutating func copy(
        _ packs: [CollectionPlan.Pack], progress: Progress, cancellation: Cancellation
    ) throws(KuraError) {
        for pack in packs {
            if cancellation.isCancelled { throw .interruptedByUser }
            try copy(pack.id)
            progress.update { $0.doneBytes += pack.byteCount }
        }
        try flush()
    }

    /// On return what `copy` was called for is durable.
    mutating func flush() throws(KuraError) {
        try dataFrames.flush(trace: &trace)
        try smallFrames.flush(trace: &trace)
        try manifestFrames.flush(trace: &trace)
        data.flush()
        manifest.flush()
        session.writer.drain()
        if let error = session.writer.error { throw error }
        var durable = data.takeDurable()
        durable.append(manifest.takeDurable())
        packBytes = durable.packs.reduce(0) { $0 + $1.fileByteCount }
        copied = RepackedChunks(durable)
    }

    /// Call `flush` behind the last one.
    mutating func copy(_ id: PackID) throws(KuraError) {
        let vault = session.vault
        let trailer = try PackReader.trailer(id, vault)
        var next = 0
        for (number, frame) in trailer.frames.enumerated() {
            let chunks = trailer.chunks[next..<(next + Int(frame.chunkCount))]
            next = chunks.endIndex
            let wanted = try chunks.map { chunk throws(KuraError) in
                try isWanted(chunk.id, id, number)
            }
            guard wanted.contains(true) else { continue }
            let bytes = plain.bytes(Int(frame.plainByteCount))
            try reader.read(
                try reader.frame(number, of: id), of: id, decoder, checked: true, into: bytes)
            let frames = frames(for: trailer.header.kind, frame)
            var offset = 0
            for (chunk, isWanted) in zip(chunks, wanted) {
                let end = offset + Int(chunk.byteCount)
                defer { offset = end }
                guard isWanted else { continue }
                let part = UnsafeRawBufferPointer(rebasing: bytes[offset..<end])
                guard ChunkHasher.digest(part) == chunk.id else {
                    throw KuraError(
                        .damaged,
                        "chunk \(chunk.id.short) of pack \(id.short) is not what its name "
                            + "says; nothing was removed",
                        remedy: .vault(.repair(.chunks)))
                }
                try frames.append(part, id: chunk.id, trace: &trace)
            }
        }
    }

    /// Stores a chunk that is in no pack, and nothing else. On return it is durable.
    mutating func store(_ bytes: [UInt8]) throws(KuraError) {
        try withKuraErrors {
            try bytes.withUnsafeBytes {
                try dataFrames.append($0, id: ChunkHasher.digest($0), trace: &trace)
            }
        }
        try flush()
    }

    private func frames(for kind: PackKind, _ frame: FrameEntry) -> FrameBuilder {
        guard kind == .data else { return manifestFrames }
        return frame.plainByteCount <= Tuning.smallFrameBytes ? smallFrames : dataFrames
    }

    /// Lists the new packs. Under the commit lock, when the old ones are condemned: otherwise a
    /// merge of runs might keep the old place of a chunk of which both are listed.
    mutating func list() throws(KuraError) {
        guard let copied else { return }
        let run = try IndexRunWriter.write(
            copied.entries, packs: copied.packs, to: session.writer)
        runBytes = run?.trailer.fileByteCount ?? 0
    }
}

/// Chunks in new packs that no run lists yet. Memory: 40 bytes a chunk.
struct RepackedChunks {
    let packs: [PackSummary]
    /// Ascending by name; locations count packs by their place in `packs`.
    let entries: [IndexEntry]

    init(_ durable: PackWriter.Durable) {
        packs = durable.packs
        entries = durable.entries.sorted { $0.id < $1.id }
    }

    /// O(log n).
    func place(of id: ChunkID) -> (pack: PackSummary, location: ChunkLocation)? {
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].id < id { low = middle + 1 } else { high = middle }
        }
        guard low < entries.count, entries[low].id == id else { return nil }
        let location = entries[low].location
        return (packs[location.pack], location)
    }
}
