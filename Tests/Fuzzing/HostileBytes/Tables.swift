import KuraCodec
import KuraFormat

extension HostileDecoder {
    /// What packs and index runs are made of.
    static let tables: [HostileDecoder] = [
        HostileDecoder("footer", inputBytesMax: 64) { bytes in
            try bytes.decoded { raw throws(FormatError) in
                try Footer(decoding: raw, of: .pack)
            }.encoded()
        },
        HostileDecoder("pack-trailer", inputBytesMax: 16384, complete: completedPackTrailer) {
            bytes in
            let trailer = try bytes.decoded { raw throws(FormatError) in
                try PackTrailer(decoding: raw)
            }
            _ = (trailer.fileByteCount, trailer.storedByteCount, trailer.plainByteCount)
            return trailer.encoded()
        },
        // Room for the longest plain frame, and what zstd keeps of its own.
        HostileDecoder(
            "frame", inputBytesMax: 32768,
            allocationBytesMax: Limits.framePlainBytesMax + (1 << 20), recode: decodeFrame),
        HostileDecoder("index-trailer", inputBytesMax: 16384, complete: completedIndexTrailer) {
            bytes in
            let trailer = try bytes.decoded { raw throws(FormatError) in
                try IndexRunTrailer(decoding: raw)
            }
            let id = SHA256.digest(bytes)
            _ = (trailer.block(for: id), trailer.filter.mayContain(id), trailer.fileByteCount)
            return trailer.encoded()
        },
        HostileDecoder(
            "index-block", inputBytesMax: IndexBlock.byteCount,
            complete: { $0.resized(to: IndexBlock.byteCount) }, recode: recodeBlock),
        HostileDecoder(
            "manifest-node", inputBytesMax: Limits.nodeBytesMax, complete: completedNode
        ) {
            bytes in
            // A reader of a node asks for the level that its place in the tree gives.
            let level = Int(bytes.integer(at: 9, as: UInt8.self)) % (Limits.nodeLevelMax + 1)
            return try bytes.decoded { raw throws(FormatError) in
                _ = try ManifestNode.encodedByteCount(raw)
                return try ManifestNode(decoding: raw, level: level)
            }.encoded()
        },
    ]

    /// The first 4 bytes are the plain length that the pack's trailer says, the rest is stored.
    private static func decodeFrame(_ input: [UInt8]) throws -> [UInt8]? {
        let count = Int(input.integer(at: 0, as: UInt32.self))
        // Any other length is refused with the trailer, see PackTrailer.
        guard input.count > 4, 1...Limits.framePlainBytesMax ~= count else { return nil }
        let stored = Array(input[4...])
        var plain = [UInt8](repeating: 0, count: count)
        try stored.withUnsafeBytes { stored in
            try plain.withUnsafeMutableBytes { try Decompressor().decompress(stored, into: $0) }
        }
        return nil
    }

    private static func recodeBlock(_ bytes: [UInt8]) throws -> [UInt8]? {
        guard bytes.count == IndexBlock.byteCount else { return nil }
        let number: UInt32 = bytes.integer(at: 4044)
        let entries = try bytes.decoded { raw throws(FormatError) in
            let count = try IndexBlock.check(raw, number: number)
            return (0..<count).map { IndexBlock.entry(raw, $0) }
        }
        for entry in entries {
            let found = bytes.withUnsafeBytes {
                IndexBlock.find(entry.id, in: $0, count: entries.count)
            }
            guard found == entry.location else { throw Finding("a look-up misses an entry") }
        }
        var again = [UInt8](repeating: 0xee, count: IndexBlock.byteCount)
        again.withUnsafeMutableBytes { target in
            IndexBlock.encode(entries[...], number: number, into: target)
            IndexBlock.seal(bytes.withUnsafeBytes { IndexBlock.storedDigest($0) }, into: target)
        }
        return again
    }

