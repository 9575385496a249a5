internal import KuraCodec
internal import KuraFormat
internal import KuraIO

/// One thread of a backup: takes extents, cuts them into chunks, stores those that are new.
final class BackupWorker {
    private let backup: Backup
    private let scanner: ExtentScanner
    /// Nil in a vault without a key.
    private let authenticator: ChunkAuthenticator?
    private let cache = BlockCache()
    private let dataFrames: FrameBuilder
    private let smallFrames: FrameBuilder
    private let manifestFrames: FrameBuilder
    private var ids: [ChunkID] = []
    private var macs: [ChunkMAC?] = []
    /// Which of `ids` this worker has to store.
    private var isStored: [Bool] = []
    private var extentChunks: [ExtentChunk] = []
    private var hasher = BatchHasher()
    private let packs: PackReader
    private let sparseFrames: SparseFrames
    /// Chunks of the current extent that are stored although the vault holds them.
    private var rewritten: Set<ChunkID> = []
    private var counts = DiskCounts()
    private var rewrittenBytes: UInt64 = 0
    private(set) var trace = StageTimes()

    init(_ backup: Backup) {
        self.backup = backup
        let record = backup.session.vault.record
        packs = PackReader(backup.session.vault)
        sparseFrames = SparseFrames(packs, cache)
        authenticator = record.macKey.flatMap { ChunkAuthenticator($0) }
        scanner = ExtentScanner(
            Chunker(record.chunker, mean: Int(record.chunkBytesMean)), authenticator)
        dataFrames = FrameBuilder(
            for: backup.dataPacks, target: Tuning.dataFrameBytes, level: backup.request.level)
        smallFrames = FrameBuilder(
            for: backup.dataPacks, target: Tuning.smallFrameBytes, level: backup.request.level)
        manifestFrames = FrameBuilder(
            for: backup.manifestPacks, target: Tuning.manifestFrameBytes,
            level: backup.request.level)
    }

    /// Works until there are no extents left or the backup is cancelled.
    func run() {
        do throws(KuraError) {
            while let task = try backup.nextTask() { try process(task) }
            try flush()
        } catch {
            backup.fail(error)
        }
    }

    private func process(_ task: ExtentTask) throws(KuraError) {
        extentChunks.removeAll(keepingCapacity: true)
        counts = DiskCounts()
        rewrittenBytes = 0
        let parent = parentChunks(task)
        rewritten = task.mayRewrite ? chunksToRewrite(parent) : []
        try scanner.scan(
            task.extent, of: task.source, parent: parent, isProof: task.isProof, trace: &trace
        ) { (batch, trace) throws(KuraError) in
            if backup.isCancelled { throw .interruptedByUser }
            try store(batch, of: task, &trace)
        }
        // These frames end with the extent. So `SparseFrames`, which looks at one extent at a time,
        // sees everything that a point needs of them.
        if task.parent != nil { try smallFrames.flush(trace: &trace) }
        let start = Clock.steady()
        let node =
            !parent.isEmpty && extentChunks == parent
            ? task.parent : try ManifestWriter.extentNode(extentChunks, store: storeNode)
        trace[.manifest] += Clock.steady() - start
        backup.finish(task, node: node, counts: counts, rewrittenBytes: rewrittenBytes)
    }

    /// The parent's chunks of an extent. The parent only saves work, so where it cannot be read
    /// there are none.
    private func parentChunks(_ task: ExtentTask) -> [ExtentChunk] {
        guard let node = task.parent else { return [] }
        return trace.time(.manifest) {
            do throws(KuraError) {
                let reader = ManifestReader(backup.index, packs, blocks: cache)
                return try reader.chunks(ofExtent: node)
            } catch {
                return []
            }
        }
    }

    private func chunksToRewrite(_ parent: [ExtentChunk]) -> Set<ChunkID> {
        trace.time(.lookup) {
            sparseFrames.chunks(of: parent, backup.index, isAllowed: backup.takeAllowance)
        }
    }

