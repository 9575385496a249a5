internal import KuraCodec
internal import KuraFormat
internal import KuraIO

/// Copies chunks of packs into new packs: for a prune those that are live, for a salvage those that
/// are good.
///
/// Every chunk is decoded and compared with its name. What is on disk if power fails:
/// new packs that no run lists; every chunk is where it was before.
struct Repacking {
    /// Whether a chunk of this frame of this pack is copied.
    typealias Choice = (ChunkID, PackID, _ frame: Int) throws(KuraError) -> Bool

    private let isWanted: Choice
    private let session: Session
    private let reader: PackReader
    private let data: PackWriter
    private let manifest: PackWriter
    private let dataFrames: FrameBuilder
    /// For chunks from frames that were small before.
    private let smallFrames: FrameBuilder
    private let manifestFrames: FrameBuilder
    private let decoder = FrameDecoder()
    private let plain = FrameBuffer()
    private var trace = StageTimes()
    /// Bytes of new packs, in one replica.
    private(set) var packBytes: UInt64 = 0
    /// The copied chunks with their new locations; nil before `flush`.
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

    /// Copies the wanted chunks of `packs`, then flushes: on return they are durable.
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

    /// On return the chunks that were copied are durable in new packs, which no run lists yet.
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

    /// Copies the wanted chunks of one pack. Call `flush` after the last one.
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

    /// Stores a new chunk. Call it only where nothing was copied: `copied` has it alone then. On
    /// return it is durable.
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

    /// Lists the new packs. Call it under the same commit lock as condemning the old ones: while
    /// both are listed, a merge of runs might keep the old location of a chunk.
    /// - Returns: the run; nil where nothing was copied.
    @discardableResult
    mutating func list() throws(KuraError) -> IndexRunReader? {
        guard let copied else { return nil }
        let run = try IndexRunWriter.write(
            copied.entries, packs: copied.packs, to: session.writer)
        runBytes = run?.trailer.fileByteCount ?? 0
        return run
    }
}

/// Chunks in new packs that no run lists yet. Memory: 40 bytes a chunk.
struct RepackedChunks {
    let packs: [PackSummary]
    /// Ascending by name; the pack number of a location is an index into `packs`.
    let entries: [IndexEntry]

    init(_ durable: PackWriter.Durable) {
        packs = durable.packs
        entries = durable.entries.sorted { $0.id < $1.id }
    }

    /// O(log n).
    func place(of id: ChunkID) -> (pack: PackSummary, location: ChunkLocation)? {
        let index = firstIndex(in: 0..<entries.count) { entries[$0].id >= id }
        guard index < entries.count, entries[index].id == id else { return nil }
        let location = entries[index].location
        return (packs[location.pack], location)
    }
}
