import KuraFormat

/// Whole packs in memory, written and checked as FORMAT.md says, section 5.6.
enum PackFile {
    /// A pack of raw frames.
    /// - Parameter frames: the chunks of each frame.
    static func make(_ frames: [[[UInt8]]], vault: UniqueID) -> (bytes: [UInt8], id: PackID) {
        var trailer = PackTrailer(header: PackHeader(kind: .data, vault: vault, nonce: 0))
        var bytes = trailer.header.encoded()
        for chunks in frames {
            let plain = Array(chunks.joined())
            trailer.frames.append(
                FrameEntry(
                    storedByteCount: UInt32(plain.count), plainByteCount: UInt32(plain.count),
                    chunkCount: UInt32(chunks.count), codec: .raw,
                    storedDigest: SHA256.digest(plain)))
            for chunk in chunks {
                trailer.chunks.append(
                    ChunkEntry(id: SHA256.digest(chunk), byteCount: UInt32(chunk.count)))
            }
            bytes += plain
        }
        return finish(bytes, trailer.encoded())
    }

    static func check(_ file: [UInt8], id: PackID) throws(FormatError) {
        let trailer = try readTrailer(of: file, .pack, id).decoded { raw throws(FormatError) in
            try PackTrailer(decoding: raw)
        }
        guard trailer.fileByteCount == UInt64(file.count) else {
            throw .truncated(
                .pack, needed: trailer.fileByteCount, available: UInt64(file.count))
        }
        guard trailer.header.encoded() == Array(file[..<PackHeader.byteCount]) else {
            throw .checksumMismatch(.pack)
        }
        var offset = PackHeader.byteCount
        for frame in trailer.frames {
            let end = offset + Int(frame.storedByteCount)
            guard SHA256.digest(Array(file[offset..<end])) == frame.storedDigest else {
                throw .checksumMismatch(.frame)
            }
            offset = end
        }
    }
}

/// Whole index runs in memory, written and checked as FORMAT.md says, section 5.7.
enum IndexRunFile {
    /// - Parameter entries: ascending, each name once, at least one.
    static func make(
        _ entries: [IndexEntry], packs: [PackSummary], superseded: [RunID], vault: UniqueID
    ) -> (bytes: [UInt8], id: RunID, trailer: IndexRunTrailer) {
        let header = IndexRunHeader(vault: vault, nonce: 0)
        var bytes = header.encoded()
        var fences: [UInt64] = []
        var filter = BloomFilter(capacity: entries.count)
        var digests = SHA256()
        for entry in entries { filter.insert(entry.id) }
        for start in stride(from: 0, to: entries.count, by: IndexBlock.entriesMax) {
            let part = entries[start..<min(start + IndexBlock.entriesMax, entries.count)]
            let block = block(part, number: UInt32(fences.count))
            fences.append(part.first!.id.word0)
            digests.update(block.withUnsafeBytes { IndexBlock.storedDigest($0) })
            bytes += block
        }
        let trailer = IndexRunTrailer(
            header: header, entryCount: UInt64(entries.count), blocksDigest: digests.finish(),
            packs: packs, superseded: superseded, fences: fences, filter: filter)
        let (file, id) = finish(bytes, trailer.encoded())
        return (file, id, trailer)
    }

    /// A sealed block.
    static func block(_ entries: ArraySlice<IndexEntry>, number: UInt32) -> [UInt8] {
        var block = [UInt8](repeating: 0xee, count: IndexBlock.byteCount)
        block.withUnsafeMutableBytes { IndexBlock.encode(entries, number: number, into: $0) }
        return sealed(block)
    }

    static func sealed(_ block: [UInt8]) -> [UInt8] {
        var block = block
        let digest = SHA256.digest(Array(block[..<IndexBlock.checkedByteCount]))
        block.withUnsafeMutableBytes { IndexBlock.seal(digest, into: $0) }
        return block
    }

    static func check(_ file: [UInt8], id: RunID) throws(FormatError) {
        let trailer = try readTrailer(of: file, .indexRun, id).decoded { raw throws(FormatError) in
            try IndexRunTrailer(decoding: raw)
        }
        guard trailer.fileByteCount == UInt64(file.count) else {
            throw .truncated(
                .indexRun, needed: trailer.fileByteCount, available: UInt64(file.count))
        }
        guard trailer.header.encoded() == Array(file[..<IndexRunHeader.byteCount]) else {
            throw .checksumMismatch(.indexRun)
        }
        var digests = SHA256()
        for number in trailer.fences.indices {
            let start = (number + 1) * IndexBlock.byteCount
            let block = Array(file[start..<(start + IndexBlock.byteCount)])
            digests.update(block.withUnsafeBytes { IndexBlock.storedDigest($0) })
            _ = try checkBlock(block, number: UInt32(number))
        }
        guard digests.finish() == trailer.blocksDigest else { throw .checksumMismatch(.indexRun) }
    }

    /// - Returns: the number of entries.
    static func checkBlock(_ block: [UInt8], number: UInt32) throws(FormatError) -> Int {
        guard sealed(block) == block else { throw .checksumMismatch(.indexBlock) }
        return try block.decoded { raw throws(FormatError) in
            try IndexBlock.check(raw, number: number)
        }
    }
}

private func finish(_ bytes: [UInt8], _ trailer: [UInt8]) -> (bytes: [UInt8], id: Digest) {
    let id = SHA256.digest(trailer)
    let footer = Footer(trailerByteCount: UInt64(trailer.count), trailerDigest: id)
    return (bytes + trailer + footer.encoded(), id)
}

/// The trailer of a pack or index run, compared with the file's name.
private func readTrailer(
    of file: [UInt8], _ structure: Structure, _ id: Digest
) throws(FormatError) -> [UInt8] {
    guard file.count >= Footer.byteCount else {
        throw .truncated(
            structure, needed: UInt64(Footer.byteCount), available: UInt64(file.count))
    }
    let end = file.count - Footer.byteCount
    let footer = try Array(file[end...]).decoded { raw throws(FormatError) in
        try Footer(decoding: raw, of: structure)
    }
    guard footer.trailerDigest == id, footer.trailerByteCount <= UInt64(end) else {
        throw .checksumMismatch(structure)
    }
    let trailer = Array(file[(end - Int(footer.trailerByteCount))..<end])
    guard SHA256.digest(trailer) == id else { throw .checksumMismatch(structure) }
    return trailer
}

extension SHA256 {
    fileprivate mutating func update(_ digest: Digest) {
        var bytes = [UInt8](repeating: 0, count: Digest.byteCount)
        bytes.withUnsafeMutableBytes { digest.store(to: $0.baseAddress!) }
        bytes.withUnsafeBytes { update($0) }
    }
}
