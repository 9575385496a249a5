internal import KuraCodec
package import KuraFormat
internal import KuraIO
internal import KuraReplicas

/// Verifies one pack at a time in all replicas. Used by one thread.
package final class PackVerifier {
    private let vault: Vault
    private let decoding: Bool
    private let decoder = FrameDecoder()
    private let stored = FrameBuffer()
    private let plain = FrameBuffer()
    private var hasher = BatchHasher()
    private(set) var trace = StageTimes()

    package struct Result {
        package var failures: [(Replica, any Error)] = []
        package var chunks: UInt64 = 0
        var bytes: UInt64 = 0
        /// Of the first good copy; nil where there is none.
        var trailer: PackTrailer?
    }

    /// - Parameter decoding: whether every chunk is decoded and compared with its name, too.
    package init(_ vault: Vault, decoding: Bool) {
        self.vault = vault
        self.decoding = decoding
    }

    /// Reads every copy of a pack. Copies whose stored bytes have the same hash decode to the same
    /// chunks, so only the first good one is decoded.
    package func verify(_ pack: PackSummary, in replicas: [Replica]) -> Result {
        var result = Result()
        var decoded = !decoding
        for replica in replicas {
            do {
                let (trailer, chunks) = try verify(
                    pack.id, in: replica, decode: !decoded, counting: &result.bytes)
                decoded = true
                result.chunks += chunks
                result.trailer = result.trailer ?? trailer
            } catch {
                result.failures.append((replica, error))
            }
        }
        return result
    }

    /// Whether a copy of a pack has every stored byte right.
    func isSound(_ id: PackID, in replica: Replica) -> Bool {
        var bytes: UInt64 = 0
        do {
            _ = try verify(id, in: replica, decode: false, counting: &bytes)
            return true
        } catch {
            return false
        }
    }

    /// - Returns: the number of chunks that were decoded and hashed, besides the trailer.
    private func verify(
        _ id: PackID, in replica: Replica, decode: Bool, counting bytes: inout UInt64
    ) throws -> (trailer: PackTrailer, chunks: UInt64) {
        let trailer = try PackReader.trailer(id, vault, in: replica)
        let reader = try replica.store.open(VaultFile.pack(id).name(in: vault.id))
        var header = [UInt8](repeating: 0, count: PackHeader.byteCount)
        _ = try header.withUnsafeMutableBytes {
            try reader.read(at: 0, into: $0)
        }
        guard header == trailer.header.encoded() else { throw FormatError.checksumMismatch(.pack) }
        let frames = FrameTable(trailer).frames
        var chunk = 0
        var first = 0
        while first < frames.count {
            let stretch = Self.stretch(
                of: frames[...], from: first, atMost: Self.stretchBytesMax, \.storedByteCount)
            let stored = try trace.time(.read) {
                try read(reader, stretch)
            }
            bytes += UInt64(stored.count)
            try trace.time(.hash) { try check(stretch, stored, from: first) }
            let last = chunk + stretch.reduce(0) { $0 + Int($1.entry.chunkCount) }
            if decode { try check(trailer.chunks[chunk..<last], of: stretch, stored) }
            chunk = last
            first = stretch.endIndex
        }
        bytes += trailer.fileByteCount - trailer.storedByteCount
        return (trailer, decode ? UInt64(chunk) : 0)
    }

    // MARK: Stretches

    /// Bytes of neighbouring frames that are read at once and hashed in lanes. One frame may be as
    /// long as this alone.
    private static let stretchBytesMax = Limits.frameStoredBytesMax

    private typealias Stretch = ArraySlice<FrameTable.Frame>

    /// Neighbouring frames from `first` on that have at most `limit` bytes together; a single frame
    /// may have more.
    /// - Parameter byteCount: which bytes of a frame are counted, stored or plain.
    private static func stretch(
        of frames: Stretch, from first: Int, atMost limit: Int,
        _ byteCount: KeyPath<FrameEntry, UInt32>
    ) -> Stretch {
        var last = first
        var total = 0
        repeat {
            total += Int(frames[last].entry[keyPath: byteCount])
            last += 1
        } while last < frames.endIndex
            && total + Int(frames[last].entry[keyPath: byteCount]) <= limit
        return frames[first..<last]
    }

    private static func bytes(
        of frame: FrameTable.Frame, in stretch: Stretch, _ stored: UnsafeRawBufferPointer
    ) -> UnsafeRawBufferPointer {
        let start = Int(frame.offset - stretch[stretch.startIndex].offset)
        let end = start + Int(frame.entry.storedByteCount)
        return UnsafeRawBufferPointer(rebasing: stored[start..<end])
    }

    /// Reads the stored bytes of a stretch. They stay valid until the next call.
    private func read(
        _ reader: any ObjectReader, _ stretch: Stretch
    ) throws -> UnsafeRawBufferPointer {
        let count = stretch.reduce(0) { $0 + Int($1.entry.storedByteCount) }
        let target = stored.bytes(count)
        let found = try reader.read(at: stretch[stretch.startIndex].offset, into: target)
        guard found == count else {
            throw FormatError.truncated(
                .frame, needed: UInt64(count), available: UInt64(found))
        }
        return UnsafeRawBufferPointer(target)
    }

    /// Compares the frames of a stretch with their stored hashes.
    private func check(
        _ stretch: Stretch, _ stored: UnsafeRawBufferPointer, from first: Int
    ) throws(PackDamage) {
        hasher.removeAll()
        for frame in stretch { hasher.append(Self.bytes(of: frame, in: stretch, stored)) }
        hasher.run()
        for (index, frame) in stretch.enumerated()
        where hasher.digests[index] != frame.entry.storedDigest {
            throw PackDamage(
                frame: first + index, reason: FormatError.checksumMismatch(.frame))
        }
    }

    // MARK: Chunks

    /// Decodes the frames of a stretch, and compares their chunks with their names.
    private func check(
        _ chunks: ArraySlice<ChunkEntry>, of stretch: Stretch, _ stored: UnsafeRawBufferPointer
    ) throws(PackDamage) {
        var chunk = chunks.startIndex
        var first = stretch.startIndex
        while first < stretch.endIndex {
            // Hashed together, so that the lanes are full also where frames are small.
            let batch = Self.stretch(
                of: stretch, from: first, atMost: Tuning.decodeBatchBytes, \.plainByteCount)
            let last = chunk + batch.reduce(0) { $0 + Int($1.entry.chunkCount) }
            let plain = try decode(batch, of: stretch, stored)
            try trace.timeThrowing(.hash) { () throws(PackDamage) in
                try compare(chunks[chunk..<last], of: batch, plain)
            }
            chunk = last
            first = batch.endIndex
        }
    }

    /// Plain bytes of the frames, one after the other. They stay valid until the next call.
    private func decode(
        _ batch: Stretch, of stretch: Stretch, _ stored: UnsafeRawBufferPointer
    ) throws(PackDamage) -> UnsafeRawBufferPointer {
        let target = plain.bytes(batch.reduce(0) { $0 + Int($1.entry.plainByteCount) })
        var used = 0
        for (number, frame) in zip(batch.indices, batch) {
            let end = used + Int(frame.entry.plainByteCount)
            do {
                try trace.time(.decode) {
                    try decoder.decode(
                        Self.bytes(of: frame, in: stretch, stored), frame.entry,
                        into: UnsafeMutableRawBufferPointer(rebasing: target[used..<end]))
                }
            } catch {
                throw PackDamage(frame: number, reason: error)
            }
            used = end
        }
        return UnsafeRawBufferPointer(target)
    }

    private func compare(
        _ chunks: ArraySlice<ChunkEntry>, of batch: Stretch, _ plain: UnsafeRawBufferPointer
    ) throws(PackDamage) {
        hasher.removeAll()
        var offset = 0
        for entry in chunks {
            let end = offset + Int(entry.byteCount)
            hasher.append(UnsafeRawBufferPointer(rebasing: plain[offset..<end]))
            offset = end
        }
        hasher.run()
        guard
            let wrong = zip(chunks.indices, hasher.digests).first(where: {
                chunks[$0].id != $1
            })?.0
        else { return }
        var frame = batch.startIndex
        var end = chunks.startIndex + Int(batch[frame].entry.chunkCount)
        while end <= wrong {
            frame += 1
            end += Int(batch[frame].entry.chunkCount)
        }
        throw PackDamage(
            frame: frame,
            reason: KuraError(
                .damaged, "chunk \(chunks[wrong].id.short) is not what its name says"))
    }
}

/// Damage of one frame of a pack.
package struct PackDamage: Error, CustomStringConvertible {
    package var frame: Int
    package var reason: any Error

    package var description: String { "frame \(frame): \(reason)" }
}
