internal import KuraCodec
internal import KuraFormat
internal import KuraIO
internal import SystemPackage

/// Verifies one pack at a time in all replicas. Used by one thread.
final class PackVerifier {
    private let vault: Vault
    private let level: VerifyRequest.Level
    private let decoder = FrameDecoder()
    private let plain = FrameBuffer()
    private var hasher = BatchHasher()
    private(set) var trace = StageTimes()

    struct Result {
        var failures: [(Replica, any Error)] = []
        var chunks: UInt64 = 0
        var bytes: UInt64 = 0
    }

    init(_ vault: Vault, level: VerifyRequest.Level) {
        self.vault = vault
        self.level = level
    }

    /// Reads every copy of a pack. Copies whose stored bytes have the same hash decode to the same
    /// chunks, so only the first sound one is decoded.
    func verify(_ pack: PackSummary, in replicas: [Replica]) -> Result {
        var result = Result()
        var decoded = level == .packs
        for replica in replicas {
            do {
                let chunks = try verify(pack.id, replica, decode: !decoded, &result.bytes)
                decoded = true
                result.chunks += chunks
            } catch {
                result.failures.append((replica, error))
            }
        }
        return result
    }

    /// - Returns: the number of chunks that were decoded and hashed.
    private func verify(
        _ id: PackID, _ replica: Replica, decode: Bool, _ bytes: inout UInt64
    ) throws -> UInt64 {
        let trailer = try PackReader.trailer(id, vault, replica)
        let path = replica.path(of: .pack(id), in: vault.id)
        let file = try vault.fileSystem.openForReading(path)
        defer { vault.fileSystem.close(file) }
        var header = [UInt8](repeating: 0, count: PackHeader.byteCount)
        _ = try header.withUnsafeMutableBytes {
            try vault.fileSystem.read(file, path, at: 0, into: $0)
        }
        guard header == trailer.header.encoded() else { throw FormatError.checksumMismatch(.pack) }
        var chunk = 0
        for (number, frame) in FrameTable(trailer).frames.enumerated() {
            let stored = try trace.time(.read) {
                try decoder.read(file, path, frame, vault.fileSystem)
            }
            bytes += UInt64(stored.count)
            do {
                try trace.time(.hash) { try FrameDecoder.check(stored, frame.entry) }
                let last = chunk + Int(frame.entry.chunkCount)
                if decode { try check(trailer.chunks[chunk..<last], stored, frame.entry) }
                chunk = last
            } catch {
                throw PackDamage(frame: number, reason: error)
            }
        }
        bytes += trailer.fileByteCount - trailer.storedByteCount
        return decode ? UInt64(chunk) : 0
    }

    private func check(
        _ chunks: ArraySlice<ChunkEntry>, _ stored: UnsafeRawBufferPointer, _ frame: FrameEntry
    ) throws {
        let bytes = try trace.time(.decode) { try decoder.decode(stored, frame, into: plain) }
        try trace.time(.hash) {
            hasher.removeAll()
            var offset = 0
            for entry in chunks {
                let end = offset + Int(entry.byteCount)
                hasher.append(UnsafeRawBufferPointer(rebasing: bytes[offset..<end]))
                offset = end
            }
            hasher.run()
            for (entry, digest) in zip(chunks, hasher.digests) where entry.id != digest {
                throw StoreError(.damaged, "chunk \(entry.id.short) is not what its name says")
            }
        }
    }
}

/// Damage located to a frame of a pack.
struct PackDamage: Error, CustomStringConvertible {
    var frame: Int
    var reason: any Error

    var description: String { "frame \(frame): \(reason)" }
}
