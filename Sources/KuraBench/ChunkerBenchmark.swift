internal import KuraCodec
public import KuraFormat
public import KuraIO
internal import KuraStore
internal import Synchronization

/// What one way of chunking makes of a set of images, taken one after the other.
public struct ChunkerResult: Sendable {
    public var chunker: ChunkerKind
    public var mean: Int
    /// Every occurrence counted.
    public var chunks: UInt64 = 0
    public var uniqueChunks: UInt64 = 0
    public var dataBytes: UInt64 = 0
    public var uniqueBytes: UInt64 = 0
    /// Unique chunks in zstd frames as a backup would make them, without any metadata.
    public var storedBytes: UInt64 = 0
    /// What each image added to `storedBytes`.
    public var addedBytes: [UInt64] = []
    /// Nanoseconds of finding cuts, all threads together.
    public var chunkNanoseconds: Int64 = 0

    /// Chunking alone, on one core.
    public var bytesPerSecond: Double {
        chunkNanoseconds > 0 ? Double(dataBytes) / (Double(chunkNanoseconds) / 1e9) : 0
    }
}

/// Runs chunkers over images without storing anything.
public enum ChunkerBenchmark {
    /// The chunkers and mean sizes that are worth a line.
    public static let candidates: [(ChunkerKind, Int)] = [
        (.gearTail, 16 << 10), (.gearTail, 32 << 10), (.gearTail, 64 << 10),
        (.gearTail, 128 << 10), (.fixed, 4 << 10), (.fixed, 32 << 10), (.fixed, 64 << 10),
    ]

    public static func run(
        _ kind: ChunkerKind, mean: Int, on images: [FileSource], level: Int, threads: Int,
        cancellation: Cancellation
    ) throws(KuraError) -> ChunkerResult {
        var result = ChunkerResult(chunker: kind, mean: mean)
        let seen = Claims()
        for image in images {
            let pass = Pass(
                image, with: Chunker(kind, mean: mean), seen: seen, level: level, cancellation)
            Threads.run(threads) { _ in pass.work() }
            let part = try pass.result()
            result.chunks += part.chunks
            result.uniqueChunks += part.uniqueChunks
            result.dataBytes += part.dataBytes
            result.uniqueBytes += part.uniqueBytes
            result.storedBytes += part.storedBytes
            result.addedBytes.append(part.storedBytes)
            result.chunkNanoseconds += part.chunkNanoseconds
        }
        return result
    }

    /// One image, shared by the workers.
    private final class Pass: Sendable {
        private let tasks: ExtentTasks
        private let chunker: Chunker
        private let seen: Claims
        private let level: Int
        private let cancellation: Cancellation
        private let state: Mutex<(ChunkerResult, KuraError?)>

        init(
            _ image: FileSource, with chunker: Chunker, seen: Claims, level: Int,
            _ cancellation: Cancellation
        ) {
            tasks = ExtentTasks([BackupRequest.Disk(name: "image", source: image)])
            self.chunker = chunker
            self.seen = seen
            self.level = level
            self.cancellation = cancellation
            state = Mutex((ChunkerResult(chunker: chunker.kind, mean: chunker.mean), nil))
        }

        func result() throws(KuraError) -> ChunkerResult {
            let (result, error) = state.withLock { $0 }
            if let error { throw error }
            if cancellation.isCancelled {
                throw KuraError(.interrupted, "interrupted; nothing was stored")
            }
            return result
        }

        func work() {
            do throws(KuraError) {
                let counter = FrameCounter(level: level)
                let scanner = ExtentScanner(chunker)
                var trace = StageTimes()
                var part = ChunkerResult(chunker: chunker.kind, mean: chunker.mean)
                while !cancellation.isCancelled, let task = try tasks.next() {
                    try scanner.scan(task.extent, of: task.source, trace: &trace) {
                        (batch, _) throws(KuraError) in
                        try count(batch, counter, into: &part)
                    }
                }
                try counter.flush()
                part.storedBytes = counter.storedBytes
                part.chunkNanoseconds = trace[.chunk]
                state.withLock { state in state.0.add(part) }
            } catch {
                state.withLock { $0.1 = error }
            }
        }

        private func count(
            _ batch: WindowBatch, _ counter: FrameCounter, into part: inout ChunkerResult
        ) throws(KuraError) {
            let ids = batch.chunks.map { ChunkHasher.digest(batch.bytes(of: $0)) }
            var isNew = [Bool](repeating: true, count: ids.count)
            _ = seen.claim(ids, marked: &isNew)
            for (index, chunk) in batch.chunks.enumerated() {
                part.chunks += 1
                part.dataBytes += UInt64(chunk.byteCount)
                guard isNew[index] else { continue }
                part.uniqueChunks += 1
                part.uniqueBytes += UInt64(chunk.byteCount)
                try counter.append(batch.bytes(of: chunk))
            }
        }
    }
}

extension ChunkerResult {
    fileprivate mutating func add(_ part: ChunkerResult) {
        chunks += part.chunks
        uniqueChunks += part.uniqueChunks
        dataBytes += part.dataBytes
        uniqueBytes += part.uniqueBytes
        storedBytes += part.storedBytes
        chunkNanoseconds += part.chunkNanoseconds
    }
}

/// Compresses frames as a backup would, and only counts them.
private final class FrameCounter {
    private let compressor: Compressor
    private let plain = AlignedBuffer(byteCount: Tuning.dataFrameBytes + Limits.chunkBytesMax)
    private let stored = AlignedBuffer(
        byteCount: Compressor.bound(Tuning.dataFrameBytes + Limits.chunkBytesMax))
    private var used = 0
    private(set) var storedBytes: UInt64 = 0

    init(level: Int) { compressor = Compressor(level: level) }

    func append(_ bytes: UnsafeRawBufferPointer) throws(KuraError) {
        if used > 0, used + bytes.count > Tuning.dataFrameBytes { try flush() }
        (plain.base + used).copyMemory(from: bytes.baseAddress!, byteCount: bytes.count)
        used += bytes.count
    }

    func flush() throws(KuraError) {
        guard used > 0 else { return }
        let source = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(plain.bytes)[..<used])
        do {
            storedBytes += UInt64(min(used, try compressor.compress(source, into: stored.bytes)))
        } catch {
            throw KuraError(error)
        }
        used = 0
    }
}
