internal import KuraFormat
internal import KuraIO
internal import KuraReplicas

/// Checks the file of an index run before memory is allocated for its tables.
///
/// Files can be sparse: a few bytes on the disk of a replica may be a run of any length, whose
/// trailer has the digest that is its name. So the file must be as long as its counts say, and
/// where the tables are not small, some of its blocks, and every row of the tables of packs and
/// of superseded runs, must be valid.
enum RunAdmission {
    /// A trailer, or a table, of at most this length needs no further check.
    private static let tableBytesMin = 64 << 10
    private static let probedBlocks = 8
    private static let pieceBytes = 56 << 10

    /// - Returns: offset of the trailer, and its counts, which agree with the file's length.
    static func counts(
        of id: RunID, _ reader: any ObjectReader, size: UInt64
    ) throws -> (start: UInt64, counts: IndexRunTrailer.Counts) {
        let (start, counts) = try statedCounts(id, reader, size: size)
        guard counts.fileByteCount == size,
            counts.trailerByteCount == size - UInt64(Footer.byteCount) - start
        else {
            throw FormatError.truncated(
                .indexRun, needed: counts.fileByteCount, available: size)
        }
        guard counts.trailerByteCount > tableBytesMin else { return (start, counts) }
        try probe(counts, reader)
        let packs = start + UInt64(IndexRunTrailer.fixedByteCount)
        try eachPiece(
            of: counts.packBytes, at: packs, row: PackSummary.byteCount, in: reader
        ) { piece in
            guard IndexRunTrailer.mayBePacks(piece) else {
                throw FormatError.invalidField(.indexRun, field: "pack kind")
            }
        }
        let superseded = packs + UInt64(counts.packBytes)
        try eachPiece(
            of: counts.supersededBytes, at: superseded, row: Digest.byteCount, in: reader
        ) { piece in
            for row in stride(from: 0, to: piece.count, by: Digest.byteCount) {
                let name = piece[row..<(row + Digest.byteCount)]
                guard name.contains(where: { $0 != 0 }) else {
                    throw FormatError.invalidField(.indexRun, field: "superseded run")
                }
            }
        }
        return (start, counts)
    }

    /// Reads footer and counts, with two short reads. The trailer is not compared with the run's
    /// name yet.
    static func statedCounts(
        _ id: RunID, _ reader: any ObjectReader, size: UInt64
    ) throws -> (start: UInt64, counts: IndexRunTrailer.Counts) {
        let footer = try TrailerReader.footer(
            reader, size: size, structure: .indexRun, max: Limits.runTrailerBytesMax, digest: id)
        let start = size - UInt64(Footer.byteCount) - footer.trailerByteCount
        var fixed = [UInt8](repeating: 0, count: IndexRunTrailer.fixedByteCount)
        guard footer.trailerByteCount >= UInt64(fixed.count) else {
            throw FormatError.truncated(
                .indexRun, needed: UInt64(fixed.count), available: footer.trailerByteCount)
        }
        let count = try fixed.withUnsafeMutableBytes {
            try reader.read(at: start, into: $0)
        }
        guard count == fixed.count else { throw FormatError.checksumMismatch(.indexRun) }
        return (start, try fixed.withUnsafeBytes { try IndexRunTrailer.Counts(in: $0) })
    }

    /// Reads and checks blocks at random, so that the maker of a sparse file cannot know which of
    /// them need real bytes.
    private static func probe(
        _ counts: IndexRunTrailer.Counts, _ reader: any ObjectReader
    ) throws {
        let block = AlignedBuffer(byteCount: IndexBlock.byteCount)
        for _ in 0..<probedBlocks {
            _ = try IndexRunReader.readBlock(
                Int.random(in: 0..<counts.blocks), reader, into: block.bytes)
        }
    }

    private static func eachPiece(
        of byteCount: Int, at start: UInt64, row: Int, in reader: any ObjectReader,
        _ body: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        guard byteCount > tableBytesMin else { return }
        let buffer = AlignedBuffer(byteCount: pieceBytes)
        let whole = pieceBytes / row * row
        for offset in stride(from: 0, to: byteCount, by: whole) {
            let count = min(whole, byteCount - offset)
            let target = UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[..<count])
            guard try reader.read(at: start + UInt64(offset), into: target) == count else {
                throw FormatError.checksumMismatch(.indexRun)
            }
            try body(UnsafeRawBufferPointer(target))
        }
    }
}
