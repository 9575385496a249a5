internal import KuraCodec
internal import KuraFormat
internal import KuraIO
internal import KuraReplicas

/// Puts a pack together whose copies are all damaged, in different frames.
///
/// The trailer has every frame's length and hash, so each frame may come from any copy in which
/// its bytes are good, also from one that is too short or too long. Memory: the whole pack.
struct PackAssembly {
    private let id: PackID
    private let vault: Vault

    init(_ id: PackID, _ vault: Vault) {
        self.id = id
        self.vault = vault
    }

    /// - Returns: the whole pack, checked.
    /// - Throws: `damaged` or `notFound` when a frame, or the trailer, is good in no copy.
    func run() throws(KuraError) -> [UInt8] {
        let trailer = try PackReader.trailer(id, vault)
        let encoded = trailer.encoded()
        var bytes = [UInt8](repeating: 0, count: Int(trailer.fileByteCount))
        bytes.replaceSubrange(0..<PackHeader.byteCount, with: trailer.header.encoded())
        if let number = collect(trailer, into: &bytes).min() {
            throw KuraError(
                .damaged, "frame \(number) of pack \(id.short) is right in no copy",
                remedy: .vault(.repair(.chunks)))
        }
        let footer = Footer(trailerByteCount: UInt64(encoded.count), trailerDigest: id)
        let end = encoded + footer.encoded()
        bytes.replaceSubrange((bytes.count - end.count)..., with: end)
        try withKuraErrors { try VaultFile.pack(id).check(bytes, vault.record) }
        return bytes
    }

    /// Frames that are good in no copy; nil where there are none.
    /// - Parameter decoding: whether frames are decoded too, and their chunks compared with their
    ///   names.
    func lostFrames(decoding: Bool) -> LostFrames? {
        let known: PackTrailer
        do throws(KuraError) {
            known = try PackReader.trailer(id, vault)
        } catch {
            return .all
        }
        var bytes = [UInt8](repeating: 0, count: Int(known.fileByteCount))
        var lost = collect(known, into: &bytes)
        if decoding { lost.formUnion(undecodable(known, bytes)) }
        return lost.isEmpty ? nil : .some(lost)
    }

    /// Frames that do not decode to the chunks that the trailer names.
    private func undecodable(_ trailer: PackTrailer, _ bytes: [UInt8]) -> Set<Int> {
        let decoder = FrameDecoder()
        let plain = FrameBuffer()
        var wrong = Set<Int>()
        var next = 0
        for (number, frame) in FrameTable(trailer).frames.enumerated() {
            let chunks = trailer.chunks[next..<(next + Int(frame.entry.chunkCount))]
            next = chunks.endIndex
            let start = Int(frame.offset)
            let range = start..<(start + Int(frame.entry.storedByteCount))
            let isRight = bytes.withUnsafeBytes { raw in
                do {
                    let decoded = plain.bytes(Int(frame.entry.plainByteCount))
                    try decoder.decode(
                        UnsafeRawBufferPointer(rebasing: raw[range]), frame.entry, into: decoded)
                    var offset = 0
                    return chunks.allSatisfy { chunk in
                        let end = offset + Int(chunk.byteCount)
                        defer { offset = end }
                        let part = UnsafeRawBufferPointer(rebasing: decoded[offset..<end])
                        return ChunkHasher.digest(part) == chunk.id
                    }
                } catch {
                    return false
                }
            }
            if !isRight { wrong.insert(number) }
        }
        return wrong
    }

    /// Fills in each frame of a pack's bytes from the first copy in which it is good.
    /// - Returns: numbers of the frames that are good in no copy.
    private func collect(_ trailer: PackTrailer, into bytes: inout [UInt8]) -> Set<Int> {
        let name = VaultFile.pack(id).name(in: vault.id)
        var copies: [any ObjectReader] = []
        for replica in vault.replicas + vault.pair {
            do throws(IOError) {
                copies.append(try replica.store.open(name))
            } catch {
                // The other copies may be enough.
                continue
            }
        }
        var lost = Set<Int>()
        for (number, frame) in FrameTable(trailer).frames.enumerated() {
            let start = Int(frame.offset)
            let range = start..<(start + Int(frame.entry.storedByteCount))
            if !copies.contains(where: { fill(&bytes, range, from: $0, as: frame.entry) }) {
                lost.insert(number)
            }
        }
        return lost
    }

    /// Reads one frame from one copy.
    /// - Returns: whether its stored hash is right.
    private func fill(
        _ bytes: inout [UInt8], _ range: Range<Int>, from copy: any ObjectReader,
        as frame: FrameEntry
    ) -> Bool {
        bytes.withUnsafeMutableBytes { raw in
            let target = UnsafeMutableRawBufferPointer(rebasing: raw[range])
            do {
                let count = try copy.read(at: UInt64(range.lowerBound), into: target)
                guard count == target.count else { return false }
                try FrameDecoder.check(UnsafeRawBufferPointer(target), frame)
                return true
            } catch {
                return false
            }
        }
    }
}