    /// With as many frames and chunks as there are bytes for, and lengths that add up.
    private static func completedPackTrailer(_ input: [UInt8]) -> [UInt8]? {
        let fixed = PackHeader.byteCount + 8
        guard input.count >= fixed + FrameEntry.byteCount + ChunkEntry.byteCount else { return nil }
        let room = (input.count - fixed) / (FrameEntry.byteCount + ChunkEntry.byteCount)
        let frames = Int(input.integer(at: 32, as: UInt32.self)) % room + 1
        let rest = input.count - fixed - frames * FrameEntry.byteCount
        let chunks = rest / ChunkEntry.byteCount
        let firstChunk = fixed + frames * FrameEntry.byteCount
        var bytes = input.resized(to: firstChunk + chunks * ChunkEntry.byteCount)
        bytes.store(UInt32(frames), at: 32)
        bytes.store(UInt32(chunks), at: 36)
        var next = 0
        for frame in 0..<frames {
            let entry = fixed + frame * FrameEntry.byteCount
            let left = chunks - next - (frames - frame - 1)
            let share =
                frame == frames - 1
                ? left : Int(input.integer(at: entry + 8, as: UInt32.self)) % left + 1
            var plain: UInt32 = 0
            for chunk in next..<(next + share) {
                let place = firstChunk + chunk * ChunkEntry.byteCount + 32
                let said: UInt32 = bytes.integer(at: place)
                let length = said % UInt32(Limits.chunkBytesMax) + 1
                bytes.store(length, at: place)
                plain += length
            }
            bytes.store(plain, at: entry + 4)
            bytes.store(UInt32(share), at: entry + 8)
            if bytes[entry + 12] == 0 { bytes.store(plain, at: entry) }
            next += share
        }
        return bytes
    }

    /// With the length that its counts ask for, each of them small.
    private static func completedIndexTrailer(_ input: [UInt8]) -> [UInt8]? {
        guard input.count >= 88 else { return nil }
        var bytes = input
        let entries = bytes.integer(at: 32, as: UInt64.self) % 2000 + 1
        let packs = bytes.integer(at: 40, as: UInt32.self) % 64
        let superseded = bytes.integer(at: 44, as: UInt32.self) % 32
        let filterBlocks = BloomFilter.blockCount(for: Int(entries))
        bytes.store(entries, at: 32)
        bytes.store(packs, at: 40)
        bytes.store(superseded, at: 44)
        bytes.store(UInt32(filterBlocks), at: 48)
        let fences = Int(IndexRunTrailer.blockCount(entries: entries))
        let variable = Int(packs) * PackSummary.byteCount + Int(superseded) * Digest.byteCount
        return bytes.resized(
            to: 88 + variable + fences * 8 + filterBlocks * BloomFilter.blockByteCount)
    }

    /// With the count and length that its level and bitmap ask for.
    private static func completedNode(_ input: [UInt8]) -> [UInt8]? {
        guard input.count >= 24 else { return nil }
        var bytes = input
        bytes.replaceSubrange(0..<9, with: Array("KURANODE".utf8) + [1])
        bytes[9] %= UInt8(Limits.nodeLevelMax + 1)
        if bytes[9] == 0 {
            let count = (bytes.count - 16) / 36
            bytes.store(UInt16(count), at: 10)
            for entry in 0..<count {
                let place = 16 + entry * 36
                let packed: UInt32 = bytes.integer(at: place)
                // Short chunks and gaps, so that many fit in a leaf.
                let gap = entry == 0 ? 0 : packed >> 21 & 3
                bytes.store(gap << 21 | packed % 16384 + 1, at: place)
            }
            return bytes.resized(to: 16 + 36 * count)
        }
        let count = bytes.integer(at: 16, as: UInt64.self).nonzeroBitCount
        bytes.store(UInt16(count), at: 10)
        bytes.store(UInt32(0), at: 12)
        return bytes.resized(to: 24 + 32 * count)
    }
}