    /// Hashes the chunks of one window and stores those that the vault does not hold.
    private func store(
        _ batch: WindowBatch, of task: ExtentTask, _ trace: inout StageTimes
    ) throws(KuraError) {
        trace.time(.hash) { name(batch) }
        try trace.timeThrowing(.lookup) { () throws(KuraError) in try findNew(in: batch) }
        var newBytes: UInt64 = 0
        var dataBytes: UInt64 = 0
        let frames = task.parent == nil ? dataFrames : smallFrames
        let extentStart = task.extent.lowerBound
        for (index, chunk) in batch.chunks.enumerated() {
            let offset = Int(batch.diskOffset - extentStart) + chunk.start
            extentChunks.append(
                ExtentChunk(
                    offset: offset, byteCount: chunk.byteCount, id: ids[index], mac: macs[index]))
            dataBytes += UInt64(chunk.byteCount)
            guard isStored[index] else { continue }
            if rewritten.contains(ids[index]) {
                rewrittenBytes += UInt64(chunk.byteCount)
            } else {
                counts.newChunks += 1
                newBytes += UInt64(chunk.byteCount)
            }
            try frames.append(batch.bytes(of: chunk), id: ids[index], trace: &trace)
        }
        counts.chunks += UInt64(batch.chunks.count)
        counts.dataBytes += dataBytes
        counts.newBytes += newBytes
        backup.progress.update { progress in
            progress.dataBytes += dataBytes
            progress.newBytes += newBytes
        }
    }

    /// Puts the names of a window's chunks into `ids` and their MACs into `macs`; those that are
    /// known from the parent are not computed again.
    private func name(_ batch: WindowBatch) {
        hasher.removeAll()
        for chunk in batch.chunks where chunk.knownID == nil {
            hasher.append(batch.bytes(of: chunk))
        }
        hasher.run()
        ids.removeAll(keepingCapacity: true)
        macs.removeAll(keepingCapacity: true)
        var hashed = 0
        for chunk in batch.chunks {
            macs.append(chunk.mac ?? authenticator?.code(of: batch.bytes(of: chunk)))
            if let id = chunk.knownID {
                ids.append(id)
            } else {
                ids.append(hasher.digests[hashed])
                hashed += 1
            }
        }
    }

    /// Marks in `isStored` which of `ids` this worker has to store.
    private func findNew(in batch: WindowBatch) throws(KuraError) {
        let index = backup.index
        isStored.removeAll(keepingCapacity: true)
        var any = false
        for (chunk, id) in zip(batch.chunks, ids) {
            var isNew = chunk.knownID == nil
            if isNew { isNew = try !index.contains(id, cache) }
            let isWanted = isNew || rewritten.contains(id)
            any = any || isWanted
            isStored.append(isWanted)
        }
        if any { try backup.claim(ids, marked: &isStored) }
    }

    private func storeNode(_ id: NodeID, _ bytes: [UInt8]) throws(KuraError) {
        if try backup.index.contains(id, cache) { return }
        var isNew = [true]
        try backup.claim([id], marked: &isNew)
        guard isNew[0] else { return }
        // The time of nodes counts as `manifest`, as a whole.
        var ignored = StageTimes()
        do {
            try bytes.withUnsafeBytes { try manifestFrames.append($0, id: id, trace: &ignored) }
        } catch {
            throw KuraError(error)
        }
    }

    /// Builds the tree above a disk's extents. Called by one worker, after all extents.
    func storeRoot(_ extents: [NodeID?], diskBytes: UInt64) throws(KuraError) -> NodeID? {
        try ManifestWriter.root(extents, diskBytes: diskBytes, store: storeNode)
    }

    /// Closes the open frames and appends them to the packs.
    func flush() throws(KuraError) {
        try dataFrames.flush(trace: &trace)
        try smallFrames.flush(trace: &trace)
        try manifestFrames.flush(trace: &trace)
    }
}
