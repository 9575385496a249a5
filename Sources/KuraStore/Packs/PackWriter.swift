internal import KuraCodec
package import KuraFormat
internal import KuraIO
internal import KuraReplicas
internal import Synchronization

/// Fills packs with the frames of all workers and publishes each full one in every live replica.
/// Safe from any thread.
///
/// A pack is filled in memory and published whole: the same buffer goes to all replicas. While some
/// packs are being written, the next is filled; while all buffers are being written, workers wait.
final class PackWriter: Sendable {
    let kind: PackKind
    private let writer: ReplicaWriter
    private let capacity: Int
    private let buffers: Pool<AlignedBuffer>
    private let open = Mutex<OpenPack?>(nil)
    private let durable = Mutex(Durable())

    private struct OpenPack {
        var buffer: AlignedBuffer
        var used: Int
        var trailer: PackTrailer
    }

    /// Packs that are durable in every live replica, and their chunks, for the next index run.
    struct Durable {
        var packs: [PackSummary] = []
        /// The pack number of a location is an index into `packs`.
        var entries: [IndexEntry] = []
        /// Stored bytes of the frames of data packs.
        var frameBytes: UInt64 = 0
    }

    /// - Parameter capacity: bytes of header and frames in one pack.
    init(_ kind: PackKind, to writer: ReplicaWriter, capacity: Int) {
        self.kind = kind
        self.writer = writer
        self.capacity = capacity
        // Data and manifest packs are written side by side, and workers have buffers, too.
        let count = writer.vault.budget.buffers(
            Tuning.packBuffers, of: capacity, atLeast: 2, share: kind == .data ? 2 : 8)
        buffers = Pool((0..<count).map { _ in AlignedBuffer(byteCount: capacity) })
    }

    /// Copies a frame into the open pack. Waits while every buffer is being written.
    func append(
        _ frame: FrameEntry, of chunks: [ChunkEntry], _ bytes: UnsafeRawBufferPointer
    ) throws(KuraError) {
        if let error = writer.error { throw error }
        open.withLock { open in
            if let pack = open,
                pack.used + bytes.count > capacity
                    || pack.trailer.frames.count == Limits.packFramesMax
                    || pack.trailer.chunks.count + chunks.count > Limits.packChunksMax
            {
                seal(pack)
                open = nil
            }
            var pack = open ?? start()
            open = nil
            (pack.buffer.base + pack.used).copyMemory(
                from: bytes.baseAddress!, byteCount: bytes.count)
            pack.used += bytes.count
            pack.trailer.frames.append(frame)
            pack.trailer.chunks.append(contentsOf: chunks)
            open = pack
        }
    }

    /// Seals the open pack, if there is one, and starts to publish it. It is durable after
    /// `ReplicaWriter.drain`.
    func flush() {
        open.withLock { open in
            if let pack = open { seal(pack) }
            open = nil
        }
    }

    /// Removes and returns what has become durable since the last call.
    func takeDurable() -> Durable {
        durable.withLock { durable in
            defer { durable = Durable() }
            return durable
        }
    }

    /// Puts back what `takeDurable` returned, before the packs that have become durable since then.
    func giveBack(_ taken: Durable) {
        durable.withLock { durable in
            var all = taken
            all.append(durable)
            durable = all
        }
    }

    private func start() -> OpenPack {
        let buffer = buffers.take()
        let header = PackHeader(
            kind: kind, vault: writer.vault.id, nonce: .random(in: PackHeader.nonces))
        header.encoded().withUnsafeBytes { buffer.bytes.copyMemory(from: $0) }
        return OpenPack(
            buffer: buffer, used: PackHeader.byteCount, trailer: PackTrailer(header: header))
    }

    private func seal(_ pack: OpenPack) {
        let trailer = pack.trailer
        let encoded = trailer.encoded()
        let id = ChunkHasher.digest(encoded)
        let footer = Footer(trailerByteCount: UInt64(encoded.count), trailerDigest: id)
        // Trailer and footer stay in memory until every replica has written them.
        let end = Bytes(encoded + footer.encoded())
        let body = UnsafeRawBufferPointer(
            rebasing: UnsafeRawBufferPointer(pack.buffer.bytes)[..<pack.used])
        let buffer = pack.buffer
        writer.publish([body, end.pointer], as: .pack(id)) { [self] in
            withExtendedLifetime(end) {}
            if writer.error == nil { keep(trailer, id) }
            buffers.give(buffer)
        }
    }

    private func keep(_ trailer: PackTrailer, _ id: PackID) {
        durable.withLock { durable in
            let number = durable.packs.count
            durable.packs.append(PackSummary(id: id, trailer))
            if kind == .data { durable.frameBytes += trailer.storedByteCount }
            trailer.forEachLocation { chunk, frame, plainOffset in
                durable.entries.append(
                    IndexEntry(
                        id: chunk.id,
                        location: ChunkLocation(
                            pack: number, frame: frame, plainOffset: plainOffset)))
            }
        }
    }
}

/// Bytes at an address that does not move.
final class Bytes: @unchecked Sendable {
    // Immutable after init.
    let pointer: UnsafeRawBufferPointer

    init(_ bytes: [UInt8]) {
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 8)
        copy.copyBytes(from: bytes)
        pointer = UnsafeRawBufferPointer(copy)
    }

    deinit { pointer.deallocate() }
}

extension PackSummary {
    package init(id: PackID, _ trailer: PackTrailer) {
        self.init(
            id: id, kind: trailer.header.kind, chunkCount: UInt32(trailer.chunks.count),
            fileByteCount: trailer.fileByteCount, plainByteCount: trailer.plainByteCount)
    }
}

extension PackTrailer {
    /// Calls `body` with every chunk, the number of its frame, and its offset in the frame's plain
    /// bytes.
    package func forEachLocation(
        _ body: (ChunkEntry, Int, Int) -> Void
    ) {
        var next = 0
        for (number, frame) in frames.enumerated() {
            var offset = 0
            for index in next..<(next + Int(frame.chunkCount)) {
                body(chunks[index], number, offset)
                offset += Int(chunks[index].byteCount)
            }
            next += Int(frame.chunkCount)
        }
    }
}
