internal import KuraCodec
internal import KuraFormat
package import KuraIO
package import KuraReplicas

/// The good bytes of a file, and where they came from.
package struct SoundCopy {
    enum Content {
        case bytes([UInt8])
        /// The copy of a run in a replica, which was good just now.
        case run(RunID, Replica, byteCount: UInt64)
    }

    var content: Content
    var source: RepairSource
    let vault: Vault

    package var byteCount: UInt64 {
        switch content {
        case .bytes(let bytes): UInt64(bytes.count)
        case .run(_, _, let byteCount): byteCount
        }
    }

    /// Calls `body` with the bytes in order, piece by piece. Throws where the copy of a run has
    /// gone bad meanwhile.
    func forEachPiece(_ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        switch content {
        case .bytes(let bytes): try bytes.withUnsafeBytes { try body($0) }
        case .run(let id, let replica, _): try RunFile.read(id, in: replica, of: vault, body)
        }
    }

    /// Makes a copy durable in a replica: see `Store.upload`.
    func publish(
        _ file: VaultFile, in replica: Replica, _ condition: PutCondition, by session: UniqueID
    ) throws(IOError) {
        let name = file.name(in: vault.id)
        let upload = try replica.store.upload(in: name.folder, by: session)
        do {
            try forEachPiece { try upload.append($0) }
        } catch {
            upload.abandon()
            throw error as? IOError
                ?? .failed("read a good copy of", place: replica.store.address(of: name))
        }
        try upload.complete()
        _ = try upload.finish(as: name, condition)
    }
}

extension Vault {
    /// A whole good copy of a file: from a replica, from the pair, or for a pack put together from
    /// frames of several copies. Throws `damaged` or `notFound` where there is none.
    /// - Parameter mayBeAbsent: whether a copy that is not there is no damage: of a pack that no
    ///   run lists, for one.
    package func soundCopy(
        of file: VaultFile, mayBeAbsent: Bool = false
    ) throws(KuraError) -> SoundCopy {
        if case .run(let id) = file {
            return try firstGood(file) { replica in
                let byteCount = try RunFile.read(id, in: replica, of: self)
                return SoundCopy(
                    content: .run(id, replica, byteCount: byteCount),
                    source: isOwn(replica) ? .replica : .pair, vault: self)
            }
        }
        do throws(KuraError) {
            return try read(
                file, max: ObjectKind.byteCountMax, mayBeAbsent: mayBeAbsent
            ) { bytes, replica in
                try file.check(bytes, self.record)
                return SoundCopy(
                    content: .bytes(bytes), source: isOwn(replica) ? .replica : .pair, vault: self)
            }
        } catch {
            if file == .record {
                return SoundCopy(
                    content: .bytes(record.encoded()), source: .rebuilt, vault: self)
            }
            guard case .pack(let id) = file, error.code == .damaged else { throw error }
            return SoundCopy(
                content: .bytes(try PackAssembly(id, self).run()), source: .assembled, vault: self)
        }
    }

    /// The bytes of a file other than a run, checked whole: from a replica, or for a pack put
    /// together from frames of several damaged copies.
    package func soundBytes(
        of file: VaultFile, mayBeAbsent: Bool = false
    ) throws(KuraError) -> [UInt8] {
        let copy = try soundCopy(of: file, mayBeAbsent: mayBeAbsent)
        guard case .bytes(let bytes) = copy.content else {
            preconditionFailure("index runs may be too long for memory")
        }
        return bytes
    }
}

/// Puts a pack together whose copies are all damaged, in different places.
///
/// The trailer names every frame's place and hash, so each frame may come from any copy in which
/// its bytes are right, also from one that is too short or too long.
struct PackAssembly {
    private let id: PackID
    private let vault: Vault

    init(_ id: PackID, _ vault: Vault) {
        self.id = id
        self.vault = vault
    }

    /// - Returns: the whole pack, checked. Throws `damaged` when a frame is right in no copy.
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

    /// Frames that no copy has right; nil where every frame can be had.
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

    /// Fills the frames of a pack's bytes from whichever copy has them right.
    /// - Returns: numbers of frames that are right in no copy.
    private func collect(_ trailer: PackTrailer, into bytes: inout [UInt8]) -> Set<Int> {
        let name = VaultFile.pack(id).name(in: vault.id)
        var copies: [any ObjectReader] = []
        for replica in vault.replicas + vault.pair {
            do throws(IOError) {
                copies.append(try replica.store.open(name))
            } catch {
                // The other copies may do.
                continue
            }
        }
        var lost = Set<Int>()
        for (number, frame) in FrameTable(trailer).frames.enumerated() {
            let start = Int(frame.offset)
            let range = start..<(start + Int(frame.entry.storedByteCount))
            if !copies.contains(where: { fill(&bytes, range, from: $0, frame.entry) }) {
                lost.insert(number)
            }
        }
        return lost
    }

    /// Reads one frame from one copy.
    /// - Returns: whether its stored hash is right.
    private func fill(
        _ bytes: inout [UInt8], _ range: Range<Int>, from copy: any ObjectReader,
        _ frame: FrameEntry
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
