package import KuraCodec
internal import KuraFormat
package import KuraIO
internal import KuraStore

/// Bytes that primitives worked on, and the time that took, of one thread or of several together.
package struct PrimitiveTimes: Sendable {
    package struct Entry: Sendable {
        package var bytes = 0.0
        package var nanoseconds: Int64 = 0
    }

    package private(set) var entries: [Primitive: Entry] = [:]

    mutating func time<T>(
        _ primitive: Primitive, byteCount: Int, _ body: () throws -> T
    ) rethrows -> T {
        let start = Clock.steady()
        let result = try body()
        entries[primitive, default: Entry()].nanoseconds += Clock.steady() - start
        entries[primitive, default: Entry()].bytes += Double(byteCount)
        return result
    }

    static func += (total: inout PrimitiveTimes, part: PrimitiveTimes) {
        for (primitive, entry) in part.entries {
            total.entries[primitive, default: Entry()].bytes += entry.bytes
            total.entries[primitive, default: Entry()].nanoseconds += entry.nanoseconds
        }
    }

    /// Bytes per second of `threads` threads together, whose times were added up.
    package func rate(_ primitive: Primitive, threads: Int) -> Double? {
        guard let entry = entries[primitive], entry.nanoseconds > 0 else { return nil }
        return entry.bytes * Double(threads) / (Double(entry.nanoseconds) / 1e9)
    }
}

/// Runs every kernel that works on data over stretches of an image, each kernel timed alone.
///
/// The engine's own scanner reads and cuts, which is not timed. So kernels see what they see in a
/// backup: windows that were just read and are still in the processor's cache, without blocks of
/// zeros, and frames of chunks. One thread uses it.
package final class KernelPass {
    private let image: FileSource
    private let chunker: Chunker
    private let scanner: ExtentScanner
    private let compressor: Compressor
    private let decompressor = Decompressor()
    private let decoder = FrameDecoder()
    private let decoded = FrameBuffer()
    private let plain = AlignedBuffer(byteCount: KernelPass.frameBytesMax)
    private let again = AlignedBuffer(byteCount: KernelPass.frameBytesMax)
    private let stored = AlignedBuffer(byteCount: Compressor.bound(KernelPass.frameBytesMax))
    private var used = 0
    private var hasher = BatchHasher()
    package private(set) var times = PrimitiveTimes()
    /// Bytes of chunks, and of their frames.
    package private(set) var dataBytes: UInt64 = 0
    package private(set) var storedBytes: UInt64 = 0
    /// Nil where libcrypto has no Poly1305.
    private let authenticator = ChunkAuthenticator(.random())
    private var codes: [ChunkMAC] = []
    private var ends: [Int?] = []
    private var digests: [Digest] = []

    private static let frameBytesMax = Tuning.dataFrameBytes + Limits.chunkBytesMax

    package init(_ image: FileSource, _ chunker: Chunker, level: Int) {
        self.image = image
        self.chunker = chunker
        scanner = ExtentScanner(chunker)
        compressor = Compressor(level: level)
    }

    package func run(_ stretch: Range<UInt64>) throws(KuraError) {
        var untimed = StageTimes()
        try scanner.scan(stretch, of: image, trace: &untimed) {
            (batch, _) throws(KuraError) in
            try cut(batch)
            try hash(batch)
            for chunk in batch.chunks {
                dataBytes += UInt64(chunk.byteCount)
                try append(batch.bytes(of: chunk))
            }
        }
    }

    private func cut(_ batch: WindowBatch) throws(KuraError) {
        let bytes = batch.bytes.baseAddress!.assumingMemoryBound(to: UInt8.self)
        ends.removeAll(keepingCapacity: true)
        times.time(.chunker, byteCount: Self.dataBytes(of: batch)) {
            for chunk in batch.chunks {
                // Ends where it ended before: the same work without knowing the run.
                ends.append(
                    chunker.cut(
                        bytes, from: chunk.start, to: chunk.start + chunk.byteCount,
                        runEnds: true, diskOffset: batch.diskOffset))
            }
        }
        guard zip(ends, batch.chunks).allSatisfy({ $0 == $1.start + $1.byteCount }) else {
            throw KuraError(.io, "the chunker does not cut twice at the same place")
        }
    }

    private func hash(_ batch: WindowBatch) throws(KuraError) {
        let count = Self.dataBytes(of: batch)
        digests.removeAll(keepingCapacity: true)
        times.time(.hashOneLane, byteCount: count) {
            for chunk in batch.chunks { digests.append(ChunkHasher.digest(batch.bytes(of: chunk))) }
        }
        times.time(.hashManyLanes, byteCount: count) {
            hasher.removeAll()
            for chunk in batch.chunks { hasher.append(batch.bytes(of: chunk)) }
            hasher.run()
        }
        if let authenticator {
            codes.removeAll(keepingCapacity: true)
            times.time(.mac, byteCount: count) {
                for chunk in batch.chunks {
                    codes.append(authenticator.code(of: batch.bytes(of: chunk)))
                }
            }
        }
        guard digests == hasher.digests else {
            throw KuraError(.io, "SHA-256 of many lanes differs from that of one")
        }
    }

    private static func dataBytes(of batch: WindowBatch) -> Int {
        batch.chunks.reduce(0) { $0 + $1.byteCount }
    }

    private func append(_ bytes: UnsafeRawBufferPointer) throws(KuraError) {
        if used > 0, used + bytes.count > Tuning.dataFrameBytes { try finishFrame() }
        (plain.base + used).copyMemory(from: bytes.baseAddress!, byteCount: bytes.count)
        used += bytes.count
    }

    /// Compresses what is there and decodes it, first as a backup checks it, then as a restore
    /// does.
    package func finishFrame() throws(KuraError) {
        guard used > 0 else { return }
        defer { used = 0 }
        let source = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(plain.bytes)[..<used])
        try withKuraErrors {
            let count = try times.time(.compress, byteCount: used) {
                try compressor.compress(source, into: stored.bytes)
            }
            let isRaw = !FrameBuilder.isWorthwhile(stored: count, plain: used)
            let bytes =
                isRaw
                ? source
                : UnsafeRawBufferPointer(
                    rebasing: UnsafeRawBufferPointer(stored.bytes)[..<count])
            storedBytes += UInt64(bytes.count)
            let isSame = try times.time(.checkAfterCompress, byteCount: used) {
                guard !isRaw else { return true }
                let target = UnsafeMutableRawBufferPointer(rebasing: again.bytes[..<used])
                try decompressor.decompress(bytes, into: target)
                return Memory.equal(UnsafeRawBufferPointer(target), source)
            }
            guard isSame else { throw KuraError(.io, "zstd did not give back what it was given") }
            let entry = FrameEntry(
                storedByteCount: UInt32(bytes.count), plainByteCount: UInt32(used), chunkCount: 1,
                codec: isRaw ? .raw : .zstd, storedDigest: Digest(words: (0, 0, 0, 0)))
            let target = decoded.bytes(used)
            try times.time(.decode, byteCount: used) {
                try decoder.decode(bytes, entry, into: target)
            }
            guard Memory.equal(UnsafeRawBufferPointer(target), source) else {
                throw KuraError(.io, "a frame does not decode to what it was made of")
            }
        }
    }
}
